"""One stream of speech audio, from whole frames to findings, and many of them at once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.runtime.stream_scheduler import BatchLimits, BatchScheduler
from wyoming_rosie.voice_activity.classifier import AudioClassifier
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.events import VadEvent, VadFrame
from wyoming_rosie.voice_activity.segmenter import SegmenterRules, SpeechSegmenter

MAX_BATCH_FRAMES = 8
TICK_SECONDS = 0.03
"""Nearly a frame: who waits for the end of speech waits for this as well, half of it on average."""


class VadStream:
    """Everything that is known of one stream."""

    def __init__(self, engine: VadEngine[Any], rules: SegmenterRules) -> None:
        frame_ms = self._frame_ms = round(1000 * SPEECH.seconds(engine.frame_bytes))
        self.processed_ms = 0
        """Up to here everything is known that can be."""
        self.engine_state = engine.create_stream()
        self._segmenter = SpeechSegmenter(rules, frame_ms)
        self._classifier = AudioClassifier(rules.silence_dbfs, frame_ms)
        self._skipped_ms = 0

    def skip(self, samples: int) -> None:
        """Note that so many samples will never come: what is found later is later by as much."""
        self._skipped_ms += round(1000 * samples / SPEECH.rate)
        self.processed_ms += round(1000 * samples / SPEECH.rate)

    @property
    def is_speech(self) -> bool:
        return self._segmenter.is_speech

    def process(self, frames: Iterable[VadFrame]) -> list[VadEvent]:
        """Take the next frames; return what was found, in order."""
        return self._shift_times(
            finding for frame in frames for finding in self._process_frame(frame) if finding is not None
        )

    def finish(self) -> list[VadEvent]:
        """End the stream; return what was left to find."""
        stopped = self._segmenter.finish()
        return self._shift_times([*([stopped] if stopped else []), self._classifier.finish()])

    def close(self) -> None:
        self.engine_state.close()

    def _shift_times(self, found: Iterable[VadEvent]) -> list[VadEvent]:
        return [replace(one, time=one.time + self._skipped_ms) if self._skipped_ms else one for one in found]

    def _process_frame(self, frame: VadFrame) -> tuple[VadEvent | None, ...]:
        self.processed_ms += self._frame_ms
        edge = self._segmenter.process(frame)
        return edge, self._classifier.process(frame, is_speech=self._segmenter.is_speech)


def process_batch(engine: VadEngine[Any], batch: Sequence[tuple[VadStream, bytes]]) -> list[list[VadEvent]]:
    """Let the engine hear whole frames of several streams together; return what was found in each."""
    judged = engine.process_batch([(stream.engine_state, pcm) for stream, pcm in batch])
    return [stream.process(frames) for (stream, _), frames in zip(batch, judged, strict=True)]


def create_scheduler(engine: VadEngine[Any]) -> BatchScheduler[VadStream, VadEvent]:
    """Return what hears many streams on a thread of its own."""
    pace = BatchLimits(engine.frame_bytes, MAX_BATCH_FRAMES * engine.frame_bytes, TICK_SECONDS)
    return BatchScheduler("vad", partial(process_batch, engine), pace, workers=1)  # numpy would only fight itself
