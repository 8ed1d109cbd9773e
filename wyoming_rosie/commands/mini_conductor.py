"""Rules of a small conductor of one satellite, without sockets and clock. `now` is in seconds."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from wyoming.event import Event

STALLED_SECONDS = 10.0
"""Time after the end of a reply by which the satellite must send `played`."""


class ConductorPhase(StrEnum):
    WAITING = "waiting"  # for the satellite to ask for a run
    LISTENING = "listening"
    ANSWERING = "answering"


@dataclass(frozen=True)
class SendEvent:
    """Effect: send the satellite an event."""

    event: Event


@dataclass(frozen=True)
class RecordAudio:
    """Effect: append the event's audio to the recording."""

    event: Event = field(repr=False)


@dataclass(frozen=True)
class PlayReply:
    """Effect: play the reply on the satellite."""


@dataclass(frozen=True)
class ShowEvent:
    """Effect: show the user an event; `milliseconds` count from the satellite's request for a run."""

    event: str
    detail: str = ""
    milliseconds: int | None = None


@dataclass(frozen=True)
class TurnEnded:
    """Effect: a turn or an announcement is over; `played` tells whether its reply was played to the end."""

    played: bool


ConductorEffect: TypeAlias = SendEvent | RecordAudio | PlayReply | ShowEvent | TurnEnded


@dataclass
class MiniConductor:
    """State of one satellite. Listens to each run for `listen_seconds`, then replies with `answer_seconds` of audio, if any."""

    listen_seconds: float
    answer_seconds: float | None
    phase: ConductorPhase = ConductorPhase.WAITING
    deadline: float | None = None  # time of the next call to `on_deadline`
    _started: float | None = None  # of the turn
    _has_audio: bool = False  # audio of this turn

    def on_event(self, event: Event, now: float) -> list[ConductorEffect]:
        """Return the effects of an event from the satellite."""
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
        """Return the effects of playing the reply outside a run."""
        self._started = now
        return self._start_reply(now)

    def on_deadline(self, now: float) -> list[ConductorEffect]:
        """Return the effects of the deadline, if it has passed."""
        if self.deadline is None or now < self.deadline:
            return []
        if self.phase is ConductorPhase.LISTENING:
            return self._end_speech(now)
        return [self._show("not played", now), *self._end_turn(played=False)]

    def _start_run(self, event: Event, now: float) -> list[ConductorEffect]:
        self.phase, self._started, self._has_audio = ConductorPhase.LISTENING, now, False
        self.deadline = now + self.listen_seconds
        started = [SendEvent(Event("transcribe", {"language": "en"}))]
        if event.data.get("start_stage") == "wake":  # the satellite leaves wake word detection to us: accept any sound
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
            nothing = Event("error", {"text": "there is no reply", "code": "no-answer"})
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
    return " ".join(str(part) for part in about if part)
