"""From a sentence to a reply: rules first, then plugins, then a language model; who acts, and whether to ask first."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie.text.normalize import is_speakable
from wyoming_rosie_intent.engine import Command, IntentRecognizer, Match, UnknownLanguageError
from wyoming_rosie_intent.execution import targets
from wyoming_rosie_intent.execution.confirmation import ConfirmationReply, Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor, ActionPlan, TargetQuestion
from wyoming_rosie_intent.llm.agent import LlmAgent, Request
from wyoming_rosie_intent.llm.events import Asked, Failed, Filler, Finished, Part, Passed, Said
from wyoming_rosie_intent.llm.output.answer_length import estimate_speech_seconds
from wyoming_rosie_intent.plugins.plugins import PluginMatch, PluginRegistry
from wyoming_rosie_intent.responses import intent_text, responses
from wyoming_rosie_intent.rules import durations, multi_command
from wyoming_rosie_intent.rules.durations import COMMAND_SLOT
from wyoming_rosie_intent.rules.multi_command import SplitRules

Matches: TypeAlias = tuple[Match, ...]
LONGEST_SENTENCE = 1000
"""Characters; nobody says a longer one."""
_THE_REST: tuple[Command, ...] = ()
"""What is asked about when an answer was too long to be said at once."""
_CONDUCTORS = frozenset({"HassNevermind", "HassBroadcast"})


@dataclass(frozen=True)
class ConversationInput:
    """What somebody said, where, and in which conversation and turn."""

    text: str
    conversation_id: str
    language: str | None = None
    area: str | None = None  # id or name of the speaker's area
    turn_id: str | None = None
    speaker: str | None = None
    confirmed: frozenset[str] = frozenset()  # things that somebody has said yes to when this was said for later


@dataclass(frozen=True)
class Handled:
    """It was done or answered; or, when a reply is expected, something is asked first."""

    text: str
    matches: Matches = ()
    expects_reply: bool = False


@dataclass(frozen=True)
class NotHandled:
    """It was understood but cannot be."""

    text: str
    matches: Matches = ()


@dataclass(frozen=True)
class NotRecognized:
    text: str


@dataclass(frozen=True)
class DeferredCommand:
    """What a conductor has to know about a command that it keeps for later."""

    label: str  # what will be done, in words
    confirmed: tuple[str, ...] = ()  # the things that somebody has said yes to


@dataclass(frozen=True)
class DelegateToConductor:
    """The conductor is to act; `later` is about those of the intents that have a command for later, in order."""

    matches: Matches
    deferred: tuple[DeferredCommand, ...] = ()


Outcome: TypeAlias = Handled | NotHandled | NotRecognized | DelegateToConductor
PendingAction: TypeAlias = tuple[Command, ...] | DelegateToConductor
"""What a yes is waited for: things to do now, or a command that the conductor is to keep for later."""


@dataclass(frozen=True)
class Thinking:
    """A model answers: what is said while it does, and the outcome at the end. To be closed when nobody listens."""

    parts: AsyncGenerator[Said | Filler | Outcome, None] = field(repr=False)


class Dialogue:
    """All conversations with one home. Without an actor, whoever asks is to act."""

    def __init__(
        self,
        recognizer: IntentRecognizer,
        household: ActionExecutor,
        confirmations: Confirmations[PendingAction],
        plugins: PluginRegistry | None = None,
        agent: LlmAgent | None = None,
    ) -> None:
        self._recognizer = recognizer
        self._household = household
        self._confirmations = confirmations
        self._plugins = plugins
        self._agent = agent
        self._worker = ThreadWorker("intent")
        self._speech_of = household.home  # what is kept in _speech is about it
        self._speech: dict[str | None, SplitRules] = {}

    def prepare_turn(
        self, turn_id: str, area: str | None, conversation: str | None, moment: datetime, now: float
    ) -> None:
        """Get ready for a sentence: a wake word was heard."""
        if self._agent is not None:
            self._agent.prepare_turn(turn_id, area, conversation, moment, now)

    async def answer(self, sentence: ConversationInput, moment: datetime, now: float) -> Outcome | Thinking:
        """Return the outcome; `moment` is the wall clock, `now` seconds of any clock. Raises UnknownLanguageError."""
        language = await self._load_language(sentence)
        reply, asked = self._confirmations.parse_reply(sentence.conversation_id, sentence.text, now)
        outcome: Outcome | None
        if len(sentence.text) > LONGEST_SENTENCE:
            return NotRecognized(responses.render("too_long", language))
        if reply is ConfirmationReply.YES and asked == _THE_REST and self._agent is not None:
            return Thinking(self._think(self._agent, sentence, moment, now, goes_on=True))
        if reply is ConfirmationReply.YES and asked is not None:
            outcome = await self._execute_confirmed(asked, moment)
        elif reply is ConfirmationReply.NO:
            outcome = Handled(responses.render("left_alone", language))
        elif not is_speakable(sentence.text):
            return NotRecognized(responses.render("heard_nothing", language))
        else:
            outcome = await self._answer_by_rules(sentence, moment, now)
        if outcome is None and reply is ConfirmationReply.UNCLEAR:
            outcome = self._repeat_question(sentence, now)
        if outcome is None:
            return self._answer_by_agent(sentence, moment, now)
        self._record_turn(sentence, outcome, now)
        return outcome

    async def render_response(self, match: Match, area: str | None, moment: datetime, *, renders: bool) -> str | None:
        """Return what a conductor is to say when it has carried out an intent; it may render templates."""
        return await self._worker.run(self._render_response, match, area, moment, renders)

    def _render_response(self, match: Match, area: str | None, moment: datetime, renders: bool) -> str | None:
        found = targets.find_targets(self._household.home, match, area)
        return intent_text.create_intent_text(match, found if isinstance(found, tuple) else (), moment, renders=renders)

    @property
    def waiting(self) -> int:
        """How many sentences wait to be understood."""
        return self._worker.waiting

    def close(self) -> None:
        self._worker.close()

    async def _load_language(self, sentence: ConversationInput) -> str:
        """Return the language of the answer to what rules do not know; reading its phrases may take a moment."""
        preferred = self._household.home.preferences.language
        for language in (sentence.language, preferred):
            if language and not responses.is_prepared(language):
                await self._worker.run(responses.prepare, language)
        return sentence.language or "en"

    async def _execute_confirmed(self, asked: PendingAction, moment: datetime) -> Outcome:
        """Do what somebody said yes to, or let the conductor keep it until its time."""
        if isinstance(asked, DelegateToConductor):
            return asked
        answer = await self._household.execute(asked, moment)
        return (Handled if answer.done else NotHandled)(answer.text, tuple(command.match for command in asked))

    async def _answer_by_rules(self, sentence: ConversationInput, moment: datetime, now: float) -> Outcome | None:
        """Return what came of the sentence, None when it means nothing here."""
        match await self._worker.run(self._recognize, sentence):
            case PluginMatch() as match:
                assert self._plugins is not None
                answer = await self._plugins.execute(match)
                return (Handled if answer.done else NotHandled)(answer.text)
            case matches:
                return await self._execute(sentence, matches, moment, now) if matches else None

    def _recognize(self, sentence: ConversationInput) -> Matches | PluginMatch:
        """Return what the sentence means by the rules; runs in the worker's thread. Raises UnknownLanguageError."""
        try:
            matches = self._parse_commands(sentence.text, sentence)
        except UnknownLanguageError:
            if self._agent is None:
                raise
            matches = ()
        found = self._plugins.recognize(sentence.text, sentence.language) if self._plugins and not matches else None
        return found or self._household.resolve(matches)

    def _parse_commands(self, text: str, sentence: ConversationInput) -> Matches:
        """Return what a sentence, or the part of it that is for later, means by the rules."""

        def one(part: str) -> Match | None:
            return self._recognizer.recognize(part, sentence.language, sentence.area)

        return multi_command.parse_commands(text, one, self._get_speech(sentence.language))

    def _get_speech(self, language: str | None) -> SplitRules:
        home = self._household.home
        if home is not self._speech_of:
            self._speech_of, self._speech = home, {}
        if language not in self._speech:
            self._speech[language] = multi_command.load_split_rules(home, language)
        return self._speech[language]

    def _repeat_question(self, sentence: ConversationInput, now: float) -> Handled | None:
        """Ask once more what was answered with neither yes nor no."""
        question = self._confirmations.repeat_question(sentence.conversation_id, now)
        return Handled(question, expects_reply=True) if question else None

    def _answer_by_agent(self, sentence: ConversationInput, moment: datetime, now: float) -> Outcome | Thinking:
        if self._agent is None:
            return NotRecognized(responses.render("not_understood", sentence.language or "en"))
        return Thinking(self._think(self._agent, sentence, moment, now))

    async def _think(
        self, mind: LlmAgent, sentence: ConversationInput, moment: datetime, now: float, *, goes_on: bool = False
    ) -> AsyncGenerator[Said | Filler | Outcome, None]:
        request = Request(
            sentence.text,
            sentence.conversation_id,
            sentence.language,
            sentence.area,
            sentence.turn_id,
            sentence.speaker,
            goes_on,
        )
        async with aclosing(mind.answer(request, moment, now)) as parts:
            async for part in parts:
                if isinstance(part, Asked):
                    self._confirmations.ask(sentence.conversation_id, part.commands, now, part.text)
                if isinstance(part, Finished) and part.offer:
                    heard_at = now + estimate_speech_seconds(part.text)
                    self._confirmations.ask(sentence.conversation_id, _THE_REST, heard_at, part.offer)
                yield _of_model(part)

    def _record_turn(self, sentence: ConversationInput, outcome: Outcome, now: float) -> None:
        """Let a model's next turn know what rules did; what failed stays out of it."""
        if self._agent is not None and isinstance(outcome, Handled):
            said, did = sentence.text, outcome.matches
            self._agent.record_turn(sentence.conversation_id, said, outcome.text, now, did, sentence.area)

    async def _execute(
        self, sentence: ConversationInput, matches: Matches, moment: datetime, now: float
    ) -> Outcome | None:
        language = matches[0].language
        conductors = [match for match in matches if not self._household.has_actor or is_conductor_intent(match)]
        if not conductors:
            return await self._execute_plan(sentence, matches, moment, now)
        if len(conductors) < len(matches):
            return NotHandled(responses.render("one_at_a_time", language), matches)
        if any(map(targets.needs_area, matches)):
            return NotHandled(responses.render("which_room", language), matches)
        later = await self._parse_deferred(sentence, matches)
        if later and self._household.has_actor:
            return self._delegate_deferred(sentence, matches, later, now)
        now_and_later = (*matches, *(match for _, commands in later for match in commands))
        forbidden = self._household.get_refusals(now_and_later, sentence.area, sentence.speaker)
        return NotHandled(" ".join(forbidden), matches) if forbidden else DelegateToConductor(matches)

    def _request_confirmation(self, sentence: ConversationInput, plan: ActionPlan, now: float) -> str | None:
        """Wait for the answer to what has to be asked; return the question."""
        if plan.needs_confirmation:
            question = responses.render_question(plan.needs_confirmation)
            self._confirmations.ask(sentence.conversation_id, plan.needs_confirmation, now, question)
            return question
        if plan.choice:
            self._confirmations.ask(
                sentence.conversation_id, (), now, plan.choice.question, _choice_options(plan.choice)
            )
            return plan.choice.question
        return None

    async def _parse_deferred(self, sentence: ConversationInput, matches: Matches) -> list[tuple[Match, Matches]]:
        """Return those of the matches that have a command for later, with what it means."""
        kept = [match for match in matches if COMMAND_SLOT in match.slots]
        texts = [str(match.slots[COMMAND_SLOT]) for match in kept]
        return [
            (match, await self._worker.run(self._parse_commands, text, sentence))
            for match, text in zip(kept, texts, strict=True)
        ]

    def _delegate_deferred(
        self, sentence: ConversationInput, matches: Matches, later: Sequence[tuple[Match, Matches]], now: float
    ) -> NotHandled | Handled | DelegateToConductor:
        """Let the conductor keep commands until their time; refuse them now, and ask about them now."""
        plans = [(match, self._plan_deferred(sentence, commands)) for match, commands in later]
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
        question = " ".join(questions)
        self._confirmations.ask(sentence.conversation_id, outcome, now, question)
        return Handled(question, matches, expects_reply=True)

    def _plan_deferred(self, sentence: ConversationInput, commands: Matches) -> ActionPlan:
        ours = [match for match in self._household.resolve(commands) if not is_conductor_intent(match)]
        return self._household.plan(ours, sentence.area, sentence.speaker)

    async def _execute_plan(
        self, sentence: ConversationInput, matches: Matches, moment: datetime, now: float
    ) -> Outcome | None:
        """Do what needs no confirmation, then ask about the rest; leave to a model what is about nothing here."""
        plan = self._household.plan(matches, sentence.area, sentence.speaker)
        if self._agent is not None and not plan.has_targets:
            return None
        confirmed = tuple(one for one in plan.needs_confirmation if sentence.confirmed.issuperset(_target_ids([one])))
        plan = replace(plan, needs_confirmation=tuple(one for one in plan.needs_confirmation if one not in confirmed))
        deed = await self._household.execute((*plan.commands, *confirmed), moment)
        said = [text for text in (deed.text, *plan.error_messages) if text]
        question = self._request_confirmation(sentence, plan, now)
        if question:
            return Handled(" ".join((*said, question)), matches, expects_reply=True)
        return (Handled if deed.done else NotHandled)(" ".join(said), matches)


def _choice_options(choice: TargetQuestion) -> Mapping[str, tuple[Command, ...]]:
    """Return what is to be done for each name of a thing that may be meant."""
    return {name: (Command(choice.match, (entity,)),) for entity in choice.options for name in entity.names}


def _open_questions(plan: ActionPlan) -> tuple[str, ...]:
    """Return what would have to be asked about a command for later, which must be clear when it is said."""
    return (plan.choice.question,) if plan.choice else ()


def _deferred_command(match: Match, plan: ActionPlan) -> DeferredCommand:
    label = responses.format_commands((*plan.commands, *plan.needs_confirmation)) or str(match.slots[COMMAND_SLOT])
    return DeferredCommand(label, _target_ids(plan.needs_confirmation))


def _target_ids(commands: Sequence[Command]) -> tuple[str, ...]:
    return tuple(entity.id for command in commands for entity in command.targets)


def _of_model(part: Part) -> Said | Filler | Outcome:
    match part:
        case Said() | Filler():
            return part
        case Finished(text, matches, expects_reply):
            return Handled(text, matches, expects_reply)
        case Asked(text):
            return Handled(text, expects_reply=True)
        case Passed(matches):
            return DelegateToConductor(matches)
        case Failed(text):
            return NotHandled(text)
        case _:
            assert_never(part)


def is_conductor_intent(match: Match) -> bool:
    """Timers, "stop" and the volume of the room belong to the conductor; that of a named player to the actor."""
    if match.intent.startswith("HassSetVolume"):
        return "name" not in match.slots
    return match.intent in _CONDUCTORS or match.intent.endswith(("Timer", "Timers", "TimerStatus"))
