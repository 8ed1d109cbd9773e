import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.levels import LEAST_READINGS, READING_SECONDS, SILENCE_DBFS, LevelMeter
from wyoming_rosie_hub.satellites.levels import parse_levels
from wyoming_rosie_satellite.audio.level_report import MAX_WATCH_SECONDS, LevelReport, parse_watch

LOUD = bytes([0, 64]) + bytes([0, 192])


def square_wave(seconds: float) -> bytes:
    """Return a wave at half of the full scale."""
    return (LOUD[:2] * 8 + LOUD[2:] * 8) * (SPEECH.bytes_in(seconds) // 32)


class Conductor:
    def __init__(self) -> None:
        self.told: list[Event] = []

    def queue_event(self, event: Event) -> None:
        self.told.append(event)


def test_levels_are_told_while_somebody_watches() -> None:
    conductor, report = Conductor(), LevelReport(lambda: {"okay_nabu": 0.12345}, {"okay_nabu": 0.85, "alexa": 0.9})
    report.push_audio(square_wave(1.0), 0.0)
    assert not conductor.told
    report.watch(conductor, 10.0, 0.0)
    report.push_audio(square_wave(READING_SECONDS), 9.9)
    report.push_audio(square_wave(READING_SECONDS), 10.0)
    (event,) = conductor.told
    assert event.data["name"] == "levels"
    assert event.data["level_dbfs"] == pytest.approx(-6.0, abs=0.2)
    assert event.data["wake_scores"] == {"okay_nabu": 0.123}
    assert event.data["wake_thresholds"] == {"okay_nabu": 0.85}, "of the words that it listens for"


def test_who_has_watched_once_is_told_near_misses_until_it_leaves() -> None:
    conductor, other, report = Conductor(), Conductor(), LevelReport()
    report.watch(conductor, 0.0, 0.0)
    report.report_near_miss("okay_nabu", 0.7)
    report.forget(conductor)
    report.report_near_miss("okay_nabu", 0.8)
    assert [event.data for event in conductor.told] == [{"name": "near-miss", "word": "okay_nabu", "score": 0.7}]
    assert not other.told


def test_nobody_watches_longer_than_a_minute_without_asking_again() -> None:
    conductor, report = Conductor(), LevelReport()
    report.watch(conductor, 1e9, 0.0)
    report.push_audio(square_wave(READING_SECONDS), MAX_WATCH_SECONDS)
    assert not conductor.told


def test_a_conductor_that_has_left_is_told_nothing() -> None:
    conductor, report = Conductor(), LevelReport()
    report.watch(conductor, 10.0, 0.0)
    report.forget(conductor)
    report.push_audio(square_wave(READING_SECONDS), 1.0)
    assert not conductor.told


def test_the_noise_is_what_is_left_between_words() -> None:
    meter = LevelMeter()
    word, pause = square_wave(READING_SECONDS), bytes(SPEECH.bytes_in(READING_SECONDS))
    readings = [meter.push(part) for part in (word, word, word, pause) * LEAST_READINGS]
    assert readings[0] is not None
    assert readings[0].noise_dbfs is None, "a moment tells nothing"
    assert readings[-2] is not None
    assert readings[-2].noise_dbfs == SILENCE_DBFS
    assert readings[-2].level_dbfs > -7


@given(st.integers(1, 5_000))
def test_the_size_of_the_pieces_does_not_matter(samples: int) -> None:
    audio, meter = square_wave(2.0), LevelMeter()
    pieces = [audio[start : start + 2 * samples] for start in range(0, len(audio), 2 * samples)]
    levels = [reading.level_dbfs for piece in pieces if (reading := meter.push(piece)) is not None]
    assert levels
    assert all(level == pytest.approx(-6.0, abs=0.2) for level in levels)


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        ({"name": "watch", "seconds": 5}, 5.0),
        ({"name": "watch", "seconds": "long"}, None),
        ({"name": "watch", "seconds": float("inf")}, None),
        ({"name": "watch"}, None),
        ({"name": "volume", "seconds": 5}, None),
    ],
)
def test_a_request_to_watch_is_told_from_other_events(data: dict[str, object], seconds: float | None) -> None:
    assert parse_watch(Event("user-event", data)) == seconds


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"level_dbfs": "loud"},
        {"level_dbfs": 3},
        {"level_dbfs": float("nan")},
        {"level_dbfs": True},
        {"level_dbfs": -20, "noise_dbfs": "none"},
    ],
)
def test_the_hub_passes_on_no_invalid_levels(data: dict[str, object]) -> None:
    assert parse_levels("kitchen", Event("user-event", data)) is None


def test_the_hub_bounds_the_scores_of_a_report() -> None:
    scores: dict[str, object] = {f"word {number}": 0.5 for number in range(100)}
    levels = parse_levels("kitchen", Event("user-event", {"level_dbfs": -20, "wake_scores": scores}))
    assert levels is not None
    assert len(levels.wake_scores) == 16
    odd = {"a": 2, "b": None, "c": "x", "d": 0.7}
    levels = parse_levels("kitchen", Event("user-event", {"level_dbfs": -20, "wake_scores": odd}))
    assert levels is not None
    assert levels.wake_scores == {"d": 0.7}
