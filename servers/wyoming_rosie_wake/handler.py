"""Connection handler of the wake daemon."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from wyoming.event import Event
from wyoming.wake import Detection, NotDetected

from wyoming_rosie.audio.receiver import AudioReceiver
from wyoming_rosie.errors import BadEventError, EngineError, RosieError
from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.connection import client_of
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.runtime.outbox import Outbox
from wyoming_rosie.runtime.stream_scheduler import BatchScheduler, ScheduledStream
from wyoming_rosie.wakeword.detection import WakeDetection, drop_near_misses, match_name
from wyoming_rosie_wake.capture import RecordingBuffer, WakeRecorder
from wyoming_rosie_wake.engine import WakeEngine, WakeStream

_LOG = structlog.get_logger()
MAX_NAMES = 100
NEAR_MISS = "near-miss"
"""Name of the user-event for a wake word that was nearly detected, for peers whose `detect` asks for it."""
SCORES = "scores"
"""Name of the user-event that asks for the highest score of each word since it was last asked, and of its answer."""


class WakeHandler:
    """Answers audio with a `detection` for each wake word, or with `not-detected` at its end; `detect` names the words.

    Another `detect` changes the words in the middle of a stream, for example to a stop word during a reply.
    """

    def __init__(
        self,
        engine: WakeEngine[Any],
        scheduler: BatchScheduler[Any, WakeDetection],
        recorder: WakeRecorder | None,
        send: Send,
        metrics: TurnMetrics = NULL_TURN_METRICS,
    ) -> None:
        self._engine = engine
        self._scheduler = scheduler
        self._recorder = recorder
        self._send = send
        self._metrics = metrics
        self._audio = AudioReceiver(scheduler.call)
        self._names: list[str] | None = []  # None: the request was rejected; empty: all words
        self._requested_names: list[str] = []  # the same words by the peer's names
        self._detect: Event | None = None
        self._has_audio = False  # on this connection, so far
        self._stream: ScheduledStream[WakeStream, WakeDetection] | None = None
        self._recording: RecordingBuffer | None = None
        self._outbox = Outbox[WakeDetection]()
        self._detections = 0
        self._context: dict[str, object] = {}

    @property
    def is_busy(self) -> bool:
        return False  # a stream may never end

    def on_audio_nowait(self, event: Event) -> bool:
        pcm = self._audio.read_nowait(event)
        if pcm is None or self._stream is None or not self._stream.try_push(pcm):
            return False
        if self._recording is not None:
            self._recording.push(pcm)
        return True

    def coalesce(self, source: EventStream) -> None:
        if self._stream is not None:
            self._stream.coalesce(source)

    async def on_event(self, event: Event) -> None:
        match event.type:
            case "detect":
                await self._on_detect(event)
            case "audio-start":
                await self._on_audio_start(event)
            case "audio-chunk":
                if self._detect is not None and not self._has_audio:
                    await self._on_audio_start(event)  # wyoming-satellite sends no audio-start
                async for pcm in self._audio.read(event):
                    await self._push(pcm)
            case "audio-stop":
                await self._push(self._audio.stop(event))
                await self._finish_stream()
            case "user-event" if event.data.get("name") == SCORES:
                await self._send_scores()

    async def close(self) -> None:
        self._close_stream()
        self._outbox.close()

    async def _on_detect(self, event: Event) -> None:
        self._detect, self._names = event, None
        try:
            requested = _parse_names(event)
            names = self._engine.match_names(requested)
        except RosieError:
            self._close_stream()
            raise
        self._names, self._requested_names = names, requested
        self._context = turn.context(event)
        if self._stream is not None:
            await self._stream.finish()  # detects the old words up to here
            await self._scheduler.call(self._engine.set_words, self._stream.state, names)
        elif self._audio.is_started:
            await self._create_stream()

    async def _on_audio_start(self, event: Event) -> None:
        self._has_audio = True
        await self._audio.start(event)
        await self._create_stream()

    async def _create_stream(self) -> None:
        self._close_stream()
        self._detections = 0
        self._context = turn.context(self._detect or Event("detect"))
        if self._names is None:
            return
        self._outbox.start(self._send_detection)
        state = await self._scheduler.call(self._engine.create_stream, self._names)
        self._recording = RecordingBuffer(self._recorder) if self._recorder is not None else None
        self._stream = self._scheduler.create_stream(state, self._on_detections, client=client_of(self._send))

    async def _push(self, pcm: bytes) -> None:
        if self._stream is None or not pcm:
            return
        if self._recording is not None:
            self._recording.push(pcm)
        try:
            await self._stream.push(pcm)
        except EngineError:
            self._close_stream()
            raise

    def _on_detections(self, found: Sequence[WakeDetection]) -> None:
        if self._stream is not None:
            self._metrics.observe_stage("detect", 1000 * self._stream.lag_seconds)
        if self._recording is not None:
            self._recording.on_detections(found)
        for detection in found if self._context.get("near_misses") is True else drop_near_misses(found):
            self._outbox.put(detection)

    async def _send_detection(self, detection: WakeDetection) -> None:
        if detection.is_near_miss:
            near_miss = {"name": NEAR_MISS, "word": detection.name, "score": detection.score}
            await self._send(Event("user-event", near_miss))
            return
        self._detections += 1
        context = {**self._context, "score": detection.score}
        if detection.speaker:
            context["speaker"] = detection.speaker
        if self._detections > 1 and not self._has_turn_id:
            context["turn_id"] = turn.new_id()
        turn.bind(str(context["turn_id"]))
        _LOG.info("wake word", name=detection.name, score=detection.score, ms=detection.milliseconds)
        name = match_name(detection.name, self._requested_names)
        await self._send(Detection(name=name, timestamp=detection.milliseconds, context=context).event())
        self._metrics.count_outcome("detected")

    async def _send_scores(self) -> None:
        """Send the scores and thresholds of the stream's words by the peer's names; none without a stream."""
        if self._stream is None:
            return
        state = self._stream.state
        scores, thresholds = self._by_requested_name(state.take_scores()), self._by_requested_name(state.thresholds)
        await self._send(Event("user-event", {"name": SCORES, "wake_scores": scores, "wake_thresholds": thresholds}))

    def _by_requested_name(self, numbers: Mapping[str, float]) -> dict[str, float]:
        return {match_name(name, self._requested_names): round(number, 3) for name, number in numbers.items()}

    async def _finish_stream(self) -> None:
        if self._stream is None:
            return
        await self._stream.finish()
        await self._outbox.flush()
        if self._recording is not None:
            self._recording.finish()
        if not self._detections:
            await self._send(NotDetected(context=self._context).event())
            self._metrics.count_outcome("not-detected")
        self._close_stream()

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = self._recording = None

    @property
    def _has_turn_id(self) -> bool:
        return self._detect is not None and "turn_id" in turn.event_context(self._detect)


def _parse_names(event: Event) -> list[str]:
    fields = Fields(event.data, lambda reason: BadEventError(f"detect: {reason}"))
    return list(fields.texts("names", MAX_NAMES))
