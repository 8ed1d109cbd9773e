"""What is heard, speech, noise or silence: rules without audio, engine or clock."""

from math import ceil

from wyoming_rosie.voice_activity.events import AudioClass, AudioClassified, VadFrame

SETTLE_MS = 250
"""A sound other than speech must last so long before it is told."""


class AudioClassifier:
    """Follows one stream; speech is told at once, because it has been made sure of already."""

    def __init__(self, silence_dbfs: float, frame_ms: int) -> None:
        self._silence_dbfs = silence_dbfs
        self._frame_ms = frame_ms
        self._settle_frames = ceil(SETTLE_MS / frame_ms)
        self._reported: AudioClass | None = None
        self._all_reported: set[AudioClass] = set()
        self._run = _FrameRun(AudioClass.SILENCE)
        self._totals = {sound: _FrameRun(sound) for sound in AudioClass}
        self._frames = 0

    def process(self, frame: VadFrame, *, is_speech: bool) -> AudioClassified | None:
        """Take the next frame; return the class when it has changed."""
        sound = self._classify(frame, is_speech=is_speech)
        if sound is not self._run.audio_class or not self._frames:
            self._run = _FrameRun(sound, self._frames)
        self._frames += 1
        self._run.add(frame)
        self._totals[sound].add(frame)
        is_settled = sound is AudioClass.SPEECH or self._run.frames >= self._settle_frames
        if sound is self._reported or not is_settled:
            return None
        self._reported = sound
        self._all_reported.add(sound)
        return AudioClassified(sound, self._run.probability, self._run.first * self._frame_ms)

    def finish(self) -> AudioClassified:
        """Return what the whole stream is: the most notable sound that was told, else what there was most of."""
        told = [sound for sound in AudioClass if sound in self._all_reported]
        sound = (
            told[0] if told else max(AudioClass, key=lambda one: (self._totals[one].frames, one is AudioClass.SILENCE))
        )
        return AudioClassified(sound, self._totals[sound].probability, self._frames * self._frame_ms, is_final=True)

    def _classify(self, frame: VadFrame, *, is_speech: bool) -> AudioClass:
        if is_speech:
            return AudioClass.SPEECH
        return AudioClass.NOISE if frame.level >= self._silence_dbfs else AudioClass.SILENCE


class _FrameRun:
    """Frames of one sound."""

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
