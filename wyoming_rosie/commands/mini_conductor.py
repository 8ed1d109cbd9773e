"""The rules of a small conductor that listens to one satellite: no sockets, no clock. `now` is in seconds."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from wyoming.event import Event

STALLED_SECONDS = 10.0
"""An answer of which nothing is heard for so long beyond its own length is given up."""


class Phase(StrEnum):
    WAITING = "waiting"  # for the satellite to ask for a run
    LISTENING = "listening"
    ANSWERING = "answering"


@dataclass(frozen=True)
class Tell:
    """Send the satellite an event."""

    event: Event


@dataclass(frozen=True)
class Record:
    """Keep what the satellite sent."""

    event: Event = field(repr=False)


@dataclass(frozen=True)
class Speak:
    """Play the answer on the satellite."""


@dataclass(frozen=True)
class Show:
    """Tell the user that something happened, with milliseconds since the satellite asked to be heard."""

    what: str
    detail: str = ""
    milliseconds: int | None = None


@dataclass(frozen=True)
class TurnOver:
    """One turn is complete, or an announcement was played."""

    played: bool


Effect: TypeAlias = Tell | Record | Speak | Show | TurnOver


@dataclass
class Listening:
    """One satellite: hears each run for `listen_seconds`, answers with a sound of `answer_seconds`, if any."""

    listen_seconds: float
    answer_seconds: float | None
    phase: Phase = Phase.WAITING
    deadline: float | None = None  # call `late` then
    _begun: float | None = None  # of the turn
    _heard: bool = False  # audio of this turn

    def heard(self, event: Event, now: float) -> list[Effect]:
        """Return what is to be done about an event from the satellite."""
        match event.type:
            case "ping":
                return [Tell(Event("pong", event.data))]
            case "pong" | "info":
                return []
            case "audio-chunk":
                return self._audio(event, now)
            case "run-pipeline":
                return [self._show(_run(event), now), *self._run(event, now)]
            case "audio-stop":
                return [self._show("audio-stop", now), *self._enough(now)]
            case "played":
                return [self._show("played", now), *self._over(played=True)]
        return [self._show(event.type, now, _detail(event))]

    def announce(self, now: float) -> list[Effect]:
        """Play the answer at once."""
        self._begun = now
        return self._answer(now)

    def late(self, now: float) -> list[Effect]:
        """Return what follows from the deadline, if it has passed."""
        if self.deadline is None or now < self.deadline:
            return []
        if self.phase is Phase.LISTENING:
            return self._enough(now)
        return [self._show("not played", now), *self._over(played=False)]

    def _run(self, event: Event, now: float) -> list[Effect]:
        self.phase, self._begun, self._heard = Phase.LISTENING, now, False
        self.deadline = now + self.listen_seconds
        started = [Tell(Event("transcribe", {"language": "en"}))]
        if event.data.get("start_stage") == "wake":  # it leaves the word to us, and any sound will do
            return [Tell(Event("detection", {"name": event.data.get("wake_word_name")})), *started]
        return [*started]

    def _audio(self, event: Event, now: float) -> list[Effect]:
        if self.phase is not Phase.LISTENING:
            return []
        first = [] if self._heard else [self._show("first audio", now)]
        self._heard = True
        return [*first, Record(event)]

    def _enough(self, now: float) -> list[Effect]:
        if self.phase is not Phase.LISTENING:
            return []
        stopped = Tell(Event("voice-stopped", {"timestamp": round(1000 * (now - (self._begun or now)))}))
        if self.answer_seconds is None:
            nothing = Event("error", {"text": "there is nothing to say", "code": "no-answer"})
            return [stopped, Tell(Event("transcript", {"text": ""})), Tell(nothing), *self._over(played=False)]
        return [stopped, Tell(Event("transcript", {"text": ""})), *self._answer(now)]

    def _answer(self, now: float) -> list[Effect]:
        self.phase = Phase.ANSWERING
        self.deadline = now + (self.answer_seconds or 0.0) + STALLED_SECONDS
        return [Speak()]

    def _over(self, *, played: bool) -> list[Effect]:
        if self.phase is Phase.WAITING:
            return []
        self.phase, self.deadline = Phase.WAITING, None
        return [TurnOver(played)]

    def _show(self, what: str, now: float, detail: str = "") -> Show:
        return Show(what, detail, None if self._begun is None else round(1000 * (now - self._begun)))


def _run(event: Event) -> str:
    return f"run-pipeline {event.data.get('start_stage')} to {event.data.get('end_stage')}"


def _detail(event: Event) -> str:
    about = [event.data.get(key) for key in ("name", "code", "text")]
    return " ".join(str(one) for one in about if one)
