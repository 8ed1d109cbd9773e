"""From a sentence to a reply: what was meant, who acts on it, and whether to ask first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from wyoming_rosie.home import Home
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_intent import answers, compound, targets
from wyoming_rosie_intent.confirmation import Confirmations, Reply
from wyoming_rosie_intent.engine import Actor, Answer, Command, Match, Recogniser

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
        self,
        recogniser: Recogniser,
        actor: Actor | None,
        home: Home,
        confirm: frozenset[str],
        confirmations: Confirmations[tuple[Command, ...]],
    ) -> None:
        self._recogniser = recogniser
        self._actor = actor
        self._home = home
        self._confirm = confirm
        self._confirmations = confirmations
        self._worker = ThreadWorker("intent")

    async def answer(self, sentence: Sentence, moment: datetime, now: float) -> Outcome:
        """Return the outcome; `moment` is the wall clock, `now` seconds of any clock. Raises UnknownLanguageError."""
        reply, asked = self._confirmations.hear(sentence.conversation, sentence.text, now)
        if reply is Reply.YES and asked is not None and self._actor is not None:
            return await self._carry_out(self._actor, asked, moment)
        if reply is Reply.NO:
            return Handled(answers.LEFT_ALONE)
        if not sentence.text.strip():
            return NotRecognized(answers.HEARD_NOTHING)
        matches = await self._worker.run(compound.understand, sentence.text, self._understand(sentence))
        if not matches:
            return NotRecognized(answers.NOT_UNDERSTOOD)
        conductors = [match for match in matches if self._actor is None or is_conductors(match)]
        if len(conductors) == len(matches):
            return (
                NotHandled(answers.WHICH_ROOM, matches)
                if any(map(targets.needs_room, matches))
                else ForConductor(matches)
            )
        if conductors or self._actor is None:
            return NotHandled(answers.ONE_AT_A_TIME, matches)
        return await self._act(self._actor, sentence, matches, moment, now)

    def close(self) -> None:
        self._worker.close()

    def _understand(self, sentence: Sentence) -> Callable[[str], Match | None]:
        return lambda text: self._recogniser.recognise(text, sentence.language, sentence.area)

    async def _act(self, actor: Actor, sentence: Sentence, matches: Matches, moment: datetime, now: float) -> Outcome:
        """Do what needs no confirmation, then ask about the rest."""
        commands, refusals = self._commands(matches, sentence.area)
        asked = tuple(command for command in commands if self._needs_confirmation(command))
        outcome = await self._carry_out(actor, [command for command in commands if command not in asked], moment)
        said = [text for text in (outcome.text, *refusals) if text]
        if asked:
            self._confirmations.ask(sentence.conversation, asked, now)
            return Handled(" ".join((*said, answers.question(asked))), matches, expects_reply=True)
        done = bool(commands) and isinstance(outcome, Handled)
        return (Handled if done else NotHandled)(" ".join(said), matches)

    def _commands(self, matches: Matches, area: str | None) -> tuple[list[Command], list[str]]:
        """Find what the sentences are about; return commands, and refusals for those that are about nothing here."""
        found = [(match, targets.find(self._home, match, area)) for match in matches]
        commands = [Command(match, things) for match, things in found if not isinstance(things, Answer)]
        return commands, [things.text for _, things in found if isinstance(things, Answer)]

    def _needs_confirmation(self, command: Command) -> bool:
        return command.match.intent != "HassGetState" and any(
            entity.domain in self._confirm for entity in command.targets
        )

    async def _carry_out(self, actor: Actor, commands: Sequence[Command], moment: datetime) -> Handled | NotHandled:
        said = [await actor.act(command, moment) for command in commands]
        text = " ".join(answer.text for answer in said)
        matches = tuple(command.match for command in commands)
        return (Handled if any(answer.done for answer in said) else NotHandled)(text, matches)


def is_conductors(match: Match) -> bool:
    """Timers, "stop" and the volume of the room belong to the conductor; that of a named player to the actor."""
    if match.intent.startswith("HassSetVolume"):
        return "name" not in match.slots
    return match.intent in _CONDUCTORS or match.intent.endswith(("Timer", "Timers", "TimerStatus"))
