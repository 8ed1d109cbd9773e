"""From a sentence to a reply: what was meant, who acts on it, and whether to ask first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_intent import answers, compound, targets
from wyoming_rosie_intent.confirmation import Confirmations, Reply
from wyoming_rosie_intent.engine import Command, Match, Recogniser
from wyoming_rosie_intent.household import Deed, Household

Matches: TypeAlias = tuple[Match, ...]
_CONDUCTORS = frozenset({"HassNevermind", "HassBroadcast"})


@dataclass(frozen=True)
class Sentence:
    """What somebody said, where, and in which conversation."""

    text: str
    conversation: str
    language: str | None = None
    area: str | None = None  # id or name of the speaker's area


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


class Dialogue:
    """All conversations with one home. Without an actor, whoever asks is to act."""

    def __init__(
        self, recogniser: Recogniser, household: Household, confirmations: Confirmations[tuple[Command, ...]]
    ) -> None:
        self._recogniser = recogniser
        self._household = household
        self._confirmations = confirmations
        self._worker = ThreadWorker("intent")

    async def answer(self, sentence: Sentence, moment: datetime, now: float) -> Outcome:
        """Return the outcome; `moment` is the wall clock, `now` seconds of any clock. Raises UnknownLanguageError."""
        reply, asked = self._confirmations.hear(sentence.conversation, sentence.text, now)
        if reply is Reply.YES and asked is not None:
            return _outcome(await self._household.carry_out(asked, moment))
        if reply is Reply.NO:
            return Handled(answers.LEFT_ALONE)
        if not sentence.text.strip():
            return NotRecognized(answers.HEARD_NOTHING)
        matches = await self._worker.run(compound.understand, sentence.text, self._understand(sentence))
        return await self._obey(sentence, matches, moment, now) if matches else NotRecognized(answers.NOT_UNDERSTOOD)

    @property
    def waiting(self) -> int:
        """How many sentences wait to be understood."""
        return self._worker.waiting

    def close(self) -> None:
        self._worker.close()

    def _understand(self, sentence: Sentence) -> Callable[[str], Match | None]:
        return lambda text: self._recogniser.recognise(text, sentence.language, sentence.area)

    async def _obey(self, sentence: Sentence, matches: Matches, moment: datetime, now: float) -> Outcome:
        conductors = [match for match in matches if not self._household.acts or is_conductors(match)]
        if not conductors:
            return await self._act(sentence, matches, moment, now)
        if len(conductors) < len(matches):
            return NotHandled(answers.ONE_AT_A_TIME, matches)
        if any(map(targets.needs_room, matches)):
            return NotHandled(answers.WHICH_ROOM, matches)
        return ForConductor(matches)

    async def _act(self, sentence: Sentence, matches: Matches, moment: datetime, now: float) -> Outcome:
        """Do what needs no confirmation, then ask about the rest."""
        plan = self._household.plan(matches, sentence.area)
        deed = await self._household.carry_out(plan.commands, moment)
        said = [text for text in (deed.text, *plan.refusals) if text]
        if plan.asked:
            self._confirmations.ask(sentence.conversation, plan.asked, now)
            return Handled(" ".join((*said, answers.question(plan.asked))), matches, expects_reply=True)
        done = deed.done
        return (Handled if done else NotHandled)(" ".join(said), matches)


def _outcome(deed: Deed) -> Handled | NotHandled:
    return (Handled if deed.done else NotHandled)(deed.text, deed.matches)


def is_conductors(match: Match) -> bool:
    """Timers, "stop" and the volume of the room belong to the conductor; that of a named player to the actor."""
    if match.intent.startswith("HassSetVolume"):
        return "name" not in match.slots
    return match.intent in _CONDUCTORS or match.intent.endswith(("Timer", "Timers", "TimerStatus"))
