"""One stream of speech audio, from whole frames to findings, and many of them at once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.runtime.stream_scheduler import Pace, Scheduler
from wyoming_rosie.voice_activity.classifier import Classifier
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.findings import Finding, Frame
from wyoming_rosie.voice_activity.segmenter import Rules, Segmenter

FRAMES_AT_ONCE = 8
TICK_SECONDS = 0.03
"""Nearly a frame: who waits for the end of speech waits for this as well, half of it on average."""


class VadStream:
    """Everything that is known of one stream."""

    def __init__(self, engine: VadEngine[Any], rules: Rules) -> None:
        frame_ms = self._frame_ms = round(1000 * SPEECH.seconds(engine.frame_bytes))
        self.heard_ms = 0
        """Up to here everything is known that can be."""
        self.detector = engine.listen()
        self._segmenter = Segmenter(rules, frame_ms)
        self._classifier = Classifier(rules.silence_dbfs, frame_ms)
        self._skipped_ms = 0

    def skip(self, samples: int) -> None:
        """Note that so many samples will never come: what is found later is later by as much."""
        self._skipped_ms += round(1000 * samples / SPEECH.rate)
        self.heard_ms += round(1000 * samples / SPEECH.rate)

    @property
    def is_speech(self) -> bool:
        return self._segmenter.is_speech

    def take(self, frames: Iterable[Frame]) -> list[Finding]:
        """Take the next frames; return what was found, in order."""
        return self._dated(finding for frame in frames for finding in self._take(frame) if finding is not None)

    def finish(self) -> list[Finding]:
        """End the stream; return what was left to find."""
        stopped = self._segmenter.finish()
        return self._dated([*([stopped] if stopped else []), self._classifier.finish()])

    def close(self) -> None:
        self.detector.close()

    def _dated(self, found: Iterable[Finding]) -> list[Finding]:
        return [replace(one, time=one.time + self._skipped_ms) if self._skipped_ms else one for one in found]

    def _take(self, frame: Frame) -> tuple[Finding | None, ...]:
        self.heard_ms += self._frame_ms
        edge = self._segmenter.hear(frame)
        return edge, self._classifier.hear(frame, is_speech=self._segmenter.is_speech)


def hear(engine: VadEngine[Any], pieces: Sequence[tuple[VadStream, bytes]]) -> list[list[Finding]]:
    """Let the engine hear whole frames of several streams together; return what was found in each."""
    judged = engine.hear([(stream.detector, pcm) for stream, pcm in pieces])
    return [stream.take(frames) for (stream, _), frames in zip(pieces, judged, strict=True)]


def listening(engine: VadEngine[Any]) -> Scheduler[VadStream, Finding]:
    """Return what hears many streams on a thread of its own."""
    pace = Pace(engine.frame_bytes, FRAMES_AT_ONCE * engine.frame_bytes, TICK_SECONDS)
    return Scheduler("vad", partial(hear, engine), pace, workers=1)  # numpy would only fight itself
