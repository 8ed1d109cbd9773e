"""A satellite holds its wake word until it is decided who answers."""

import asyncio
import math
from array import array

import pytest
from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.wakeword.arbitration.events import WakeClaim, WakeVerdict, parse_claim
from wyoming_rosie.wakeword.arbitration.loudness import LoudnessMeter
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake import arbitration
from wyoming_rosie_satellite.wake.arbitration import MAX_HELD, Situation, WakeArbitration

FRAME = SPEECH.bytes_in(0.02)


class Conductor:
    def __init__(self) -> None:
        self.told: list[Event] = []

    def queue_event(self, event: Event) -> None:
        self.told.append(event)

    @property
    def claims(self) -> list[WakeClaim]:
        return [claim for event in self.told if (claim := parse_claim(event)) is not None]


class Box:
    """A satellite's arbitration with a conductor that arbitrates, and the words it has answered."""

    def __init__(self, *, is_active: bool = True) -> None:
        self.conductor = Conductor()
        self.answered: list[WakeWord] = []
        self.arbitration = WakeArbitration(self.answered.append)
        self.arbitration.set_arbitrating(self.conductor, is_active=is_active)

    def hears(self, turn_id: str = "turn", sample: int = 0) -> WakeWord:
        word = WakeWord("okay_nabu", sample, turn_id, 0.9)
        self.arbitration.on_wake_word(word, Situation(self.conductor, has_follow_up=False))
        return word


async def test_a_conductor_that_does_not_arbitrate_costs_no_time() -> None:
    box = Box(is_active=False)
    assert box.answered == [box.hears()]
    assert box.conductor.told == []


async def test_the_word_is_held_until_it_is_won() -> None:
    box = Box()
    word = box.hears()
    assert box.answered == []
    box.arbitration.on_verdict(WakeVerdict("turn", wins=True))
    assert box.answered == [word]


async def test_a_lost_word_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arbitration, "VERDICT_TIMEOUT_SECONDS", 0.01)
    box = Box()
    box.hears()
    box.arbitration.on_verdict(WakeVerdict("turn", wins=False, winner="hall"))
    await asyncio.sleep(0.03)
    assert box.answered == []


async def test_without_a_verdict_the_satellite_answers_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arbitration, "VERDICT_TIMEOUT_SECONDS", 0.01)
    box = Box()
    word = box.hears()
    await asyncio.sleep(0.03)
    assert box.answered == [word]
    box.arbitration.on_verdict(WakeVerdict("turn", wins=True))
    box.arbitration.on_verdict(WakeVerdict("other", wins=True))
    assert box.answered == [word]


async def test_a_conductor_that_leaves_decides_nothing_any_more() -> None:
    box = Box()
    word = box.hears()
    box.arbitration.forget(box.conductor)
    assert box.answered == [word]
    assert box.hears("next") in box.answered


async def test_held_words_are_bounded() -> None:
    box = Box()
    words = [box.hears(f"turn {number}") for number in range(MAX_HELD + 1)]
    assert box.answered == words[MAX_HELD:]
    box.arbitration.forget(box.conductor)


async def test_a_claim_tells_loudness_and_age() -> None:
    box = Box()
    room = [_tone(0.001, 0.02)] * 150 + [_tone(0.1, 0.02)] * 40 + [_tone(0.001, 0.02)] * 5
    for frame in room:
        box.arbitration.push_audio(frame)
    box.hears(sample=190 * FRAME // 2)
    (claim,) = box.conductor.claims
    assert claim.age_ms == 100
    assert claim.snr_db == pytest.approx(40, abs=1)
    box.arbitration.forget(box.conductor)


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0], ids=str)
def test_loudness_does_not_depend_on_the_gain_of_the_microphone(gain: float) -> None:
    meter = LoudnessMeter()
    pcm = _tone(0.01 * gain, 3) + _tone(0.1 * gain, 0.6)
    meter.push(pcm, len(pcm) // 2)
    assert meter.measure_word(len(pcm) // 2) == pytest.approx(20, abs=0.5)


def test_loudness_is_unknown_until_enough_was_heard() -> None:
    meter = LoudnessMeter()
    meter.push(_tone(0.1, 1), 16_000)
    assert meter.measure_word(16_000) is None


def test_loudness_is_that_of_the_word_and_not_of_what_follows() -> None:
    meter = LoudnessMeter()
    word = _tone(0.01, 3) + _tone(0.1, 0.6) + _tone(0.01, 0.2)
    meter.push(word + _tone(0.9, 0.5), len(word + _tone(0.9, 0.5)) // 2)
    assert meter.measure_word(len(word) // 2) == pytest.approx(20, abs=0.5)


def _tone(amplitude: float, seconds: float) -> bytes:
    count = round(seconds * SPEECH.rate)
    return array("h", (round(32_767 * amplitude * math.sin(index * 0.7)) for index in range(count))).tobytes()
