"""The conductor's events for the volume."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_satellite.events import is_volume_event, parse_mute, parse_volume


def order(**data: Any) -> Event:
    return Event("user-event", {"name": "volume", **data})


@pytest.mark.parametrize(
    ("data", "before", "after"),
    [
        ({"percent": 40}, 100, 40),
        ({"percent": 0}, 50, 0),
        ({"change": -10}, 50, 40),
        ({"change": 10}, 95, 100),
        ({"change": -100}, 3, 0),
    ],
)
def test_a_volume_or_a_change_of_it_is_wanted(data: dict[str, Any], before: int, after: int) -> None:
    assert parse_volume(order(**data), before) == after


@pytest.mark.parametrize(
    "data",
    [
        {}, {"percent": 101}, {"percent": -1}, {"percent": "40"}, {"percent": 40.0}, {"percent": True}, {"percent": None},
        {"change": 101}, {"change": -101}, {"change": False}, {"percent": 40, "change": 10}, {"percent": [40]},
    ],
)  # fmt: skip
def test_what_is_no_volume_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(BadEventError) as refused:
        parse_volume(order(**data), 50)
    assert refused.value.code == "bad-volume"


@given(before=st.integers(0, 100), data=st.dictionaries(st.sampled_from(["percent", "change", "name"]), st.integers()))
def test_the_volume_stays_within_its_bounds(before: int, data: dict[str, int]) -> None:
    with suppress(BadEventError):
        assert 0 <= parse_volume(order(**data), before) <= 100


def test_other_events_of_a_conductors_are_not_about_the_volume() -> None:
    assert is_volume_event(order())
    assert not is_volume_event(Event("user-event", {"name": "filler"}))
    assert not is_volume_event(Event("user-event"))
    assert not is_volume_event(Event("volume", {"name": "volume"}))


@pytest.mark.parametrize(
    ("data", "muted"), [({"muted": True}, True), ({"muted": False}, False), ({"muted": 1}, None), ({}, None)]
)
def test_a_conductor_mutes_with_true_or_false_alone(data: dict[str, Any], muted: bool | None) -> None:
    assert parse_mute(Event("user-event", {"name": "mute", **data})) is muted
    assert parse_mute(Event("user-event", {"name": "other", **data})) is None
