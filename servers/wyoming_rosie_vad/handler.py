"""Connection handler of the VAD daemon."""

from collections.abc import Sequence
from typing import Any, assert_never

import structlog
from wyoming.event import Event
from wyoming.user_event import UserEvent
from wyoming.vad import VoiceStarted, VoiceStopped

from wyoming_rosie.audio.receiver import AudioReceiver
from wyoming_rosie.errors import RosieError
from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.connection import client_of
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie.runtime.outbox import Outbox
from wyoming_rosie.runtime.stream_scheduler import BatchScheduler, ScheduledStream
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.events import AudioClassified, SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.segmenter import SegmenterRules, for_command
from wyoming_rosie.voice_activity.stream import VadStream

_LOG = structlog.get_logger()


class VadHandler:
    """Answers audio with `voice-started`, `voice-stopped` and `voice-class`; timestamps are positions in the audio."""

    def __init__(
        self,
        engine: VadEngine[Any],
        scheduler: BatchScheduler[VadStream, VadEvent],
        rules: SegmenterRules,
        send: Send,
        metrics: TurnMetrics = NULL_TURN_METRICS,
    ) -> None:
        self._engine = engine
        self._scheduler = scheduler
        self._rules = rules
        self._send = send
        self._metrics = metrics
        self._audio = AudioReceiver(scheduler.call)
        self._stream: ScheduledStream[VadStream, VadEvent] | None = None
        self._outbox = Outbox[VadEvent]()
        self._had_voice = False
        self._start_ms: int | None = None  # timestamp of the stream's first sample
        self._context: dict[str, Any] = {}

    @property
    def is_busy(self) -> bool:
        return self._stream is not None and self._stream.state.is_speech  # a stream may never end

    def on_audio_nowait(self, event: Event) -> bool:
        pcm = self._audio.read_nowait(event)
        if pcm is None or self._stream is None or not self._stream.try_push(pcm):
            return False
        self._set_start(event)
        return True

    def coalesce(self, source: EventStream) -> None:
        if self._stream is not None:
            self._stream.coalesce(source)

    async def on_event(self, event: Event) -> None:
        try:
            match event.type:
                case "user-event" if event.data.get("name") == "turn":
                    self._context = turn.context(event)
                case "audio-start":
                    await self._finish_stream()
                    await self._create_stream(event)
                case "audio-chunk":
                    async for pcm in self._audio.read(event):
                        self._set_start(event)
                        await self._push(pcm)
                case "audio-stop":
                    await self._push(self._audio.stop(event))
                    await self._finish_stream()
        except RosieError:
            await self._close_stream()
            raise

    async def close(self) -> None:
        """Drop the stream and the events that have not been sent."""
        self._outbox.close()
        await self._close_stream()

    async def _create_stream(self, event: Event) -> None:
        await self._audio.start(event)
        self._outbox.start(self._send_vad_event)
        self._context = self._context or turn.context(event)
        rules = for_command(self._rules) if self._context.get("turn_id") else self._rules
        self._stream = self._scheduler.create_stream(
            VadStream(self._engine, rules), self._on_vad_events, client=client_of(self._send)
        )
        self._had_voice = False
        self._start_ms = _parse_timestamp(event)

    def _set_start(self, event: Event) -> None:
        if self._start_ms is None:
            self._start_ms = _parse_timestamp(event)

    async def _push(self, pcm: bytes) -> None:
        if self._stream is not None:
            await self._stream.push(pcm)

    async def _finish_stream(self) -> None:
        if self._stream is None:
            return
        await self._stream.finish()
        await self._outbox.flush()
        for event in self._stream.state.finish():
            await self._send_vad_event(event)
        await self._close_stream()

    async def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            self._metrics.count_outcome("voice" if self._had_voice else "no-voice")
            stream.close()
            await self._scheduler.call(stream.state.close)

    def _on_vad_events(self, events: Sequence[VadEvent]) -> None:
        for event in events:
            if isinstance(event, SpeechStart | SpeechStop) and self._stream is not None:
                self._had_voice = True
                self._metrics.observe_stage("detect", 1000 * self._stream.lag_seconds)
            self._outbox.put(event)

    async def _send_vad_event(self, event: VadEvent) -> None:
        _LOG.debug("voice activity", found=event)
        await self._send(self._to_event(event))

    def _to_event(self, event: VadEvent) -> Event:
        timestamp = (self._start_ms or 0) + event.time
        match event:
            case SpeechStart():
                return VoiceStarted(timestamp).event()
            case SpeechStop():
                return VoiceStopped(timestamp).event()
            case AudioClassified():
                data = {"class": event.audio_class, "probability": event.probability, "timestamp": timestamp}
                if event.is_final:
                    data["final"] = True
                return UserEvent("voice-class", data, dict(self._context)).event()
            case _:
                assert_never(event)


def _parse_timestamp(event: Event) -> int | None:
    """Return the event's timestamp in milliseconds, None without a usable one; some peers send fractions."""
    timestamp = parse_number(event.data.get("timestamp"))
    return None if timestamp is None else round(timestamp)
