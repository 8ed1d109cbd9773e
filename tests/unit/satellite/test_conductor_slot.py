"""The slot of a conductor."""

import pytest

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_satellite.conductor_slot import ALIVE_SECONDS, ConductorSlot


@pytest.fixture
def slot() -> ConductorSlot[str]:
    taken: ConductorSlot[str] = ConductorSlot()
    taken.claim("hub", 0.0)
    return taken


def test_a_conductor_that_was_heard_lately_keeps_the_slot(slot: ConductorSlot[str]) -> None:
    slot.mark_alive("hub", 3.0)
    with pytest.raises(BadEventError, match="has a conductor already") as refused:
        slot.claim("home assistant", 3.0 + ALIVE_SECONDS - 0.1)
    assert refused.value.code == "busy"
    assert slot.holder == "hub"


def test_a_conductor_that_was_not_heard_is_replaced(slot: ConductorSlot[str]) -> None:
    assert slot.claim("home assistant", ALIVE_SECONDS) == "hub"
    assert slot.holder == "home assistant"


def test_only_the_conductor_is_heard(slot: ConductorSlot[str]) -> None:
    slot.mark_alive("home assistant", 4.0)
    assert slot.claim("home assistant", ALIVE_SECONDS) == "hub"


def test_taking_the_slot_again_replaces_nobody(slot: ConductorSlot[str]) -> None:
    assert slot.claim("hub", 1.0) is None


def test_a_free_slot_is_taken_at_once(slot: ConductorSlot[str]) -> None:
    assert slot.release("hub")
    assert slot.claim("home assistant", 0.1) is None


def test_a_peer_without_the_slot_cannot_leave_it(slot: ConductorSlot[str]) -> None:
    assert not slot.release("home assistant")
    assert slot.holder == "hub"


def test_a_paused_conductor_keeps_the_slot_until_somebody_wants_it(slot: ConductorSlot[str]) -> None:
    assert slot.pause("hub")
    assert (slot.holder, slot.is_paused) == ("hub", True)
    assert slot.claim("home assistant", 0.1) == "hub"
    assert not slot.is_paused


def test_who_goes_on_is_not_paused_any_more(slot: ConductorSlot[str]) -> None:
    slot.pause("hub")
    assert slot.claim("hub", 1.0) is None
    assert not slot.is_paused


def test_a_peer_without_the_slot_cannot_pause_it(slot: ConductorSlot[str]) -> None:
    assert not slot.pause("home assistant")
    assert not slot.is_paused
