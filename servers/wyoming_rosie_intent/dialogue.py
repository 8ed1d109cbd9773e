"""From a sentence to a reply: rules first, then plugins, then a language model; who acts, and whether to ask first."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, assert_never

from wyoming_rosie.speakable import has_sound
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_intent import answers, compound, intent_text, targets
from wyoming_rosie_intent.compound import Speech
from wyoming_rosie_intent.confirmation import Confirmations, Reply
from wyoming_rosie_intent.engine import Command, Match, Recogniser, UnknownLanguageError
from wyoming_rosie_intent.household import Choice, Deed, Household, Plan
from wyoming_rosie_intent.models.mind import Mind, Request
from wyoming_rosie_intent.models.parts import Asked, Failed, Filler, Finished, Part, Passed, Said
from wyoming_rosie_intent.plugins.plugins import PluginMatch, Plugins

Matches: TypeAlias = tuple[Match, ...]
LONGEST_SENTENCE = 1000
"""Characters; nobody says a longer one."""
_CONDUCTORS = frozenset({"HassNevermind", "HassBroadcast"})


@dataclass(frozen=True)
class Sentence:
    """What somebody said, where, and in which conversation and turn."""

    text: str
    conversation: str
    language: str | None = None
    area: str | None = None  # id or name of the speaker's area
    turn_id: str | None = None
    speaker: str | None = None


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
class ForConductor:
    """The conductor is to act."""

    matches: Matches


Outcome: TypeAlias = Handled | NotHandled | NotRecognized | ForConductor


@dataclass(frozen=True)
class Thinking:
    """A model answers: what is said while it does, and the outcome at the end. To be closed when nobody listens."""

    parts: AsyncGenerator[Said | Filler | Outcome, None] = field(repr=False)


class Dialogue:
    """All conversations with one home. Without an actor, whoever asks is to act."""

    def __init__(
        self,
        recogniser: Recogniser,
        household: Household,
        confirmations: Confirmations[tuple[Command, ...]],
        plugins: Plugins | None = None,
        mind: Mind | None = None,
    ) -> None:
        self._recogniser = recogniser
        self._household = household
        self._confirmations = confirmations
        self._plugins = plugins
        self._mind = mind
        self._worker = ThreadWorker("intent")
        self._speech_of = household.home  # what is kept in _speech is about it
        self._speech: dict[str | None, Speech] = {}

    def begin(self, turn_id: str, area: str | None, conversation: str | None, moment: datetime, now: float) -> None:
        """Get ready for a sentence: a wake word was heard."""
        if self._mind is not None:
            self._mind.freeze(turn_id, area, conversation, moment, now)

    async def answer(self, sentence: Sentence, moment: datetime, now: float) -> Outcome | Thinking:
        """Return the outcome; `moment` is the wall clock, `now` seconds of any clock. Raises UnknownLanguageError."""
        language = await self._spoken_in(sentence)
        reply, asked = self._confirmations.hear(sentence.conversation, sentence.text, now)
        outcome: Outcome | None
        if len(sentence.text) > LONGEST_SENTENCE:
            return NotRecognized(answers.say("too_long", language))
        if reply is Reply.YES and asked is not None:
            outcome = _outcome(await self._household.carry_out(asked, moment))
        elif reply is Reply.NO:
            outcome = Handled(answers.say("left_alone", language))
        elif not has_sound(sentence.text):
            return NotRecognized(answers.say("heard_nothing", language))
        else:
            outcome = await self._by_rules(sentence, moment, now)
        if outcome is None and reply is Reply.UNCLEAR:
            outcome = self._asked_again(sentence, now)
        if outcome is None:
            return self._beyond_rules(sentence, moment, now)
        self._remember(sentence, outcome, now)
        return outcome

    async def confirmation(self, match: Match, area: str | None, moment: datetime, *, renders: bool) -> str | None:
        """Return what a conductor is to say when it has carried out an intent; it may render templates."""
        return await self._worker.run(self._confirmation, match, area, moment, renders)

    def _confirmation(self, match: Match, area: str | None, moment: datetime, renders: bool) -> str | None:
        found = targets.find(self._household.home, match, area)
        return intent_text.confirmation(match, found if isinstance(found, tuple) else (), moment, renders=renders)

    @property
    def waiting(self) -> int:
        """How many sentences wait to be understood."""
        return self._worker.waiting

    def close(self) -> None:
        self._worker.close()

    async def _spoken_in(self, sentence: Sentence) -> str:
        """Return the language of the answer to what rules do not know; reading its phrases may take a moment."""
        preferred = self._household.home.preferences.language
        for language in (sentence.language, preferred):
            if language and not answers.is_ready(language):
                await self._worker.run(answers.prepare, language)
        return sentence.language or "en"

    async def _by_rules(self, sentence: Sentence, moment: datetime, now: float) -> Outcome | None:
        """Return what came of the sentence, None when it means nothing here."""
        match await self._worker.run(self._understood, sentence):
            case PluginMatch() as match:
                assert self._plugins is not None
                answer = await self._plugins.handle(match)
                return (Handled if answer.done else NotHandled)(answer.text)
            case matches:
                return await self._obey(sentence, matches, moment, now) if matches else None

    def _understood(self, sentence: Sentence) -> Matches | PluginMatch:
        """Return what the sentence means by the rules; runs in the worker's thread. Raises UnknownLanguageError."""

        def one(text: str) -> Match | None:
            return self._recogniser.recognise(text, sentence.language, sentence.area)

        try:
            matches = compound.understand(sentence.text, one, self._speech_in(sentence.language))
        except UnknownLanguageError:
            if self._mind is None:
                raise
            matches = ()
        found = self._plugins.recognise(sentence.text, sentence.language) if self._plugins and not matches else None
        return found or self._household.meant(matches)

    def _speech_in(self, language: str | None) -> Speech:
        home = self._household.home
        if home is not self._speech_of:
            self._speech_of, self._speech = home, {}
        if language not in self._speech:
            self._speech[language] = compound.speech(home, language)
        return self._speech[language]

    def _asked_again(self, sentence: Sentence, now: float) -> Handled | None:
        """Ask once more what was answered with neither yes nor no."""
        question = self._confirmations.ask_again(sentence.conversation, now)
        return Handled(question, expects_reply=True) if question else None

    def _beyond_rules(self, sentence: Sentence, moment: datetime, now: float) -> Outcome | Thinking:
        if self._mind is None:
            return NotRecognized(answers.say("not_understood", sentence.language or "en"))
        return Thinking(self._think(self._mind, sentence, moment, now))

    async def _think(
        self, mind: Mind, sentence: Sentence, moment: datetime, now: float
    ) -> AsyncGenerator[Said | Filler | Outcome, None]:
        request = Request(
            sentence.text, sentence.conversation, sentence.language, sentence.area, sentence.turn_id, sentence.speaker
        )
        async with aclosing(mind.answer(request, moment, now)) as parts:
            async for part in parts:
                if isinstance(part, Asked):
                    self._confirmations.ask(sentence.conversation, part.commands, now, part.text)
                yield _of_model(part)

    def _remember(self, sentence: Sentence, outcome: Outcome, now: float) -> None:
        """Let a model's next turn know what rules did; what failed stays out of it."""
        if self._mind is not None and isinstance(outcome, Handled):
            said, did = sentence.text, outcome.matches
            self._mind.note(sentence.conversation, said, outcome.text, now, did, sentence.area)

    async def _obey(self, sentence: Sentence, matches: Matches, moment: datetime, now: float) -> Outcome | None:
        language = matches[0].language
        conductors = [match for match in matches if not self._household.acts or is_conductors(match)]
        if not conductors:
            return await self._act(sentence, matches, moment, now)
        if len(conductors) < len(matches):
            return NotHandled(answers.say("one_at_a_time", language), matches)
        if any(map(targets.needs_room, matches)):
            return NotHandled(answers.say("which_room", language), matches)
        forbidden = self._household.forbidden(matches, sentence.area, sentence.speaker)
        return NotHandled(" ".join(forbidden), matches) if forbidden else ForConductor(matches)

    def _ask(self, sentence: Sentence, plan: Plan, now: float) -> str | None:
        """Wait for the answer to what has to be asked; return the question."""
        if plan.asked:
            question = answers.question(plan.asked)
            self._confirmations.ask(sentence.conversation, plan.asked, now, question)
            return question
        if plan.choice:
            self._confirmations.ask(sentence.conversation, (), now, plan.choice.question, _options(plan.choice))
            return plan.choice.question
        return None

    async def _act(self, sentence: Sentence, matches: Matches, moment: datetime, now: float) -> Outcome | None:
        """Do what needs no confirmation, then ask about the rest; leave to a model what is about nothing here."""
        plan = self._household.plan(matches, sentence.area, sentence.speaker)
        if self._mind is not None and not plan.is_about_anything:
            return None
        deed = await self._household.carry_out(plan.commands, moment)
        said = [text for text in (deed.text, *plan.refusals) if text]
        question = self._ask(sentence, plan, now)
        if question:
            return Handled(" ".join((*said, question)), matches, expects_reply=True)
        return (Handled if deed.done else NotHandled)(" ".join(said), matches)


def _options(choice: Choice) -> Mapping[str, tuple[Command, ...]]:
    """Return what is to be done for each name of a thing that may be meant."""
    return {name: (Command(choice.match, (entity,)),) for entity in choice.options for name in entity.names}


def _outcome(deed: Deed) -> Handled | NotHandled:
    return (Handled if deed.done else NotHandled)(deed.text, deed.matches)


def _of_model(part: Part) -> Said | Filler | Outcome:
    match part:
        case Said() | Filler():
            return part
        case Finished(text, matches, expects_reply):
            return Handled(text, matches, expects_reply)
        case Asked(text):
            return Handled(text, expects_reply=True)
        case Passed(matches):
            return ForConductor(matches)
        case Failed(text):
            return NotHandled(text)
        case _:
            assert_never(part)


def is_conductors(match: Match) -> bool:
    """Timers, "stop" and the volume of the room belong to the conductor; that of a named player to the actor."""
    if match.intent.startswith("HassSetVolume"):
        return "name" not in match.slots
    return match.intent in _CONDUCTORS or match.intent.endswith(("Timer", "Timers", "TimerStatus"))
