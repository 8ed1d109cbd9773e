"""Recorder of a dialogue: what the next sentences refer to, what a language model learns, and what the memory keeps."""

from collections.abc import Sequence
from datetime import datetime

from wyoming_rosie_intent.answer import (
    AnswerChunk,
    AnswerEvent,
    ConversationInput,
    Filler,
    Handled,
    NotHandled,
    Outcome,
    PendingAction,
)
from wyoming_rosie_intent.context import undo
from wyoming_rosie_intent.context.last_turn import LastTurn, LastTurns
from wyoming_rosie_intent.engine import Command
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm.agent import LlmAgent
from wyoming_rosie_intent.llm.output.answer_length import estimate_speech_seconds
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory


class TurnRecorder:
    """Records the turns of the dialogues with one home; `now` is seconds of any clock."""

    def __init__(
        self,
        executor: ActionExecutor,
        confirmations: Confirmations[PendingAction],
        agent: LlmAgent | None = None,
        dialogue_memory: DialogueMemory | None = None,
    ) -> None:
        self._executor = executor
        self._confirmations = confirmations
        self._agent = agent
        self._dialogue_memory = dialogue_memory
        self._last_turns = LastTurns()

    def get_last_turn(self, user_input: ConversationInput, now: float) -> LastTurn:
        """Return the turn that a sentence may refer to; an empty one if there is none."""
        return self._last_turns.get(user_input.conversation_id, user_input.area, now)

    def record_commands(self, user_input: ConversationInput, commands: Sequence[Command], now: float) -> None:
        """Record commands that are about to be executed, and what puts them back."""
        if not commands:
            return
        states = self._executor.states()
        before = {entity.id: dict(states.get(entity.id, {})) for command in commands for entity in command.targets}
        undone = [undo.create_undo(command, before) for command in commands]
        acts = any(one is not None for one in undone)
        flat = tuple(command for one in undone for command in one or ())
        self._last_turns.record_commands(
            user_input.conversation_id, user_input.area, commands, flat if acts else None, now
        )

    def forget_changes(self, user_input: ConversationInput, now: float) -> None:
        """Forget the changes of the last turn, which are being put back."""
        self._last_turns.forget_changes(user_input.conversation_id, user_input.area, now)

    def record_answer(self, user_input: ConversationInput, event: AnswerEvent, now: float) -> None:
        """Record what is said: for "what did you say", and for the reply if it is a question."""
        if not isinstance(event, Handled | NotHandled):
            return
        ends_at = now + estimate_speech_seconds(event.text)
        if isinstance(event, Handled) and (question := event.question) is not None:
            asked_at = ends_at if question.is_offer else now  # an offer is heard only at the end of a long answer
            self._confirmations.ask(
                user_input.conversation_id, question.action, asked_at, question.text, question.options
            )
        if event.text:
            self._last_turns.record_answer(user_input.conversation_id, user_input.area, event.text, ends_at)

    def repeat_question(self, user_input: ConversationInput, now: float) -> str | None:
        """Return the question that a reply did not settle, and wait for another reply; None after some repetitions."""
        return self._confirmations.repeat_question(user_input.conversation_id, now)

    def inform_model(self, user_input: ConversationInput, outcome: Outcome, now: float) -> None:
        """Let the next turn of a language model know what the rules did, unless they failed."""
        if self._agent is not None and isinstance(outcome, Handled):
            self._agent.record_turn(user_input, outcome, now)

    def remember(
        self, user_input: ConversationInput, event: AnswerEvent, moment: datetime, *, by_model: bool = False
    ) -> None:
        """Keep a turn whose answer was sent in the memory; what a private plugin said stays with its service."""
        if isinstance(event, Handled) and event.is_private:
            return
        if self._dialogue_memory is not None and not isinstance(event, AnswerChunk | Filler):
            self._dialogue_memory.record(user_input, event, moment, by_model=by_model)

    def forget_turns(self) -> None:
        """Forget all turns, as the memory has forgotten something that they may quote."""
        self._last_turns.clear()
        if self._agent is not None:
            self._agent.clear_history()
