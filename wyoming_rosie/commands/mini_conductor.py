"""The rules of a small conductor that listens to one satellite: no sockets, no clock. `now` is in seconds."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from wyoming.event import Event

STALLED_SECONDS = 10.0
"""An answer of which nothing is heard for so long beyond its own length is given up."""


class ConductorPhase(StrEnum):
    WAITING = "waiting"  # for the satellite to ask for a run
    LISTENING = "listening"
    ANSWERING = "answering"


@dataclass(frozen=True)
class SendEvent:
    """Send the satellite an event."""

    event: Event


@dataclass(frozen=True)
class RecordAudio:
    """Keep what the satellite sent."""

    event: Event = field(repr=False)


@dataclass(frozen=True)
class PlayReply:
    """Play the answer on the satellite."""


@dataclass(frozen=True)
class ShowEvent:
    """Tell the user that something happened, with milliseconds since the satellite asked to be heard."""

    event: str
    detail: str = ""
    milliseconds: int | None = None


@dataclass(frozen=True)
class TurnEnded:
    """One turn is complete, or an announcement was played."""

    played: bool


ConductorEffect: TypeAlias = SendEvent | RecordAudio | PlayReply | ShowEvent | TurnEnded


@dataclass
class MiniConductor:
    """One satellite: hears each run for `listen_seconds`, answers with a sound of `answer_seconds`, if any."""

    listen_seconds: float
    answer_seconds: float | None
    phase: ConductorPhase = ConductorPhase.WAITING
    deadline: float | None = None  # call `late` then
    _started: float | None = None  # of the turn
    _has_audio: bool = False  # audio of this turn

    def on_event(self, event: Event, now: float) -> list[ConductorEffect]:
        """Return what is to be done about an event from the satellite."""
        match event.type:
            case "ping":
                return [SendEvent(Event("pong", event.data))]
            case "pong" | "info":
                return []
            case "audio-chunk":
                return self._on_audio(event, now)
            case "run-pipeline":
                return [self._show(_format_run(event), now), *self._start_run(event, now)]
            case "audio-stop":
                return [self._show("audio-stop", now), *self._end_speech(now)]
            case "played":
                return [self._show("played", now), *self._end_turn(played=True)]
        return [self._show(event.type, now, _format_detail(event))]

    def announce(self, now: float) -> list[ConductorEffect]:
        """Play the answer at once."""
        self._started = now
        return self._start_reply(now)

    def on_deadline(self, now: float) -> list[ConductorEffect]:
        """Return what follows from the deadline, if it has passed."""
        if self.deadline is None or now < self.deadline:
            return []
        if self.phase is ConductorPhase.LISTENING:
            return self._end_speech(now)
        return [self._show("not played", now), *self._end_turn(played=False)]

    def _start_run(self, event: Event, now: float) -> list[ConductorEffect]:
        self.phase, self._started, self._has_audio = ConductorPhase.LISTENING, now, False
        self.deadline = now + self.listen_seconds
        started = [SendEvent(Event("transcribe", {"language": "en"}))]
        if event.data.get("start_stage") == "wake":  # it leaves the word to us, and any sound will do
            return [SendEvent(Event("detection", {"name": event.data.get("wake_word_name")})), *started]
        return [*started]

    def _on_audio(self, event: Event, now: float) -> list[ConductorEffect]:
        if self.phase is not ConductorPhase.LISTENING:
            return []
        first = [] if self._has_audio else [self._show("first audio", now)]
        self._has_audio = True
        return [*first, RecordAudio(event)]

    def _end_speech(self, now: float) -> list[ConductorEffect]:
        if self.phase is not ConductorPhase.LISTENING:
            return []
        stopped = SendEvent(Event("voice-stopped", {"timestamp": round(1000 * (now - (self._started or now)))}))
        if self.answer_seconds is None:
            nothing = Event("error", {"text": "there is nothing to say", "code": "no-answer"})
            return [
                stopped,
                SendEvent(Event("transcript", {"text": ""})),
                SendEvent(nothing),
                *self._end_turn(played=False),
            ]
        return [stopped, SendEvent(Event("transcript", {"text": ""})), *self._start_reply(now)]

    def _start_reply(self, now: float) -> list[ConductorEffect]:
        self.phase = ConductorPhase.ANSWERING
        self.deadline = now + (self.answer_seconds or 0.0) + STALLED_SECONDS
        return [PlayReply()]

    def _end_turn(self, *, played: bool) -> list[ConductorEffect]:
        if self.phase is ConductorPhase.WAITING:
            return []
        self.phase, self.deadline = ConductorPhase.WAITING, None
        return [TurnEnded(played)]

    def _show(self, what: str, now: float, detail: str = "") -> ShowEvent:
        return ShowEvent(what, detail, None if self._started is None else round(1000 * (now - self._started)))


def _format_run(event: Event) -> str:
    return f"run-pipeline {event.data.get('start_stage')} to {event.data.get('end_stage')}"


def _format_detail(event: Event) -> str:
    about = [event.data.get(key) for key in ("name", "code", "text")]
    return " ".join(str(one) for one in about if one)
