"""Satellite reader: translates the events of a satellite, on whatever connection, into inputs for its turns."""

import asyncio
from collections.abc import Callable

import structlog
from wyoming.event import Event
from wyoming.ping import Pong

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter, format_of, split_chunk
from wyoming_rosie.errors import BadEventError, UnreachableError
from wyoming_rosie.protocol import turn
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie.wakeword.arbitration.events import CLAIM, parse_claim
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.turn_runner import NEAR_MISS, TurnRunner, parse_language
from wyoming_rosie_hub.volume.intents import parse_mute_report, parse_volume_report

_LOG = structlog.get_logger()
BUSY_CODE = "busy"
"""Error code of a satellite that has another conductor."""
LEVELS = "levels"
"""Name of the user-event with which a satellite that is watched reports its levels."""
CANCEL = "cancel"
"""Name of the user-event with which a satellite ends its turn."""


class SatelliteReader:
    """Feeds one satellite's events to its turn runner. `send` queues an event for the satellite."""

    def __init__(self, turns: TurnRunner, send: Callable[[Event], None], on_volume: Callable[[int], None]) -> None:
        self._turns = turns
        self._send = send
        self._on_volume = on_volume
        self.answers_pings = False  # older satellites never do
        self.volume_percent: int | None = None  # as the satellite has reported it
        self.is_muted: bool | None = None
        self._wake_word: str | None = None
        self._turn_id: str | None = None
        self._wake_score: float | None = None
        self._format: AudioFormat | None = None
        self._converter: Converter | None = None

    async def on_event(self, event: Event) -> None:
        """Process an event. Raises UnreachableError if the satellite has another conductor."""
        match event.type:
            case "pong":
                self.answers_pings = True
            case "ping":
                self._send(Pong(event.data.get("text")).event())
            case "detection":
                self._wake_word = event.data.get("name")
                self._turn_id = turn.event_context(event).get("turn_id")
                self._wake_score = parse_number(turn.event_context(event).get("score"))
                self._turns.add_wake_word(event)
            case "run-pipeline":
                self._on_run_pipeline(event)
            case "audio-chunk":
                await self._on_audio(event)
            case "audio-stop":
                self._turns.process(m.AudioEnded())
            case "played":
                self._turns.process(m.Played())
            case "transcript":
                self._on_typed_text(event)
            case "user-event":
                self._on_user_event(event)
            case "error" if event.data.get("code") == BUSY_CODE:
                raise UnreachableError(str(event.data.get("text")))
            case "error":
                _LOG.warning("satellite reports an error", code=event.data.get("code"))

    def _on_run_pipeline(self, event: Event) -> None:
        context = turn.event_context(event)
        needs_wake = event.data.get("start_stage") == "wake"
        self._format = None
        self._turns.set_satellite_language(parse_language(context))
        turn_id = self._turn_id or context.get("turn_id") or turn.new_id()
        interrupts = context.get("interrupts") is not False
        run = m.RunRequested(turn_id, needs_wake, self._wake_word, interrupts)
        self._turns.process(run)
        self._turns.wake_claims.claim_run(run, self._wake_score)
        self._wake_word = self._turn_id = self._wake_score = None

    async def _on_audio(self, event: Event) -> None:
        try:
            for piece in split_chunk(event):
                self._turns.process(m.AudioReceived(self._convert(piece)))
                await asyncio.sleep(0)
        except BadEventError as err:
            _LOG.warning("satellite sent invalid audio", reason=str(err))

    def _on_typed_text(self, event: Event) -> None:
        context, text = turn.event_context(event), event.data.get("text")
        if isinstance(text, str) and text.strip():
            self._turns.set_satellite_language(parse_language(context))
            self._turns.process(m.TextReceived(turn.new_id(), text.strip()))

    def _on_user_event(self, event: Event) -> None:
        if event.data.get("name") == CANCEL:
            self._turns.process(m.RunCancelled())
        elif event.data.get("name") == LEVELS:
            self._turns.report_levels(event)
        elif event.data.get("name") == NEAR_MISS:
            self._turns.add_near_miss(event)
        elif event.data.get("name") == CLAIM:
            self._on_claim(event)
        elif (percent := parse_volume_report(event)) is not None:
            self.volume_percent = percent
            self._on_volume(percent)
        elif (is_muted := parse_mute_report(event)) is not None:
            self.is_muted = is_muted

    def _on_claim(self, event: Event) -> None:
        try:
            claim = parse_claim(event)
        except BadEventError as err:
            _LOG.warning("satellite sent an invalid claim", reason=str(err))
            return
        if claim is not None:
            self._turns.wake_claims.claim(claim)

    def _convert(self, chunk: Event) -> bytes:
        audio = format_of(chunk)
        if audio != self._format or self._converter is None:
            self._format, self._converter = audio, Converter(audio, SPEECH)
        return self._converter.convert(chunk.payload or b"")
