"""Who conducts a satellite."""

import pytest

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_satellite.conductor_slot import KEEP_SECONDS, Seat


@pytest.fixture
def seat() -> Seat[str]:
    taken: Seat[str] = Seat()
    taken.take("hub", 0.0)
    return taken


def test_a_conductor_that_was_heard_lately_keeps_the_seat(seat: Seat[str]) -> None:
    seat.heard("hub", 3.0)
    with pytest.raises(BadEventError, match="has a conductor already") as refused:
        seat.take("home assistant", 3.0 + KEEP_SECONDS - 0.1)
    assert refused.value.code == "busy"
    assert seat.holder == "hub"


def test_a_conductor_that_was_not_heard_is_replaced(seat: Seat[str]) -> None:
    assert seat.take("home assistant", KEEP_SECONDS) == "hub"
    assert seat.holder == "home assistant"


def test_only_the_conductor_is_heard(seat: Seat[str]) -> None:
    seat.heard("home assistant", 4.0)
    assert seat.take("home assistant", KEEP_SECONDS) == "hub"


def test_taking_the_seat_again_replaces_nobody(seat: Seat[str]) -> None:
    assert seat.take("hub", 1.0) is None


def test_a_free_seat_is_taken_at_once(seat: Seat[str]) -> None:
    assert seat.leave("hub")
    assert seat.take("home assistant", 0.1) is None


def test_a_peer_without_the_seat_cannot_leave_it(seat: Seat[str]) -> None:
    assert not seat.leave("home assistant")
    assert seat.holder == "hub"


def test_a_paused_conductor_keeps_the_seat_until_somebody_wants_it(seat: Seat[str]) -> None:
    assert seat.pause("hub")
    assert (seat.holder, seat.is_paused) == ("hub", True)
    assert seat.take("home assistant", 0.1) == "hub"
    assert not seat.is_paused


def test_who_goes_on_is_not_paused_any_more(seat: Seat[str]) -> None:
    seat.pause("hub")
    assert seat.take("hub", 1.0) is None
    assert not seat.is_paused


def test_a_peer_without_the_seat_cannot_pause_it(seat: Seat[str]) -> None:
    assert not seat.pause("home assistant")
    assert not seat.is_paused
