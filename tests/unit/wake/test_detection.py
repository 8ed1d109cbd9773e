"""When scores are a detection, with made-up scores every 80 ms."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.detection import OneWordFilter, TriggerRules, WakeDetection, check_trigger_rules

HOP = 1280
SECOND = 16_000


def heard(scores: Sequence[float], rules: TriggerRules = TriggerRules(), word: str = "alexa") -> list[WakeDetection]:  # noqa: B008
    trigger = rules.create_trigger(word, 0.5)
    found = [trigger.update(score, HOP * (at + 1)) for at, score in enumerate(scores)]
    return [one for one in found if one is not None]


def detected(scores: Sequence[float], rules: TriggerRules = TriggerRules(), word: str = "alexa") -> list[int]:  # noqa: B008
    """Return at which scores the word was reported."""
    return [one.sample // HOP - 1 for one in heard(scores, rules, word) if not one.is_near_miss]


QUIET = [0.0] * 26  # over two seconds


def test_a_score_above_the_threshold_is_a_detection_one_at_it_is_not() -> None:
    assert detected([0.0, 0.5, 0.51]) == [2]


def test_one_rise_is_one_detection_however_long_it_lasts() -> None:
    assert detected([0.9] * 100) == [0]


def test_a_second_rise_after_the_pause_is_a_second_detection() -> None:
    assert detected([0.9, *QUIET, 0.9]) == [0, 27]


def test_a_second_rise_within_the_pause_is_none_and_does_not_become_one_by_lasting() -> None:
    assert detected([0.9, 0.0, *[0.9] * 60]) == [0]


def test_the_pause_is_counted_in_audio() -> None:
    rules = TriggerRules(refractory_seconds=2 * HOP / SECOND)
    assert detected([0.9, 0.0, 0.9], rules) == [0, 2]
    assert detected([0.9, 0.0, 0.9], TriggerRules(refractory_seconds=2.1 * HOP / SECOND)) == [0]


def test_so_many_scores_in_a_row_as_the_trigger_level_says() -> None:
    rules = TriggerRules(trigger_level=3)
    assert detected([0.9, 0.9, 0.0, 0.9, 0.9, 0.9], rules) == [5]


def test_each_word_may_have_rules_of_its_own() -> None:
    rules = TriggerRules(threshold=0.3, word_threshold={"jarvis": 0.8}, word_trigger_level={"jarvis": 2})
    assert detected([0.4], rules) == [0]
    assert detected([0.4, 0.9, 0.9], rules, "jarvis") == [2]


def test_a_near_miss_has_its_best_score() -> None:
    (miss,) = heard([0.0, 0.3, 0.45, 0.3, 0.0, 0.0])
    assert (miss.is_near_miss, miss.score) == (True, 0.45)
    assert heard([0.1, 0.2, 0.0]) == []


def test_falling_scores_after_a_detection_are_no_near_miss() -> None:
    assert len(heard([0.9, 0.4, 0.3, 0.0, *QUIET])) == 1


@given(st.lists(st.floats(0, 1), max_size=200), st.floats(0.05, 0.95), st.integers(1, 4), st.floats(0, 3))
def test_detections_are_over_the_threshold_and_never_closer_than_the_pause(
    scores: list[float], threshold: float, level: int, pause: float
) -> None:
    rules = TriggerRules(threshold=threshold, trigger_level=level, refractory_seconds=pause)
    found = detected(scores, rules)
    assert all(min(scores[at - level + 1 : at + 1]) > threshold for at in found)
    assert all((later - earlier) * HOP >= round(pause * SECOND) for earlier, later in pairwise(found))
    assert bool(found) == any(min(scores[at : at + level]) > threshold for at in range(len(scores) - level + 1))


def confirmed(scores: Sequence[float], rules: TriggerRules = TriggerRules(), lower: float = 0.3) -> list[int]:  # noqa: B008
    """Return at which scores a word with a lower threshold of its own was reported."""
    trigger = rules.create_trigger("alexa", 0.5, lower)
    found = [trigger.update(score, HOP * (at + 1)) for at, score in enumerate(scores)]
    return [one.sample // HOP - 1 for one in found if one is not None and not one.is_near_miss]


def test_two_scores_above_the_lower_threshold_are_a_detection_one_is_not() -> None:
    assert confirmed([0.0, 0.4, 0.0, 0.4, 0.4]) == [4]
    assert confirmed([0.4, 0.2, 0.4]) == []
    assert confirmed([0.0, 0.6]) == [1]


def test_a_rise_that_lasts_above_the_lower_threshold_is_one_detection() -> None:
    assert confirmed([0.4, 0.4, 0.6, *[0.4] * 60]) == [1]


@pytest.mark.parametrize(
    "rules",
    [TriggerRules(threshold=0.6), TriggerRules(word_threshold={"Alexa": 0.6})],
    ids=["for all words", "for the word"],
)
def test_only_a_threshold_that_is_set_counts(rules: TriggerRules) -> None:
    assert confirmed([0.4] * 10, rules) == []


@given(st.lists(st.floats(0, 1), max_size=100), st.floats(0.05, 0.5))
def test_a_lower_threshold_loses_no_first_detection(scores: list[float], lower: float) -> None:
    plain, with_lower = confirmed(scores, lower=0.0), confirmed(scores, lower=lower)
    assert bool(with_lower) >= bool(plain)
    assert all(first <= second for first, second in zip(with_lower[:1], plain[:1], strict=False))


def remaining(*rows: dict[str, float], seconds: float = 0.5, threshold: float = 0.5) -> list[tuple[int, str]]:
    """Return at which scores which words remain, of words that are detected whenever their score is over the threshold."""
    filter_ = OneWordFilter(seconds)
    found = []
    for at, row in enumerate(rows):
        sample = HOP * (at + 1)
        detections = [WakeDetection(name, score, sample) for name, score in row.items() if score > threshold]
        rising = {name: score for name, score in row.items() if score > threshold / 2}
        found += [(at, one.name) for one in filter_.update(detections, rising, sample)]
    return found


def test_the_word_with_the_highest_score_remains() -> None:
    assert remaining({"alexa": 0.6, "jarvis": 0.9}, {"jarvis": 0.2}) == [(1, "jarvis")]


def test_a_word_that_rises_a_moment_later_and_higher_takes_the_place_of_the_first() -> None:
    assert remaining({"alexa": 0.6, "jarvis": 0.3}, {"alexa": 0.4, "jarvis": 0.95}) == [(1, "jarvis")]


def test_a_word_without_a_rival_does_not_wait() -> None:
    assert remaining({"alexa": 0.6, "jarvis": 0.1}) == [(0, "alexa")]


def test_a_word_whose_rival_falls_is_reported_late_but_surely() -> None:
    assert remaining({"alexa": 0.6, "jarvis": 0.3}, {}) == [(1, "alexa")]


def test_another_word_soon_after_is_dropped_and_later_is_not() -> None:
    later = [{"jarvis": 0.9 if at in (2, 9) else 0.0} for at in range(10)]
    assert remaining({"alexa": 0.6}, *later) == [(0, "alexa"), (10, "jarvis")]


def test_without_a_time_each_word_is_detected_by_itself() -> None:
    assert remaining({"alexa": 0.6, "jarvis": 0.9}, seconds=0.0) == [(0, "alexa"), (0, "jarvis")]


def test_near_misses_are_passed_on() -> None:
    miss = WakeDetection("alexa", 0.4, HOP, is_near_miss=True)
    assert OneWordFilter(0.5).update([miss], {}, HOP) == [miss]


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.floats(0, 1)), max_size=60))
def test_words_that_remain_are_apart_and_there_is_one_if_any_was_detected(rows: list[dict[str, float]]) -> None:
    found = remaining(*rows, {})
    assert all((later - earlier) * HOP >= 0.5 * SECOND for (earlier, _), (later, _) in pairwise(found))
    assert bool(found) == any(score > 0.5 for row in rows for score in row.values())


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (TriggerRules(threshold=1.5), "--threshold must be"),
        (TriggerRules(threshold=0.0), "--threshold must be"),
        (TriggerRules(trigger_level=0), "--trigger-level must be"),
        (TriggerRules(refractory_seconds=-1), "--refractory-seconds must be"),
        (TriggerRules(word_threshold={"alexa": 2.0}), "--word-threshold.alexa must be"),
        (
            TriggerRules(word_trigger_level={"snowboy": 2}),
            "--word-trigger-level.snowboy: no wake word is named 'snowboy'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_out_of_range_are_rejected(rules: TriggerRules, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_trigger_rules(rules, ["alexa"])
