"""What was recorded of Frigate's objects is what is recalled; a record that is not valid counts as none."""

import pytest

from wyoming_rosie.bus.memory import MemoryJobs
from wyoming_rosie_bridge.vision.frigate.records import FrigateIndex, ObjectRecords
from wyoming_rosie_bridge.vision.frigate.state import State
from wyoming_rosie_bridge.vision.frigate.tracking import KnownDetails, SwitchedState, TrackedObject, ZoneVisit

CAR = TrackedObject(
    "1.5-a", "active", "front", "car", 1.5, None, 9.0, 9.1, 9.1, KnownDetails("Bob", carrier="ups"), 2, "alert", 0.7, 0.8, 0.8,
    3.0, (1.0, 2.0, 3.0, 4.0), False, True, 5.0, 3, (ZoneVisit("yard", 2, False), ZoneVisit("street", 1, True, 4.0)), True,
)  # fmt: skip


@pytest.mark.parametrize(
    "state", [CAR, TrackedObject("index"), SwitchedState("motion:front", "front", "motion", "on", 3.0)]
)
async def test_a_state_is_recalled_as_it_was_saved(state: State) -> None:
    records = ObjectRecords(MemoryJobs(), "frigate")
    await records.save(state)
    assert await records.recall(state.id) == state
    assert await records.recall("another") is None
    assert await records.recall_index() == FrigateIndex()


async def test_the_index_is_recalled_as_it_was_saved() -> None:
    records = ObjectRecords(MemoryJobs(), "frigate")
    await records.save_index(FrigateIndex(("a", "b"), 5.0))
    assert await records.recall_index() == FrigateIndex(("a", "b"), 5.0)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"id": 3}', '{"active": 3}', '{"active": [3]}', '{"contact": "x"}', "NaN"]
)
async def test_a_record_that_is_not_valid_counts_as_none(text: str) -> None:
    jobs = MemoryJobs()
    for name in ("1.5-a", "motion:front", "#index"):
        await jobs.record(f"frigate:obj:frigate:{name}", text, 60)
    records = ObjectRecords(jobs, "frigate")
    assert await records.recall("1.5-a") is None
    assert await records.recall("motion:front") is None
    assert await records.recall_index() == FrigateIndex()
