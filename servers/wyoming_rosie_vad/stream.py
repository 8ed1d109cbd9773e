"""One stream of speech audio, from whole frames to findings; its calls run in the engine's thread."""

from wyoming_rosie.audio import SPEECH
from wyoming_rosie_vad.classifier import Classifier
from wyoming_rosie_vad.engine import Detector
from wyoming_rosie_vad.findings import Finding, Frame
from wyoming_rosie_vad.levels import level
from wyoming_rosie_vad.segmenter import Rules, Segmenter


class VadStream:
    """Everything that is known of one stream."""

    def __init__(self, detector: Detector, frame_bytes: int, rules: Rules) -> None:
        frame_ms = round(1000 * SPEECH.seconds(frame_bytes))
        self._detector = detector
        self._frame_bytes = frame_bytes
        self._segmenter = Segmenter(rules, frame_ms)
        self._classifier = Classifier(rules.silence_dbfs, frame_ms)

    @property
    def is_speech(self) -> bool:
        return self._segmenter.is_speech

    def hear(self, frames: bytes) -> list[Finding]:
        """Take whole frames; return what was found, in order."""
        found: list[Finding] = []
        for at in range(0, len(frames), self._frame_bytes):
            found += self._hear(frames[at : at + self._frame_bytes])
        return found

    def finish(self) -> list[Finding]:
        """End the stream; return what was left to find."""
        stopped = self._segmenter.finish()
        return [*([stopped] if stopped else []), self._classifier.finish()]

    def close(self) -> None:
        self._detector.close()

    def _hear(self, pcm: bytes) -> list[Finding]:
        frame = Frame(self._detector.probability(pcm), level(pcm))
        edge = self._segmenter.hear(frame)
        change = self._classifier.hear(frame, is_speech=self._segmenter.is_speech)
        return [finding for finding in (edge, change) if finding is not None]
