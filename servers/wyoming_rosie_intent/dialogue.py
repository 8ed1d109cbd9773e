"""The dialogue: who answers a sentence. A reply to a question comes first, then rules, plugins, memory, language model."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext
from dataclasses import replace
from datetime import datetime
from functools import partial

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie.text.normalize import is_speakable
from wyoming_rosie_intent.answer import (
    AnswerChunk,
    AnswerEvent,
    ConversationInput,
    DelegateToConductor,
    Filler,
    Handled,
    NotHandled,
    NotRecognized,
    Outcome,
    PendingAction,
)
from wyoming_rosie_intent.context import follow_up
from wyoming_rosie_intent.context.follow_up import FollowUp
from wyoming_rosie_intent.context.last_turn import LastTurn
from wyoming_rosie_intent.context.recorder import TurnRecorder
from wyoming_rosie_intent.engine import IntentRecognizer, Match, SatelliteAnnouncer, UnknownLanguageError
from wyoming_rosie_intent.execution import targets
from wyoming_rosie_intent.execution.confirmation import ConfirmationReply, Confirmations
from wyoming_rosie_intent.execution.dispatcher import IntentDispatcher
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.policy import is_query_intent
from wyoming_rosie_intent.execution.satellite_alarms import SatelliteAlarms
from wyoming_rosie_intent.llm.agent import LlmAgent
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory
from wyoming_rosie_intent.memory.extraction.extractor import FactExtractor
from wyoming_rosie_intent.memory.spoken.sentences import MemoryRequest
from wyoming_rosie_intent.plugins.conversation import PluginCall, PluginConversations
from wyoming_rosie_intent.plugins.match import PluginMatch
from wyoming_rosie_intent.plugins.registry import PluginRegistry
from wyoming_rosie_intent.responses import intent_text, responses
from wyoming_rosie_intent.rules import unknown_names
from wyoming_rosie_intent.rules.multi_command import Matches
from wyoming_rosie_intent.rules.sentence_parser import SentenceParser

MAX_SENTENCE_CHARACTERS = 1000
"""Longer sentences are refused."""


class Dialogue:
    """The conversations with one home. Without an actor, commands are delegated to the conductor."""

    def __init__(
        self,
        recognizer: IntentRecognizer,
        executor: ActionExecutor,
        confirmations: Confirmations[PendingAction],
        plugins: PluginRegistry | None = None,
        agent: LlmAgent | None = None,
        satellite_alarms: SatelliteAlarms | None = None,
        announcer: SatelliteAnnouncer | None = None,
        dialogue_memory: DialogueMemory | None = None,
        extractor: FactExtractor | None = None,
    ) -> None:
        self._executor = executor
        self._confirmations = confirmations
        self._agent = agent
        self._dialogue_memory = dialogue_memory
        self._extractor = extractor
        self._worker = ThreadWorker("intent")
        self._parser = SentenceParser(recognizer, lambda: executor.home)
        self._plugins = PluginConversations(plugins, executor, announcer) if plugins else None
        self._recorder = TurnRecorder(executor, confirmations, agent, dialogue_memory)
        self._dispatcher = IntentDispatcher(
            executor,
            self._recorder,
            self._parse_commands,
            satellite_alarms,
            self._plugins,
            has_model=agent is not None,
        )

    def prepare_turn(
        self, turn_id: str, area: str | None, conversation: str | None, moment: datetime, now: float
    ) -> None:
        """Prepare for a sentence: a wake word was detected."""
        if self._extractor is not None:
            self._extractor.on_wake_word()
        if self._agent is not None:
            self._agent.prepare_turn(turn_id, area, conversation, moment, now)

    async def answer(
        self, user_input: ConversationInput, moment: datetime, now: float
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the answer, its outcome last; closing the generator stops a language model. Raises UnknownLanguageError.

        `moment` is the wall clock, `now` seconds of any clock.
        """
        with self._extractor.turn() if self._extractor is not None else nullcontext():
            async with aclosing(self._answer(user_input, moment, now)) as events:
                async for event in events:
                    yield event

    async def execute_for_plugin(
        self, user_input: ConversationInput, call: PluginCall, moment: datetime, now: float
    ) -> Outcome:
        """Have a plugin execute an intent for a program, or ask its question. Raises BadEventError."""
        if self._plugins is None or not user_input.allow_tools:
            raise BadEventError("there is no plugin that may be called")
        await self._load_language(user_input)
        match = self._plugins.parse_call(call, user_input.language)
        outcome = await self._call_plugin(user_input, match, moment, now)
        assert outcome is not None, "only a sentence is left to a language model"
        self._recorder.record_answer(user_input, outcome, now)
        return outcome

    async def wait_for_answer(self, answer_id: str, now: float) -> tuple[ConversationInput, Outcome]:
        """Return an answer that was promised, and wait for the reply to its question. Raises BadEventError."""
        if self._plugins is None:
            raise BadEventError("there is no late answer without plugins")
        user_input, outcome = await self._plugins.wait(answer_id)
        self._recorder.inform_model(user_input, outcome, now)
        self._recorder.record_answer(user_input, outcome, now)
        return user_input, outcome

    async def render_response(self, match: Match, area: str | None, moment: datetime, *, renders: bool) -> str | None:
        """Return the response for a conductor to speak after it has executed an intent; `renders` if it renders templates."""

        def render() -> str | None:
            found = targets.find_targets(self._executor.home, match, area)
            entities = found if isinstance(found, tuple) else ()
            return intent_text.create_intent_text(match, entities, moment, renders=renders)

        return await self._worker.run(render)

    @property
    def waiting(self) -> int:
        """The number of sentences that wait for the worker."""
        return self._worker.waiting

    def close(self) -> None:
        self._worker.close()
        if self._plugins is not None:
            self._plugins.close()

    async def _answer(
        self, user_input: ConversationInput, moment: datetime, now: float
    ) -> AsyncGenerator[AnswerEvent, None]:
        language = await self._load_language(user_input)
        self._dispatcher.silence_alarms(user_input)
        reply, action = self._parse_reply(user_input, now)
        outcome = await self._answer_at_once(user_input, reply, action, language, moment, now)
        if outcome is not None:
            outcome = await self._add_memory_trouble(outcome, language)
            self._recorder.inform_model(user_input, outcome, now)
            self._recorder.record_answer(user_input, outcome, now)
            yield outcome
            self._recorder.remember(user_input, outcome, moment)
        elif self._agent is None:
            yield NotRecognized(self._explain_unknown(user_input, language))
        else:
            request = replace(user_input, continues=reply is ConfirmationReply.YES)
            async with aclosing(self._ask_model(self._agent, request, language, moment, now)) as events:
                async for event in events:
                    self._recorder.record_answer(user_input, event, now)
                    yield event
                    self._recorder.remember(user_input, event, moment, by_model=True)

    async def _load_language(self, user_input: ConversationInput) -> str:
        """Load the phrases of the input's language and return that language."""
        preferred = self._executor.home.preferences.language
        for language in (user_input.language, preferred):
            if language and not responses.is_prepared(language):
                await self._worker.run(responses.prepare, language)
        return user_input.language or "en"

    def _parse_reply(self, user_input: ConversationInput, now: float) -> tuple[ConfirmationReply, PendingAction | None]:
        """Return the reply to a question, which must not be answered by a sentence that may execute nothing."""
        if not user_input.allow_tools:
            return ConfirmationReply.OTHER, None
        return self._confirmations.parse_reply(user_input.conversation_id, user_input.text, now)

    async def _answer_at_once(
        self,
        user_input: ConversationInput,
        reply: ConfirmationReply,
        action: PendingAction | None,
        language: str,
        moment: datetime,
        now: float,
    ) -> Outcome | None:
        """Return the outcome of a reply to a question, or that of the rules; None leaves the answer to a language model."""
        if len(user_input.text) > MAX_SENTENCE_CHARACTERS:
            return NotRecognized(responses.render("too_long", language))
        if reply is ConfirmationReply.YES and action is not None:
            return await self._execute_confirmed(user_input, action, moment, now)
        if reply is ConfirmationReply.NO:
            return Handled(responses.render("left_alone", language))
        if not is_speakable(user_input.text):
            return NotRecognized(responses.render("heard_nothing", language))
        outcome = await self._dispatcher.answer_alarm_question(user_input, language)
        if outcome is None:
            outcome = await self._answer_by_rules(user_input, moment, now)
        if outcome is None and reply is ConfirmationReply.UNCLEAR:
            question = self._recorder.repeat_question(user_input, now)
            outcome = Handled(question, expects_reply=True) if question else None
        return outcome

    async def _execute_confirmed(
        self, user_input: ConversationInput, action: PendingAction, moment: datetime, now: float
    ) -> Outcome | None:
        """Execute or delegate a confirmed or chosen action; None to go on with the rest of a model's answer."""
        if isinstance(action, PluginMatch):
            assert self._plugins is not None
            return await self._call_plugin(user_input, action, moment, now)
        if isinstance(action, MemoryRequest):
            return await self._execute_memory_request(user_input, action, moment)
        if action == () and self._agent is not None:
            return None
        return await self._dispatcher.dispatch_confirmed(user_input, action, moment, now)

    async def _answer_by_rules(self, user_input: ConversationInput, moment: datetime, now: float) -> Outcome | None:
        """Answer by rules and plugins; None if the sentence means nothing to them."""
        recognized = await self._worker.run(self._recognize, user_input)
        if not user_input.allow_tools and isinstance(recognized, tuple) and _changes_something(recognized):
            self._executor.record_refusals(recognized, user_input.area, user_input.speaker)
            recognized = ()
        match recognized:
            case PluginMatch() as match:
                return await self._answer_by_plugin(user_input, match, moment, now)
            case ():
                outcome = await self._answer_follow_up(user_input, moment, now)
                return outcome or await self._answer_from_memory(user_input, moment)
            case (Match(intent="HassNevermind") as match,):
                outcome = await self._answer_from_memory(user_input, moment, only_last_turn=True)
                return outcome or await self._dispatcher.dispatch(user_input, (match,), moment, now)
            case (Match() as match,):
                last = self._recorder.get_last_turn(user_input, now)
                words = follow_up.load_words(base_language(match.language))
                matches = follow_up.refer_back(match, user_input.text, last, self._executor.home, words)
                return await self._dispatcher.dispatch(user_input, matches, moment, now)
            case matches:
                return await self._dispatcher.dispatch(user_input, matches, moment, now)

    def _recognize(self, user_input: ConversationInput) -> Matches | PluginMatch:
        """Match the sentence by rules, then plugins; runs in the worker's thread. Raises UnknownLanguageError."""
        try:
            matches = self._parser.parse(user_input.text, user_input.language, user_input.area)
        except UnknownLanguageError:
            if self._agent is None:
                raise
            matches = ()
        if not user_input.allow_tools:
            return matches
        found = self._plugins.recognize(user_input) if self._plugins is not None and not matches else None
        return found or self._executor.resolve(matches)

    async def _parse_commands(self, text: str, user_input: ConversationInput) -> Matches:
        """Parse the commands in a text that a sentence contains."""
        return await self._worker.run(self._parser.parse, text, user_input.language, user_input.area)

    async def _answer_follow_up(self, user_input: ConversationInput, moment: datetime, now: float) -> Outcome | None:
        """Answer a sentence that refers to the last turn of the conversation or of the room; None for any other."""
        last = self._recorder.get_last_turn(user_input, now)
        found = await self._worker.run(self._parse_follow_up, user_input, last) if last != LastTurn() else None
        if found is None or not (user_input.allow_tools or found.changes_nothing):
            return None
        if found.repeats_answer:
            return Handled(last.answer)
        if found.undoes and (not found.matches or last.has_acted):
            undone = await self._dispatcher.undo(user_input, last, moment, now)
            if not found.matches:
                return undone
        return await self._dispatcher.dispatch(user_input, found.matches, moment, now)

    def _parse_follow_up(self, user_input: ConversationInput, last: LastTurn) -> FollowUp | None:
        """Parse a sentence that refers to the last turn; runs in the worker's thread."""
        words = follow_up.load_words(base_language(user_input.language or "en"))
        recognize = partial(self._parser.recognize, language=user_input.language, area=user_input.area)
        return follow_up.parse_follow_up(user_input.text, last, self._executor.home, words, recognize)

    async def _answer_by_plugin(
        self, user_input: ConversationInput, match: PluginMatch, moment: datetime, now: float
    ) -> Outcome | None:
        """Answer by a plugin; what it declines may be in the memory, or is left to a language model."""
        outcome = await self._call_plugin(user_input, match, moment, now)
        if not isinstance(outcome, NotHandled) or not outcome.is_declined:
            return outcome
        remembered = await self._answer_from_memory(user_input, moment)
        return remembered or (None if self._agent is not None else outcome)

    async def _call_plugin(
        self, user_input: ConversationInput, match: PluginMatch, moment: datetime, now: float
    ) -> Outcome | None:
        """Have a plugin execute a command, or set the reminder that it wants the house to set."""
        assert self._plugins is not None
        found = await self._plugins.answer(user_input, match, moment)
        return await self._dispatcher.dispatch(user_input, (found,), moment, now) if isinstance(found, Match) else found

    async def _answer_from_memory(
        self, user_input: ConversationInput, moment: datetime, *, only_last_turn: bool = False
    ) -> Outcome | None:
        """Answer what is asked of the memory; None for any other sentence, and for what it does not know."""
        memory = self._dialogue_memory
        if memory is None:
            return None
        request = await self._worker.run(memory.recognize, user_input.text, user_input.language)
        if request is None or (only_last_turn and not memory.means_last_turn(request, user_input, moment)):
            return None
        if request.intent.changes and not user_input.allow_tools:
            return None
        return await self._execute_memory_request(user_input, request, moment)

    async def _execute_memory_request(
        self, user_input: ConversationInput, request: MemoryRequest, moment: datetime
    ) -> Outcome | None:
        assert self._dialogue_memory is not None
        outcome = await self._dialogue_memory.answer(request, user_input, moment, has_model=self._agent is not None)
        if request.intent.forgets and isinstance(outcome, Handled) and not outcome.expects_reply:
            self._recorder.forget_turns()
        return outcome

    async def _ask_model(
        self, agent: LlmAgent, request: ConversationInput, language: str, moment: datetime, now: float
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the answer of a language model, and before its outcome what else is to be said."""
        has_spoken = False
        async with aclosing(agent.answer(request, moment, now)) as events:
            async for event in events:
                if isinstance(event, AnswerChunk | Filler):
                    has_spoken = has_spoken or isinstance(event, AnswerChunk)
                    yield event
                    continue
                outcome = await self._add_memory_trouble(event, language)
                added = _get_text(outcome).removeprefix(_get_text(event))
                if has_spoken and added:
                    yield AnswerChunk(added)
                yield outcome

    async def _add_memory_trouble(self, outcome: Outcome, language: str) -> Outcome:
        return await self._dialogue_memory.add_trouble(outcome, language) if self._dialogue_memory else outcome

    def _explain_unknown(self, user_input: ConversationInput, language: str) -> str:
        """Return why nothing is done; a sentence that may execute nothing is not called unknown."""
        if not user_input.allow_tools:
            return responses.render("cannot", language)
        return unknown_names.render_unknown(user_input.text, language, self._executor.home)


def _changes_something(matches: Matches) -> bool:
    return not all(is_query_intent(match.intent) for match in matches)


def _get_text(outcome: Outcome) -> str:
    return "" if isinstance(outcome, DelegateToConductor) else outcome.text
