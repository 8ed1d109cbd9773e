"""Sentences that a device speaks: each once, and none that comes late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.messages import Say, SpeechData
from wyoming_rosie.bus.voice_node import LATE_ANSWER_SECONDS, SayFilter

NOW = 1_800_000_000.0
TEXT = Say("It is done.")


def said(key: str, at: float = NOW) -> Envelope:
    return Envelope("rosie.v1.voice.say", key, at, "bridge", key, {})


def piece(number: int) -> Say:
    return Say("", audio=SpeechData("AAAA", number=number, is_last=False))


def device(*keys: str) -> SayFilter:
    made = SayFilter("kitchen")
    for key in keys:
        made.note_utterance(key, 100.0)
    return made


@given(st.lists(st.tuples(st.sampled_from(["kitchen:b:1", "kitchen:b:2", "door"]), st.integers(0, 4))))
def test_each_piece_is_spoken_once_and_after_the_one_before_it(told: list[tuple[str, int]]) -> None:
    made, spoken = device("kitchen:b:1", "kitchen:b:2"), list[tuple[str, int]]()
    for key, number in told:
        if made.accepts(said(key), piece(number), 101.0, NOW):
            spoken.append((key, number))
    for key in {key for key, _ in told}:
        numbers = [number for other, number in spoken if other == key]
        assert numbers == list(range(len(numbers)))
        assert (key, 0) not in told or numbers


def test_an_answer_without_audio_is_not_spoken_again_with_it() -> None:
    made = device("kitchen:b:1")
    assert made.accepts(said("kitchen:b:1"), TEXT, 101.0, NOW)
    assert not made.accepts(said("kitchen:b:1"), piece(0), 101.0, NOW)


@pytest.mark.parametrize(("seconds", "is_spoken"), [(1.0, True), (LATE_ANSWER_SECONDS, False)])
def test_an_answer_is_late_by_the_devices_own_clock(seconds: float, is_spoken: bool) -> None:
    assert device("kitchen:b:1").accepts(said("kitchen:b:1", at=1.0), TEXT, 100.0 + seconds, 5.0) is is_spoken


def test_an_answer_to_what_was_said_before_a_restart_is_not_spoken() -> None:
    assert not device().accepts(said("kitchen:a:1"), TEXT, 1.0, NOW)


def test_the_rest_of_an_answer_that_began_in_time_is_spoken() -> None:
    made = device("kitchen:b:1")
    assert made.accepts(said("kitchen:b:1"), piece(0), 159.0, NOW)
    assert made.accepts(said("kitchen:b:1"), piece(1), 161.0, NOW)


@pytest.mark.parametrize(
    ("at", "clock", "is_spoken"),
    [(NOW, NOW, True), (NOW, NOW + LATE_ANSWER_SECONDS, False), (NOW, 100.0, True), (NOW + 500, NOW, True)],
    ids=["now", "late", "a device without a clock", "a device whose clock is behind"],
)
def test_an_announcement_is_late_only_if_the_clock_is_sure(at: float, clock: float, is_spoken: bool) -> None:
    assert device().accepts(said("door", at), TEXT, 1.0, clock) is is_spoken
