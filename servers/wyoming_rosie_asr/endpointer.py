"""Endpointing of one utterance: rules without audio, engine or clock. Times are milliseconds of the stream.

A conductor's decisions come first; without one, they follow from the silence in the audio.
"""

from collections.abc import Iterable

from wyoming_rosie.voice_activity.endpointing import Completeness, EndpointDecision, Endpointer, EndpointingRules


class UtteranceEndpointer:
    """The speech segments of one utterance, and the decisions that follow from the silence after them."""

    def __init__(self, rules: EndpointingRules, *, is_conducted: bool = False) -> None:
        self.is_conducted = is_conducted
        self._endpointer = Endpointer(rules)
        self._segments: list[tuple[int, int]] = []
        self._speech_start_ms: int | None = None  # of the segment that has not ended
        self._end_ms: int | None = None  # of the command, if other speech went on after it
        self._is_voice_stopped = False
        self._is_other_voice = False  # until somebody starts to speak after a pause

    @property
    def is_speech(self) -> bool:
        """Whether somebody is speaking."""
        return self._speech_start_ms is not None

    def speech_segments(self, now_ms: int) -> tuple[tuple[int, int], ...]:
        """Return the begin and end of each speech segment; one that has not ended lasts until `now_ms`.

        Speech after the end of the command is not part of it.
        """
        present = ((self._speech_start_ms, now_ms),) if self._speech_start_ms is not None else ()
        segments = (*self._segments, *present)
        return segments if self._end_ms is None else tuple(_cut_segments(segments, self._end_ms))

    def on_speech_start(self, at_ms: int) -> list[EndpointDecision]:
        """Start a speech segment, unless one has started."""
        self._is_other_voice = False
        if self._speech_start_ms is None:
            self._speech_start_ms = max(at_ms, self._segments[-1][1]) if self._segments else at_ms
        resumed = self._endpointer.on_speech_start(at_ms)
        return [] if self.is_conducted else resumed

    def on_speech_stop(self, at_ms: int) -> None:
        """End the speech segment. The first one may have started with the audio, unnoticed by the conductor."""
        if self._is_other_voice:
            return
        start_ms = 0 if self._speech_start_ms is None and not self._segments else self._speech_start_ms
        if start_ms is not None and (at_ms >= start_ms or not self._segments):
            self._segments.append((start_ms, max(at_ms, start_ms)))
        self._speech_start_ms = None
        self._endpointer.on_speech_stop(at_ms)

    def on_other_voice(self, at_ms: int) -> bool:
        """End all speech where another voice began that goes on speaking; return whether there is any before it."""
        if self._speech_start_ms is None or not (before := _cut_segments(self.speech_segments(at_ms), at_ms)):
            return False
        self._segments, self._speech_start_ms, self._is_other_voice = before, None, True
        self._endpointer.on_speech_stop(at_ms)
        return True

    def on_audio_class(self, at_ms: int, *, is_noise: bool) -> None:
        """Note that noise or silence began."""
        (self._endpointer.on_noise_start if is_noise else self._endpointer.on_noise_stop)(at_ms)

    def on_voice_started(self) -> list[EndpointDecision]:
        """Follow the conductor's `voice-started`."""
        was_stopped, self._is_voice_stopped = self._is_voice_stopped, False
        self.is_conducted = True
        return [EndpointDecision.RESUMED] if was_stopped else []

    def on_voice_stopped(self) -> list[EndpointDecision]:
        """Follow the conductor's `voice-stopped`."""
        was_stopped, self._is_voice_stopped = self._is_voice_stopped, True
        self.is_conducted = True
        return [] if was_stopped else [EndpointDecision.PERHAPS]

    def on_speculation_start(self) -> None:
        """Note that the speech so far is being decoded."""
        self._endpointer.on_speculation_start()

    def set_completeness(self, completeness: Completeness) -> None:
        """Record what the speech so far is, which decides how long a silence ends the utterance."""
        self._endpointer.set_completeness(completeness)

    def advance(self, now_ms: int) -> list[EndpointDecision]:
        """Advance the stream to `now_ms`; return the decisions that follow, in order."""
        decisions = self._endpointer.advance(now_ms)
        if self.is_speech and EndpointDecision.DONE in decisions:
            self._end_ms = self._endpointer.silent_since
        return [] if self.is_conducted else decisions


def _cut_segments(segments: Iterable[tuple[int, int]], end_ms: int) -> list[tuple[int, int]]:
    """Return the segments up to a time."""
    return [(begin, min(end, end_ms)) for begin, end in segments if begin < end_ms]
