"""Classification of audio as speech, noise or silence: rules without audio, engine or clock."""

from math import ceil

from wyoming_rosie.voice_activity.events import AudioClass, AudioClassified, VadFrame

SETTLE_MS = 250
"""Noise or silence must last this long before it is reported."""


class AudioClassifier:
    """Classifies one stream. Speech is reported at once, because the segmenter has confirmed it already."""

    def __init__(self, silence_dbfs: float, frame_ms: int) -> None:
        self._silence_dbfs = silence_dbfs
        self._frame_ms = frame_ms
        self._settle_frames = ceil(SETTLE_MS / frame_ms)
        self._reported: AudioClass | None = None
        self._all_reported: set[AudioClass] = set()
        self._run = _FrameRun(AudioClass.SILENCE)
        self._totals = {audio_class: _FrameRun(audio_class) for audio_class in AudioClass}
        self._frames = 0

    def process(self, frame: VadFrame, *, is_speech: bool) -> AudioClassified | None:
        """Process the next frame; return the class if it has changed."""
        audio_class = self._classify(frame, is_speech=is_speech)
        if audio_class is not self._run.audio_class or not self._frames:
            self._run = _FrameRun(audio_class, self._frames)
        self._frames += 1
        self._run.add(frame)
        self._totals[audio_class].add(frame)
        is_settled = audio_class is AudioClass.SPEECH or self._run.frames >= self._settle_frames
        if audio_class is self._reported or not is_settled:
            return None
        self._reported = audio_class
        self._all_reported.add(audio_class)
        return AudioClassified(audio_class, self._run.probability, self._run.first * self._frame_ms)

    def finish(self) -> AudioClassified:
        """Return the class of the whole stream: the first of `AudioClass` that was reported, else the most frequent."""
        reported = [heard_class for heard_class in AudioClass if heard_class in self._all_reported]
        audio_class = reported[0] if reported else max(AudioClass, key=self._frequency)
        probability = self._totals[audio_class].probability
        return AudioClassified(audio_class, probability, self._frames * self._frame_ms, is_final=True)

    def _frequency(self, audio_class: AudioClass) -> tuple[int, bool]:
        return self._totals[audio_class].frames, audio_class is AudioClass.SILENCE

    def _classify(self, frame: VadFrame, *, is_speech: bool) -> AudioClass:
        if is_speech:
            return AudioClass.SPEECH
        return AudioClass.NOISE if frame.level >= self._silence_dbfs else AudioClass.SILENCE


class _FrameRun:
    """Frames of one class."""

    def __init__(self, audio_class: AudioClass, first: int = 0) -> None:
        self.audio_class = audio_class
        self.first = first
        self.frames = 0
        self._sum = 0.0

    def add(self, frame: VadFrame) -> None:
        self.frames += 1
        self._sum += frame.probability

    @property
    def probability(self) -> float:
        return round(self._sum / self.frames, 3) if self.frames else 0.0
