"""Speech segmentation from each frame's probability and level: rules without audio, engine or clock."""

from dataclasses import dataclass, replace
from math import ceil

from wyoming_rosie.config import check_limits, option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.voice_activity.boundaries import SpeechBoundaries
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop, VadFrame

QUIET_FRAMES = 2
"""Unlikely frames in a row after which speech may have stopped; their level is the background after it."""
MAX_MS = 10_000
MAX_FAR_DB = 60.0
COMMAND_FAR_DB = 11.0
"""`far_db` of commands: a person's syllables differ by about 10 dB."""


@dataclass(frozen=True)
class SegmenterRules:
    start_threshold: float = option(0.5, "probability from which a frame is speech", minimum=0, maximum=1)
    stop_threshold: float = option(0.35, "probability below which speech may have stopped", minimum=0, maximum=1)
    shortest_ms: int = option(64, "shortest speech, milliseconds", minimum=0, maximum=MAX_MS)
    hangover_ms: int = option(200, "silence after which speech has stopped, milliseconds", minimum=0, maximum=MAX_MS)
    padding_ms: int = option(
        0,
        "report the start of speech earlier by this, but not before the end of earlier speech, milliseconds",
        minimum=0,
        maximum=MAX_MS,
    )
    far_db: float = option(
        0.0,
        "speech that is softer than the loudest by this is another voice, which does not count, dB; 0: all counts",
        minimum=0,
        maximum=MAX_FAR_DB,
    )
    silence_dbfs: float = option(
        -45.0, "level below which audio is silence; louder audio that is not speech is noise, dBFS"
    )


def for_command(rules: SegmenterRules) -> SegmenterRules:
    """Return the rules for a command to the device, in which far voices do not count."""
    return rules if rules.far_db else replace(rules, far_db=COMMAND_FAR_DB)


def check_segmenter_rules(rules: SegmenterRules) -> None:
    """Raise ConfigError for rules that contradict each other."""
    check_limits(rules, "--speech.")
    if not 0 < rules.stop_threshold <= rules.start_threshold <= 1:
        raise ConfigError("--speech: the thresholds must be 0 < stop-threshold <= start-threshold <= 1")


class SpeechSegmenter:
    """Segments one stream frame by frame. Starts and stops alternate; segments do not overlap."""

    def __init__(self, rules: SegmenterRules, frame_ms: int) -> None:
        self._rules = rules
        self._frame_ms = frame_ms
        self._shortest = max(1, ceil(rules.shortest_ms / frame_ms))
        self._hangover = max(QUIET_FRAMES, ceil(rules.hangover_ms / frame_ms))
        self._boundaries = SpeechBoundaries(self._shortest + self._hangover)
        self._candidate: int | None = None  # the first of the frames that may become speech
        self._likely_count = 0  # of them, over the start threshold
        self._start: int | None = None  # of the present speech
        self._last = 0  # the newest frame that is speech by its probability
        self._free_from = 0  # earlier frames belong to earlier speech

    @property
    def is_speech(self) -> bool:
        return self._start is not None

    def process(self, frame: VadFrame) -> SpeechStart | SpeechStop | None:
        """Process the next frame; return the event it leads to."""
        now = self._boundaries.frame_count
        self._boundaries.add(frame)
        return self._find_start(frame, now) if self._start is None else self._find_end(frame, now, self._start)

    def finish(self) -> SpeechStop | None:
        """End the stream, and with it the present speech."""
        return None if self._start is None else self._end_speech(self._boundaries.find_end(self._start, self._last))

    def _find_start(self, frame: VadFrame, now: int) -> SpeechStart | None:
        if frame.probability < self._rules.stop_threshold:
            self._candidate = None
            return None
        if self._candidate is None:
            self._candidate, self._likely_count = now, 0
        self._likely_count += frame.probability >= self._rules.start_threshold
        if self._likely_count < self._shortest:
            return None
        self._start, self._last = self._boundaries.find_start(self._candidate, self._free_from), now
        self._candidate = None
        return SpeechStart(max(self._start * self._frame_ms - self._rules.padding_ms, self._free_from * self._frame_ms))

    def _find_end(self, frame: VadFrame, now: int, start: int) -> SpeechStop | None:
        if frame.far_frames >= self._hangover:
            return self._end_speech(max(now - frame.far_frames, start) + 1)
        if frame.probability >= self._rules.stop_threshold:
            self._last = now
        elif now - self._last >= QUIET_FRAMES:
            end = self._boundaries.find_end(start, self._last)
            if now + 1 - end >= self._hangover:
                return self._end_speech(end)
        return None

    def _end_speech(self, end: int) -> SpeechStop:
        self._start, self._free_from = None, end
        return SpeechStop(end * self._frame_ms)
