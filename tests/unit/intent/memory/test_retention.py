"""What is never stored, and for how long the rest is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.memory.model import MemoryKind, MemoryRecord
from wyoming_rosie_intent.memory.retention import DAY_SECONDS, EARLIEST, correct_times, expiry, has_code, is_storable

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    "text",
    [
        "my pin is 1234",
        "disarm the alarm with 1 2 3 4",
        "the door code is one two three four",
        "remember that the code of the safe is 48-15-16",
        "meine PIN ist 4711",
        "der Alarmcode ist eins zwei drei vier",
        "le code est 1234",
        "mon code est un deux trois quatre",
        "el código de la alarma es 9876",
        "il codice è uno due tre quattro",
        "de pincode is 12345",
        "unlock the front door 2468",
        "turn the alarm off 1234",
        "the number of the safe is 36 24 36",
        "der Tresor geht mit 471100 auf",
    ],
)
def test_a_code_is_never_stored(text: str) -> None:
    assert has_code(text)
    assert not is_storable(MemoryRecord(MemoryKind.FACT, text, NOW), 30)


@pytest.mark.parametrize(
    "text",
    [
        "my bin day is Tuesday",
        "my sister was born in 1984",
        "call me at 2025551234",
        "wake me at 6:30",
        "set an alarm for 10 30",
        "stell einen Alarm um 0630",
        "it is safe to drive 1200 kilometres",
        "the zip code of grandma is 90210",
        "code postal 75001",
        "dim the light to 40 percent",
        "one two three, check the pin on the map",
        "the alarm rings in 10 minutes",
        "Postcode 1234",
    ],
)
def test_what_is_no_code_is_stored(text: str) -> None:
    assert not has_code(text)


def test_talk_is_not_stored_for_no_days_and_facts_are() -> None:
    assert not is_storable(MemoryRecord(MemoryKind.CONVERSATION, "hello", NOW), 0)
    assert is_storable(MemoryRecord(MemoryKind.FACT, "my bin day is Tuesday", NOW), 0)


def test_nothing_expires_while_the_clock_has_lost_its_time() -> None:
    assert expiry(0.0, 30) is None
    assert expiry(NOW, 30) == NOW - 30 * DAY_SECONDS


@given(st.lists(st.floats(-1e9, 4e9)), st.floats(0, 4e9))
def test_times_of_a_wrong_clock_become_those_of_the_newest_memory(times: list[float], newest: float) -> None:
    records = [MemoryRecord(MemoryKind.FACT, "", at) for at in times]
    corrected = correct_times(records, newest)
    assert all(record.at >= EARLIEST for record in corrected)
    assert [after.at for before, after in zip(records, corrected, strict=True) if before.at >= EARLIEST] == [
        at for at in times if at >= EARLIEST
    ]
