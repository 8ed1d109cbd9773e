"""The dialogue: answers a sentence by rules, then plugins, then a language model, and asks before what is dangerous."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeAlias

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie.text.normalize import is_speakable
from wyoming_rosie.timers.requests import SpokenAnswer
from wyoming_rosie_intent.answer import (
    AnswerChunk,
    AnswerEvent,
    ConversationInput,
    DeferredCommand,
    DelegateToConductor,
    Filler,
    Handled,
    NotHandled,
    NotRecognized,
    Outcome,
    PendingAction,
    PendingQuestion,
)
from wyoming_rosie_intent.context import follow_up, undo
from wyoming_rosie_intent.context.follow_up import FollowUp
from wyoming_rosie_intent.context.memory import ConversationMemory, LastTurn
from wyoming_rosie_intent.engine import (
    OWN_SLOTS,
    Answer,
    Command,
    IntentRecognizer,
    Match,
    SatelliteAnnouncer,
    UnknownLanguageError,
)
from wyoming_rosie_intent.execution import presence, targets
from wyoming_rosie_intent.execution.confirmation import ConfirmationReply, Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor, ActionPlan, PendingCommand
from wyoming_rosie_intent.execution.policy import is_query_intent
from wyoming_rosie_intent.execution.satellite_alarms import SatelliteAlarms
from wyoming_rosie_intent.llm.agent import LlmAgent
from wyoming_rosie_intent.llm.output.answer_length import estimate_speech_seconds
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory
from wyoming_rosie_intent.memory.extraction.extractor import FactExtractor
from wyoming_rosie_intent.memory.spoken.sentences import MemoryRequest
from wyoming_rosie_intent.plugins.conversation import PluginCall, PluginConversations
from wyoming_rosie_intent.plugins.match import PluginMatch
from wyoming_rosie_intent.plugins.registry import PluginRegistry
from wyoming_rosie_intent.responses import intent_text, responses
from wyoming_rosie_intent.rules import alarms, durations, multi_command, unknown_names
from wyoming_rosie_intent.rules.alarms import EVENT_SLOT, MORE_SLOT
from wyoming_rosie_intent.rules.durations import COMMAND_SLOT
from wyoming_rosie_intent.rules.multi_command import SplitRules

Matches: TypeAlias = tuple[Match, ...]
MAX_SENTENCE_CHARACTERS = 1000
"""Longer sentences are refused."""
_CONDUCTOR_INTENTS = frozenset({"HassNevermind", "HassBroadcast"})


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
        self._extractor = extractor
        self._dialogue_memory = dialogue_memory
        self._satellite_alarms = satellite_alarms
        self._recognizer = recognizer
        self._executor = executor
        self._confirmations = confirmations
        self._plugins = plugins
        self._plugin_conversations = PluginConversations(plugins, executor, announcer) if plugins else None
        self._agent = agent
        self._worker = ThreadWorker("intent")
        self._memory = ConversationMemory()
        self._split_rules_home = executor.home  # the home of the cached rules
        self._split_rules: dict[str | None, SplitRules] = {}

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

    async def _answer(
        self, user_input: ConversationInput, moment: datetime, now: float
    ) -> AsyncGenerator[AnswerEvent, None]:
        language = await self._load_language(user_input)
        if self._satellite_alarms is not None:
            self._satellite_alarms.silence(user_input.satellite)
        reply, action = self._parse_reply(user_input, now)
        outcome = await self._answer_at_once(user_input, reply, action, language, moment, now)
        if outcome is not None:
            outcome = await self._add_trouble(outcome, language)
            self._record_turn(user_input, outcome, now)
            self._record_question(user_input, outcome, now)
            self._record_answer(user_input, outcome, now)
            yield outcome
            self._keep_turn(user_input, outcome, moment)
        elif self._agent is None:
            yield NotRecognized(self._explain_unknown(user_input, language))
        else:
            request = replace(user_input, continues=reply is ConfirmationReply.YES)
            async with aclosing(self._ask_model(self._agent, request, language, moment, now)) as events:
                async for event in events:
                    self._record_question(user_input, event, now)
                    self._record_answer(user_input, event, now)
                    yield event
                    self._keep_turn(user_input, event, moment, by_model=True)

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
                outcome = await self._add_trouble(event, language)
                added = _get_text(outcome).removeprefix(_get_text(event))
                if has_spoken and added:
                    yield AnswerChunk(added)
                yield outcome

    def _explain_unknown(self, user_input: ConversationInput, language: str) -> str:
        """Return why nothing is done; a sentence that may execute nothing is not called unknown."""
        if not user_input.allow_tools:
            return responses.render("cannot", language)
        return unknown_names.render_unknown(user_input.text, language, self._executor.home)

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
        outcome = await self._answer_which_alarm(user_input, language)
        if outcome is None:
            outcome = await self._answer_by_rules(user_input, moment, now)
        if outcome is None and reply is ConfirmationReply.UNCLEAR:
            outcome = self._repeat_question(user_input, now)
        return outcome

    async def render_response(self, match: Match, area: str | None, moment: datetime, *, renders: bool) -> str | None:
        """Return the response for a conductor to speak after it has executed an intent; `renders` if it renders templates."""
        return await self._worker.run(self._render_response, match, area, moment, renders)

    def _render_response(self, match: Match, area: str | None, moment: datetime, renders: bool) -> str | None:
        found = targets.find_targets(self._executor.home, match, area)
        return intent_text.create_intent_text(match, found if isinstance(found, tuple) else (), moment, renders=renders)

    @property
    def waiting(self) -> int:
        """The number of sentences that wait for the worker."""
        return self._worker.waiting

    def close(self) -> None:
        self._worker.close()
        if self._plugin_conversations is not None:
            self._plugin_conversations.close()

    async def _load_language(self, user_input: ConversationInput) -> str:
        """Load the phrases of the input's language and return that language."""
        preferred = self._executor.home.preferences.language
        for language in (user_input.language, preferred):
            if language and not responses.is_prepared(language):
                await self._worker.run(responses.prepare, language)
        return user_input.language or "en"

    async def _execute_confirmed(
        self, user_input: ConversationInput, action: PendingAction, moment: datetime, now: float
    ) -> Outcome | None:
        """Execute or delegate a confirmed or chosen action; None to go on with the rest of a model's answer."""
        if refusals := await self._get_confirmation_refusals(user_input, action):
            return self._refuse_confirmation(user_input, refusals, now)
        if isinstance(action, DelegateToConductor):
            return action
        if isinstance(action, PluginMatch):
            assert self._plugin_conversations is not None
            return await self._call_plugin(user_input, action, moment, now)
        if isinstance(action, MemoryRequest):
            return await self._execute_memory_request(user_input, action, moment)
        if action == () and self._agent is not None:
            return None
        if not all(isinstance(command, PendingCommand) for command in action):  # chosen, but not confirmed
            plan = self._executor.plan_commands(action, user_input.area, user_input.speaker)
            return await self._carry_out(user_input, plan, tuple(command.match for command in action), moment, now)
        self._record_commands(user_input, action, now)
        answer = await self._executor.execute(action, moment)
        return (Handled if answer.done else NotHandled)(answer.text, tuple(command.match for command in action))

    async def _get_confirmation_refusals(self, user_input: ConversationInput, action: PendingAction) -> tuple[str, ...]:
        """Return why whoever confirms an action may not: it needs the rights of that person, too."""
        if isinstance(action, DelegateToConductor):
            deferred = await self._parse_deferred(user_input, action.matches)
            matches = _add_deferred(action.matches, deferred)
            return self._executor.get_refusals(matches, user_input.area, user_input.speaker)
        if not isinstance(action, tuple):
            return ()
        confirmed = [command for command in action if isinstance(command, PendingCommand)]
        return self._executor.get_command_refusals(confirmed, user_input.area, user_input.speaker)

    def _refuse_confirmation(
        self, user_input: ConversationInput, refusals: Sequence[str], now: float
    ) -> Handled | NotHandled:
        """Refuse a yes; a voice that may only have been too short to be known is asked for more words."""
        text = " ".join(refusals)
        if user_input.speaker is None and self._confirmations.repeat_question(user_input.conversation_id, now):
            longer = responses.render("confirm_with_more_words", user_input.language or "en")
            return Handled(f"{text} {longer}", expects_reply=True)
        return NotHandled(text)

    async def _answer_by_rules(self, user_input: ConversationInput, moment: datetime, now: float) -> Outcome | None:
        """Answer by rules and plugins; None if the sentence means nothing to them."""
        match await self._worker.run(self._recognize, user_input):
            case PluginMatch() as match:
                return await self._answer_by_plugin(user_input, match, moment, now)
            case ():
                outcome = await self._answer_follow_up(user_input, moment, now)
                return outcome or await self._answer_from_memory(user_input, moment)
            case (Match(intent="HassNevermind") as match,):
                outcome = await self._answer_from_memory(user_input, moment, only_last_turn=True)
                return outcome or await self._execute(user_input, (match,), moment, now)
            case (Match() as match,):
                last = self._memory.get(user_input.conversation_id, user_input.area, now)
                words = follow_up.load_words(base_language(match.language))
                matches = follow_up.refer_back(match, user_input.text, last, self._executor.home, words)
                return await self._execute(user_input, matches, moment, now)
            case matches:
                return await self._execute(user_input, matches, moment, now)

    async def _call_plugin(
        self, user_input: ConversationInput, match: PluginMatch, moment: datetime, now: float
    ) -> Outcome | None:
        """Have a plugin execute a command, or set the reminder that it wants the house to set."""
        assert self._plugin_conversations is not None
        outcome = await self._plugin_conversations.answer(user_input, match, moment)
        return await self._execute(user_input, (outcome,), moment, now) if isinstance(outcome, Match) else outcome

    async def _answer_by_plugin(
        self, user_input: ConversationInput, match: PluginMatch, moment: datetime, now: float
    ) -> Outcome | None:
        """Answer by a plugin; what it declines may be in the memory, or is left to a language model."""
        outcome = await self._call_plugin(user_input, match, moment, now)
        if not isinstance(outcome, NotHandled) or not outcome.is_declined:
            return outcome
        remembered = await self._answer_from_memory(user_input, moment)
        return remembered or (None if self._agent is not None else outcome)

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
            self._memory.clear()
            if self._agent is not None:
                self._agent.clear_history()
        return outcome

    def _keep_turn(
        self, user_input: ConversationInput, event: AnswerEvent, moment: datetime, *, by_model: bool = False
    ) -> None:
        """Keep a turn once its answer was sent; what a private plugin said stays with its service."""
        if isinstance(event, Handled) and event.is_private:
            return
        if self._dialogue_memory is not None and not isinstance(event, AnswerChunk | Filler):
            self._dialogue_memory.record(user_input, event, moment, by_model=by_model)

    async def _add_trouble(self, outcome: Outcome, language: str) -> Outcome:
        """Add the sentence about a new problem of the memory to an answer that is no question, once."""
        if self._dialogue_memory is None or not isinstance(outcome, Handled | NotHandled) or not outcome.text:
            return outcome
        if isinstance(outcome, Handled) and outcome.expects_reply:
            return outcome
        if not self._dialogue_memory.take_trouble() or outcome.is_from_memory:
            return outcome
        trouble = await self._worker.run(self._dialogue_memory.render_trouble, language)
        return replace(outcome, text=f"{outcome.text} {trouble}")

    async def execute_for_plugin(
        self, user_input: ConversationInput, call: PluginCall, moment: datetime, now: float
    ) -> Outcome:
        """Have a plugin execute an intent for a program, or ask its question. Raises BadEventError."""
        if self._plugin_conversations is None or not user_input.allow_tools:
            raise BadEventError("there is no plugin that may be called")
        await self._load_language(user_input)
        match = self._plugin_conversations.parse_call(call, user_input.language)
        outcome = await self._call_plugin(user_input, match, moment, now)
        assert outcome is not None, "only a sentence is left to a language model"
        self._record_question(user_input, outcome, now)
        self._record_answer(user_input, outcome, now)
        return outcome

    async def wait_for_answer(self, answer_id: str, now: float) -> tuple[ConversationInput, Outcome]:
        """Return an answer that was promised, and wait for the reply to its question. Raises BadEventError."""
        if self._plugin_conversations is None:
            raise BadEventError("there is no late answer without plugins")
        user_input, outcome = await self._plugin_conversations.wait(answer_id)
        self._record_turn(user_input, outcome, now)
        self._record_question(user_input, outcome, now)
        self._record_answer(user_input, outcome, now)
        return user_input, outcome

    async def _answer_follow_up(self, user_input: ConversationInput, moment: datetime, now: float) -> Outcome | None:
        """Answer a sentence that refers to the last turn of the conversation or of the room; None for any other."""
        last = self._memory.get(user_input.conversation_id, user_input.area, now)
        found = await self._worker.run(self._parse_follow_up, user_input, last) if last != LastTurn() else None
        if found is None or not (user_input.allow_tools or _changes_nothing(found)):
            return None
        if found.repeats_answer:
            return Handled(last.answer)
        if found.undoes and (not found.matches or last.has_acted):
            undone = await self._undo(user_input, last, moment, now)
            if not found.matches:
                return undone
        return await self._execute(user_input, found.matches, moment, now)

    def _parse_follow_up(self, user_input: ConversationInput, last: LastTurn) -> FollowUp | None:
        """Parse a sentence that refers to the last turn; runs in the worker's thread."""
        words = follow_up.load_words(base_language(user_input.language or "en"))
        recognize = partial(self._recognize_one, user_input)
        return follow_up.parse_follow_up(user_input.text, last, self._executor.home, words, recognize)

    async def _undo(self, user_input: ConversationInput, last: LastTurn, moment: datetime, now: float) -> Outcome:
        """Put the last changes back."""
        language = user_input.language or "en"
        self._memory.forget_changes(user_input.conversation_id, user_input.area, now)
        if not last.undo:
            return NotHandled(responses.render_not_undone(undo.find_unknown(last.commands), language))
        if any(is_conductor_intent(command.match) for command in last.undo):
            return await self._delegate(user_input, tuple(command.match for command in last.undo))
        plan = self._executor.plan_commands(last.undo, user_input.area, user_input.speaker)
        answers = await self._executor.execute_each(plan.commands, moment)
        done = [command for command, answer in zip(plan.commands, answers, strict=True) if answer.done]
        texts = [answer.text for answer in answers if not answer.done] + list(plan.error_messages)
        if done:
            restored = dict.fromkeys(entity for command in done for entity in command.targets)
            texts.insert(0, responses.render_undone(tuple(restored), language))
        return _create_outcome(plan, texts, tuple(command.match for command in done), done=bool(done))

    def _recognize(self, user_input: ConversationInput) -> Matches | PluginMatch:
        """Match the sentence by rules, then plugins; runs in the worker's thread. Raises UnknownLanguageError."""
        try:
            matches = self._parse_commands(user_input.text, user_input)
        except UnknownLanguageError:
            if self._agent is None:
                raise
            matches = ()
        if not user_input.allow_tools:
            return matches if all(is_query_intent(match.intent) for match in matches) else ()
        found = self._plugins.recognize(user_input.text, user_input.language) if self._plugins and not matches else None
        return found or self._executor.resolve(matches)

    def _parse_commands(self, text: str, user_input: ConversationInput) -> Matches:
        """Match the commands in a text, which is the sentence or a command that it defers."""
        recognize = partial(self._recognize_one, user_input)
        return multi_command.parse_commands(text, recognize, self._get_split_rules(user_input.language))

    def _recognize_one(self, user_input: ConversationInput, text: str) -> Match | None:
        return self._recognizer.recognize(text, user_input.language, user_input.area)

    def _get_split_rules(self, language: str | None) -> SplitRules:
        home = self._executor.home
        if home is not self._split_rules_home:
            self._split_rules_home, self._split_rules = home, {}
        if language not in self._split_rules:
            self._split_rules[language] = multi_command.load_split_rules(home, language)
        return self._split_rules[language]

    def _repeat_question(self, user_input: ConversationInput, now: float) -> Handled | None:
        """Repeat a question that was answered with neither yes nor no."""
        question = self._confirmations.repeat_question(user_input.conversation_id, now)
        return Handled(question, expects_reply=True) if question else None

    def _record_turn(self, user_input: ConversationInput, outcome: Outcome, now: float) -> None:
        """Let the next turn of a language model know what the rules did, unless they failed."""
        if self._agent is not None and isinstance(outcome, Handled):
            self._agent.record_turn(user_input, outcome, now)

    async def _execute(
        self, user_input: ConversationInput, matches: Matches, moment: datetime, now: float
    ) -> Outcome | None:
        language = matches[0].language
        timed = alarms.resolve(matches, moment)
        if timed is None:
            return NotHandled(responses.render("no_such_time", language), matches)
        matches = timed
        if any(EVENT_SLOT in match.slots for match in matches):
            return await self._remind_of_arrival(user_input, matches, now)
        delegated = [match for match in matches if self._is_delegated(user_input, matches, match)]
        if not delegated:
            return await self._execute_plan(user_input, matches, moment, now)
        if len(delegated) < len(matches):
            return NotHandled(responses.render("one_at_a_time", language), matches)
        if any(map(targets.needs_area, matches)):
            return NotHandled(responses.render("which_room", language), matches)
        if not all(OWN_SLOTS.isdisjoint(match.slots) for match in matches):
            return NotHandled(responses.render("cannot", language), matches)
        if any(map(self._executor.asks_before, matches)):
            return _ask_before(matches)
        deferred = await self._parse_deferred(user_input, matches)
        if deferred and self._executor.has_actor:
            return self._delegate_deferred(user_input, matches, deferred)
        all_matches = _add_deferred(matches, deferred)
        refusals = self._executor.get_refusals(all_matches, user_input.area, user_input.speaker)
        if not refusals:
            self._record_commands(user_input, tuple(map(Command, matches)), now)
        if refusals:
            return NotHandled(" ".join(refusals), matches)
        return await self._add_remarks(user_input, await self._delegate(user_input, matches), matches, moment)

    async def _add_remarks(
        self, user_input: ConversationInput, outcome: Outcome, matches: Matches, moment: datetime
    ) -> Outcome:
        """Let plugins write down the reminders that are set, and add what they say of it."""
        if self._plugin_conversations is None or not isinstance(outcome, Handled | DelegateToConductor):
            return outcome
        follow = partial(self._plugin_conversations.follow_reminder, user_input, moment=moment)
        remark = " ".join(filter(None, [await follow(match) for match in matches]))
        if not remark:
            return outcome
        if isinstance(outcome, DelegateToConductor):
            return replace(outcome, remark=remark)
        return replace(outcome, text=f"{outcome.text} {remark}", is_private=True)

    async def _remind_of_arrival(self, user_input: ConversationInput, matches: Matches, now: float) -> Outcome:
        """Have the conductor remind when somebody comes home or leaves, or say what is missing for that."""
        match, language = matches[0], matches[0].language
        if len(matches) > 1:
            return NotHandled(responses.render("one_at_a_time", language), matches)
        can_remind = user_input.reminds_of_arrivals or self._keeps_alarms(user_input)
        if not can_remind or not self._executor.has_actor:
            return NotHandled(responses.render("no_arrivals", language), matches)
        resolved = presence.resolve(match, self._executor.home, self._executor.states(), user_input.speaker)
        if isinstance(resolved, Answer):
            return NotHandled(resolved.text, matches)
        self._record_commands(user_input, (Command(resolved),), now)
        return await self._delegate(user_input, (resolved,))

    def _keeps_alarms(self, user_input: ConversationInput) -> bool:
        """Return whether this daemon keeps the alarms of the speaker's satellite."""
        return self._satellite_alarms is not None and self._satellite_alarms.serves(user_input.satellite)

    async def _delegate(self, user_input: ConversationInput, matches: Matches) -> Outcome:
        """Leave commands to the conductor, but carry out here what is about alarms that are kept here."""
        service, satellite = self._satellite_alarms, user_input.satellite
        if (
            service is None
            or satellite is None
            or not service.serves(satellite)
            or not all(map(_is_about_alarms, matches))
        ):
            return DelegateToConductor(matches)
        if not service.has_rung(satellite) and all(MORE_SLOT in match.slots for match in matches):
            return DelegateToConductor(tuple(map(alarms.prolong, matches)))
        answers = [await service.execute(match, satellite, user_input.area) for match in matches]
        spoken = [answer for answer in answers if answer is not None]
        return _create_alarm_outcome(spoken, matches)

    async def _answer_which_alarm(self, user_input: ConversationInput, language: str) -> Outcome | None:
        """Answer the reply to the question which alarm is meant; None if there was none."""
        if self._satellite_alarms is None or not user_input.allow_tools:
            return None
        answer = await self._satellite_alarms.answer_question(user_input.text, user_input.satellite, language)
        return None if answer is None else _create_alarm_outcome([answer], ())

    def _is_delegated(self, user_input: ConversationInput, matches: Matches, match: Match) -> bool:
        """Return whether the conductor is to execute a command of a sentence."""
        wants_all = user_input.delegates and not all(is_query_intent(one.intent) for one in matches)
        return wants_all or not self._executor.has_actor or is_conductor_intent(match)

    def _record_question(self, user_input: ConversationInput, event: AnswerEvent, now: float) -> None:
        """Wait for the reply to a question; an offer is heard only at the end of a long answer."""
        if not isinstance(event, Handled) or event.question is None:
            return
        question = event.question
        asked_at = now + estimate_speech_seconds(event.text) if question.is_offer else now
        self._confirmations.ask(user_input.conversation_id, question.action, asked_at, question.text, question.options)

    def _record_answer(self, user_input: ConversationInput, event: AnswerEvent, now: float) -> None:
        """Remember what was said, for "what did you say"."""
        if isinstance(event, (Handled, NotHandled)) and event.text:
            ends_at = now + estimate_speech_seconds(event.text)
            self._memory.record_answer(user_input.conversation_id, user_input.area, event.text, ends_at)

    def _record_commands(self, user_input: ConversationInput, commands: Sequence[Command], now: float) -> None:
        """Remember commands that are about to be executed, and what puts them back."""
        if not commands:
            return
        states = self._executor.states()
        before = {entity.id: dict(states.get(entity.id, {})) for command in commands for entity in command.targets}
        undone = [undo.create_undo(command, before) for command in commands]
        acts = any(one is not None for one in undone)
        flat = tuple(command for one in undone for command in one or ())
        self._memory.record_commands(user_input.conversation_id, user_input.area, commands, flat if acts else None, now)

    async def _parse_deferred(self, user_input: ConversationInput, matches: Matches) -> list[tuple[Match, Matches]]:
        """Return the matches that defer a command, with the matches of that command."""
        delayed = [match for match in matches if COMMAND_SLOT in match.slots]
        texts = [str(match.slots[COMMAND_SLOT]) for match in delayed]
        return [
            (match, await self._worker.run(self._parse_commands, text, user_input))
            for match, text in zip(delayed, texts, strict=True)
        ]

    def _delegate_deferred(
        self, user_input: ConversationInput, matches: Matches, deferred: Sequence[tuple[Match, Matches]]
    ) -> NotHandled | Handled | DelegateToConductor:
        """Delegate deferred commands to the conductor; refusals and questions are due now, not at their time."""
        plans = [(match, self._plan_deferred(user_input, commands)) for match, commands in deferred]
        if refusals := [text for _, plan in plans for text in (*plan.error_messages, *_open_questions(plan))]:
            return NotHandled(" ".join(refusals), matches)
        outcome = DelegateToConductor(matches, tuple(_deferred_command(match, plan) for match, plan in plans))
        questions = [
            responses.render_question(plan.needs_confirmation, durations.total_seconds(match.slots))
            for match, plan in plans
            if plan.needs_confirmation
        ]
        if not questions:
            return outcome
        text = " ".join(questions)
        return Handled(text, matches, expects_reply=True, question=PendingQuestion(text, outcome))

    def _plan_deferred(self, user_input: ConversationInput, commands: Matches) -> ActionPlan:
        local = [match for match in self._executor.resolve(commands) if not is_conductor_intent(match)]
        return self._executor.plan(local, user_input.area, user_input.speaker)

    async def _execute_plan(
        self, user_input: ConversationInput, matches: Matches, moment: datetime, now: float
    ) -> Outcome | None:
        """Execute what needs no confirmation, then ask about the rest; None, for a model, if no entity is meant."""
        plan = self._executor.plan(matches, user_input.area, user_input.speaker)
        if self._agent is not None and not plan.has_targets:
            return None
        confirmed = tuple(
            pending for pending in plan.needs_confirmation if user_input.confirmed.issuperset(_target_ids([pending]))
        )
        pending = tuple(pending for pending in plan.needs_confirmation if pending not in confirmed)
        plan = replace(plan, commands=(*plan.commands, *confirmed), needs_confirmation=pending)
        return await self._carry_out(user_input, plan, matches, moment, now)

    async def _carry_out(
        self, user_input: ConversationInput, plan: ActionPlan, matches: Matches, moment: datetime, now: float
    ) -> Outcome:
        """Execute the commands of a plan, then ask about the rest."""
        self._record_commands(user_input, plan.commands or tuple(map(Command, matches)), now)
        answer = await self._executor.execute(plan.commands, moment)
        texts = [text for text in (answer.text, *plan.error_messages) if text]
        return _create_outcome(plan, texts, matches, done=answer.done)


def _get_text(outcome: Outcome) -> str:
    return "" if isinstance(outcome, DelegateToConductor) else outcome.text


def _is_about_alarms(match: Match) -> bool:
    return not match.slots.keys().isdisjoint({"alarm", "kind"})


def _create_alarm_outcome(answers: Sequence[SpokenAnswer], matches: Matches) -> Handled | NotHandled:
    text = " ".join(answer.text for answer in answers)
    if not all(answer.succeeded for answer in answers):
        return NotHandled(text, matches)
    return Handled(text, matches, expects_reply=any(answer.expects_reply for answer in answers))


def _ask_before(matches: Matches) -> Handled:
    """Ask before the conductor acts."""
    text = responses.render_question(map(Command, matches))
    question = PendingQuestion(text, DelegateToConductor(matches))
    return Handled(text, matches, expects_reply=True, question=question)


def _create_outcome(plan: ActionPlan, texts: Sequence[str], matches: Matches, *, done: bool) -> Handled | NotHandled:
    """Return what was done as text, followed by the plan's question if it has one."""
    if question := _create_question(plan):
        return Handled(" ".join((*texts, question.text)), matches, expects_reply=True, question=question)
    return (Handled if done else NotHandled)(" ".join(texts), matches)


def _create_question(plan: ActionPlan) -> PendingQuestion | None:
    """Return the question of a plan: whether to execute its dangerous commands, or which of several entities is meant."""
    if plan.needs_confirmation:
        return PendingQuestion(responses.render_question(plan.needs_confirmation), plan.needs_confirmation)
    if plan.choice:
        return PendingQuestion(plan.choice.question, options=plan.choice.options)
    return None


def _open_questions(plan: ActionPlan) -> tuple[str, ...]:
    """Return the questions that a deferred command would have to ask, although it must be clear now."""
    return (plan.choice.question,) if plan.choice else ()


def _add_deferred(matches: Matches, deferred: Sequence[tuple[Match, Matches]]) -> Matches:
    """Return matches with those of the commands that they defer."""
    return (*matches, *(match for _, commands in deferred for match in commands))


def _deferred_command(match: Match, plan: ActionPlan) -> DeferredCommand:
    label = responses.format_commands((*plan.commands, *plan.needs_confirmation)) or str(match.slots[COMMAND_SLOT])
    return DeferredCommand(label, _target_ids(plan.needs_confirmation))


def _target_ids(commands: Sequence[Command]) -> tuple[str, ...]:
    return tuple(entity.id for command in commands for entity in command.targets)


def _changes_nothing(found: FollowUp) -> bool:
    return found.repeats_answer or (not found.undoes and all(is_query_intent(match.intent) for match in found.matches))


def is_conductor_intent(match: Match) -> bool:
    """Return whether an intent is the conductor's: timers, "stop" and the room's volume, but not that of a named player."""
    if match.intent.startswith("HassSetVolume"):
        return "name" not in match.slots
    return match.intent in _CONDUCTOR_INTENTS or match.intent.endswith(("Timer", "Timers", "TimerStatus"))
