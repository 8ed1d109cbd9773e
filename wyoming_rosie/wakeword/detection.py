"""Triggers that turn the scores of any wake word engine into detections, and the names of wake words.

Time is counted in samples of the stream.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TypeVar

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.config import check_limits, option
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.text.suggestions import describe_unknown_name

T = TypeVar("T")
NEAR_MISS = 0.5
"""Share of the threshold above which a score that does not become a detection is a near miss."""
MAX_TRIGGER_LEVEL = 100
MIN_THRESHOLD, MAX_THRESHOLD = 0.001, 0.999
MODEL_SUFFIXES = frozenset({".onnx", ".tflite", ".json"})
_VERSION = re.compile(r"_v\d[\w.]*$")
_ALIASES = {"current_weather": "weather", "timers": "timer", "set_timer": "timer"}
"""Names of models in openWakeWord's documentation."""
MAX_REFRACTORY_SECONDS = 3600.0
CONFIRMATIONS = 2
"""Scores in a row above the lower threshold that detect a word."""


class UnknownWakeWordError(RosieError):
    """No model has a wake word of this name."""

    code = "unknown-wake-word"


@dataclass(frozen=True)
class WakeDetection:
    """A detected wake word: the model's score (0 to 1) and the sample of the stream at which it triggered.

    A near miss scored below the threshold, or above it too few times in a row. A verifier fills in the speaker.
    """

    name: str
    score: float
    sample: int
    is_near_miss: bool = False
    speaker: str = ""

    @property
    def milliseconds(self) -> int:
        return round(1000 * self.sample / SPEECH.rate)


@dataclass(frozen=True)
class TriggerRules:
    """Settings of triggers, for all words and for single words."""

    threshold: float | None = option(
        None,
        "score above which a word is detected [default: the model's own]",
        minimum=MIN_THRESHOLD,
        maximum=MAX_THRESHOLD,
    )
    trigger_level: int = option(
        1, "scores in a row that must be above the threshold", minimum=1, maximum=MAX_TRIGGER_LEVEL
    )
    refractory_seconds: float = option(
        2.0,
        "seconds of audio after a detection in which the same word is not reported again",
        minimum=0,
        maximum=MAX_REFRACTORY_SECONDS,
    )
    word_threshold: dict[str, float] = option(
        dict, "the same for one word: --word-threshold.hey_jarvis 0.7", minimum=MIN_THRESHOLD, maximum=MAX_THRESHOLD
    )
    word_trigger_level: dict[str, int] = option(dict, "the same for one word", minimum=1, maximum=MAX_TRIGGER_LEVEL)
    word_refractory_seconds: dict[str, float] = option(
        dict, "the same for one word", minimum=0, maximum=MAX_REFRACTORY_SECONDS
    )

    def create_trigger(self, word: str, threshold: float, confirmation: float = 0.0) -> "Trigger":
        """Return the trigger of a word for a new stream; the thresholds are the model's own.

        `confirmation`, 0 for none, does not count for a word whose threshold is set.
        """
        general = threshold if self.threshold is None else self.threshold
        is_set = self.threshold is not None or match_name(word, self.word_threshold) in self.word_threshold
        return Trigger(
            word,
            _word_value(self.word_threshold, word, general),
            _word_value(self.word_trigger_level, word, self.trigger_level),
            _word_value(self.word_refractory_seconds, word, self.refractory_seconds),
            0.0 if is_set else confirmation,
        )


def check_trigger_rules(rules: TriggerRules, words: Iterable[str]) -> None:
    """Raise ConfigError for values out of range, and for rules of a word that is not offered."""
    check_limits(rules)
    offered = list(words)
    single: dict[str, Mapping[str, float]] = {
        "threshold": rules.word_threshold,
        "trigger-level": rules.word_trigger_level,
        "refractory-seconds": rules.word_refractory_seconds,
    }
    for flag, values in single.items():
        for word in values:
            if match_name(word, offered) not in offered:
                raise ConfigError(f"--word-{flag}.{word}: {describe_unknown_name('wake word', word, offered)}")


class Trigger:
    """One word in one stream: triggers when its score rises above the threshold, then pauses.

    CONFIRMATIONS scores in a row above the lower threshold `confirmation`, if there is one, trigger as well.
    """

    def __init__(
        self, name: str, threshold: float, level: int, refractory_seconds: float, confirmation: float = 0.0
    ) -> None:
        self.threshold = threshold
        self.lowest_threshold = min(confirmation, threshold) or threshold
        self._name = name
        self._level = level
        self._refractory_samples = round(refractory_seconds * SPEECH.rate)
        self._count = 0  # scores in a row above the threshold
        self._confirmations = 0  # the same for the lower threshold
        self._peak = 0.0  # of the present near miss
        self._is_reported = False  # the present rise was reported, or came within the pause
        self._refractory_until = 0

    @property
    def is_idle(self) -> bool:
        """Whether scores up to `min_score` change nothing."""
        return not (self._count or self._confirmations or self._peak or self._is_reported)

    @property
    def min_score(self) -> float:
        """The score above which there is a near miss, or the beginning of a detection."""
        return min(self.threshold * NEAR_MISS, self.lowest_threshold)

    def update(self, score: float, sample: int) -> WakeDetection | None:
        """Process the next score, for the stream up to `sample`; return the detection or near miss it completes."""
        self._count = self._count + 1 if score > self.threshold else 0
        self._confirmations = self._confirmations + 1 if score > self.lowest_threshold else 0
        if self._count >= self._level or self._is_confirmed:
            self._peak = 0.0
            return self._activate(score, sample)
        self._is_reported = self._is_reported and score > self.lowest_threshold
        return self._check_candidate(score, sample)

    @property
    def _is_confirmed(self) -> bool:
        return self.lowest_threshold < self.threshold and self._confirmations >= CONFIRMATIONS

    def _activate(self, score: float, sample: int) -> WakeDetection | None:
        was_reported, self._is_reported = self._is_reported, True
        if was_reported or sample < self._refractory_until:
            return None
        self._refractory_until = sample + self._refractory_samples
        return WakeDetection(self._name, round(score, 3), sample)

    def _check_candidate(self, score: float, sample: int) -> WakeDetection | None:
        if score > self.threshold * NEAR_MISS:
            self._peak = max(self._peak, score)
            return None
        peak, self._peak = self._peak, 0.0
        if not peak or sample < self._refractory_until:
            return None
        return WakeDetection(self._name, round(peak, 3), sample, is_near_miss=True)


class OneWordFilter:
    """Detections of one stream without those of similar words: of what comes within `seconds`, the highest score remains.

    A detection is held for one update if another word is rising meanwhile.
    """

    def __init__(self, seconds: float) -> None:
        self._samples = round(seconds * SPEECH.rate)
        self._held: WakeDetection | None = None
        self._free_at = 0  # sample from which another word may be detected

    @property
    def is_idle(self) -> bool:
        return self._held is None

    def update(self, found: Sequence[WakeDetection], scores: Mapping[str, float], sample: int) -> list[WakeDetection]:
        """Return the detections that remain, for the stream up to `sample`.

        `scores` are the present ones of the words that are rising or detected. Near misses pass.
        """
        passed = [detection for detection in found if detection.is_near_miss]
        if not self._samples:
            return list(found)
        candidates = [detection for detection in found if not detection.is_near_miss and sample >= self._free_at]
        was_held, self._held = self._held, None
        if was_held is not None:
            present = scores.get(was_held.name, 0.0)
            candidates.append(replace(was_held, score=max(was_held.score, round(present, 3))))
        if not candidates:
            return passed
        best = max(candidates, key=lambda detection: detection.score)
        if was_held is None and any(name != best.name for name in scores):
            self._held = best
            return passed
        self._free_at = sample + self._samples
        return [*passed, best]


def normalize_name(name: str) -> str:
    """Return a word's canonical name: the same for "Okay Nabu", `ok_nabu` and `ok_nabu_v0.1.tflite`."""
    file = PurePath(name.strip())
    stem = file.stem if file.suffix.lower() in MODEL_SUFFIXES else name
    words = _VERSION.sub("", re.sub(r"[\W_]+", "_", stem.casefold()).strip("_"))
    words = re.sub(r"(?<![a-z])(ok|o_k)(?![a-z])", "okay", words)
    return _ALIASES.get(words, words)


def match_name(name: str, names: Iterable[str]) -> str:
    """Return the one of `names` that stands for the same word, the name itself if there is none."""
    names = list(names)
    if name in names:
        return name
    return next((known for known in names if normalize_name(known) == normalize_name(name) != ""), name)


def _word_value(single: Mapping[str, T], word: str, general: T) -> T:
    return single.get(match_name(word, single), general)


def select_words(known: Mapping[str, T], names: Iterable[str]) -> list[T]:
    """Return the values of the words with these names, all values for no names. Raises UnknownWakeWordError."""
    names = list(dict.fromkeys(match_name(name, known) for name in names))
    for name in names:
        if name not in known:
            raise UnknownWakeWordError(describe_unknown_name("wake word", name, known))
    return [known[name] for name in names or known]


def drop_near_misses(detections: Sequence[WakeDetection]) -> list[WakeDetection]:
    """Return the detections without near misses."""
    return [detection for detection in detections if not detection.is_near_miss]
