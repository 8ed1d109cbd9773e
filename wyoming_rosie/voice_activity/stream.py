"""Voice activity detection in one stream, from frames to events, and in a batch of streams."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.runtime.stream_scheduler import BatchLimits, BatchScheduler
from wyoming_rosie.voice_activity.classifier import AudioClassifier
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.events import VadEvent, VadFrame
from wyoming_rosie.voice_activity.near_voice import NearVoiceFilter
from wyoming_rosie.voice_activity.segmenter import SegmenterRules, SpeechSegmenter

MAX_BATCH_FRAMES = 8
TICK_SECONDS = 0.03
"""Nearly a frame. It adds to the latency of the end of speech, half of it on average."""


class VadStream:
    """The state of one stream."""

    def __init__(self, engine: VadEngine[Any], rules: SegmenterRules) -> None:
        frame_ms = self._frame_ms = round(1000 * SPEECH.seconds(engine.frame_bytes))
        self.processed_ms = 0
        """Milliseconds of audio that have been processed or skipped."""
        self.engine_state = engine.create_stream()
        self._near_voice = NearVoiceFilter(rules.far_db) if rules.far_db else None
        self._segmenter = SpeechSegmenter(rules, frame_ms)
        self._classifier = AudioClassifier(rules.silence_dbfs, frame_ms)
        self._skipped_ms = 0

    def skip(self, samples: int) -> None:
        """Skip samples that were dropped; later events are shifted by their duration."""
        self._skipped_ms += round(1000 * samples / SPEECH.rate)
        self.processed_ms += round(1000 * samples / SPEECH.rate)

    @property
    def is_speech(self) -> bool:
        return self._segmenter.is_speech

    def process(self, frames: Iterable[VadFrame]) -> list[VadEvent]:
        """Process the next frames; return the events, in order."""
        return self._shift_times(event for frame in frames for event in self._process_frame(frame) if event is not None)

    def finish(self) -> list[VadEvent]:
        """End the stream; return the last events."""
        stopped = self._segmenter.finish()
        return self._shift_times([*([stopped] if stopped else []), self._classifier.finish()])

    def close(self) -> None:
        self.engine_state.close()

    def _shift_times(self, events: Iterable[VadEvent]) -> list[VadEvent]:
        return [replace(event, time=event.time + self._skipped_ms) if self._skipped_ms else event for event in events]

    def _process_frame(self, frame: VadFrame) -> tuple[VadEvent | None, ...]:
        self.processed_ms += self._frame_ms
        boundary = self._segmenter.process(frame if self._near_voice is None else self._near_voice.process(frame))
        return boundary, self._classifier.process(frame, is_speech=self._segmenter.is_speech)


def process_batch(engine: VadEngine[Any], batch: Sequence[tuple[VadStream, bytes]]) -> list[list[VadEvent]]:
    """Process whole frames of several streams in one batch; return the events of each."""
    results = engine.process_batch([(stream.engine_state, pcm) for stream, pcm in batch])
    return [stream.process(frames) for (stream, _), frames in zip(batch, results, strict=True)]


def create_scheduler(engine: VadEngine[Any]) -> BatchScheduler[VadStream, VadEvent]:
    """Return a scheduler that runs the engine for many streams on one thread."""
    limits = BatchLimits(engine.frame_bytes, MAX_BATCH_FRAMES * engine.frame_bytes, TICK_SECONDS)
    return BatchScheduler("vad", partial(process_batch, engine), limits, workers=1)  # numpy calls would only compete
