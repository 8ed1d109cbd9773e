"""What Frigate says about an object becomes few events: one begin, one end, and what matters in between."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import frigate_messages
from wyoming_rosie.bus.envelope import check_key
from wyoming_rosie.bus.schema import from_data, to_data
from wyoming_rosie_bridge.vision.frigate import payloads, state
from wyoming_rosie_bridge.vision.frigate.payloads import (
    ClassifiedState,
    Details,
    Enrichment,
    MotionState,
    Review,
    Sighting,
)
from wyoming_rosie_bridge.vision.frigate.state import ObjectTable, PublishEvent, SaveState, Silence
from wyoming_rosie_bridge.vision.frigate.tracking import SwitchedState, TrackedObject, TrackingRules

NOW = 1_795_960_000.0
ID = "1795960000.0-abc"
PERSON = "vision.event.person"


def sighting(seconds: float = 0.0, kind: str = "update", **changes: Any) -> Sighting:
    """Return what Frigate says this many seconds after NOW."""
    plain = Sighting(ID, "front", "person", "update", top_score=0.8, is_stationary=False, current_zones=(), start=NOW)
    given = {"frame_time": NOW + seconds, "kind": kind, **({"end": NOW + seconds} if kind == "end" else {}), **changes}
    return replace(plain, **given)


class Frigate:
    """An object table, driven by inputs; collects what it publishes and what it saves."""

    def __init__(self, rules: TrackingRules | None = None) -> None:
        self.table = ObjectTable(rules or TrackingRules())
        self.published: list[PublishEvent] = []
        self.records: dict[str, str] = {}

    def send(self, given: state.Input, now: float | None = None) -> list[str]:
        """Handle an input; return phase and subject of what is published."""
        at = now if now is not None else (given.frame_time or NOW) if isinstance(given, Sighting) else NOW
        plan = self.table.plan(given, at)
        events = [effect for effect in plan.effects if isinstance(effect, PublishEvent)]
        for effect in plan.effects:
            if isinstance(effect, SaveState):
                self.records[effect.state.id] = json.dumps(to_data(effect.state))
        self.published += events
        self.table.commit(plan, at)
        return [f"{one.event.phase} {one.subject.removeprefix('vision.event.')}" for one in events]

    def restarted(self) -> "Frigate":
        """Return the table of a new process, which has only the records."""
        other = Frigate(self.table.rules)
        for key, text in self.records.items():
            kind: type[state.State] = SwitchedState if ":" in key else TrackedObject
            other.table.restore(from_data(kind, json.loads(text)))
        other.records = dict(self.records)
        return other

    def ids(self) -> list[str]:
        return [one.message_id for one in self.published]


def test_a_person_comes_enters_a_zone_and_goes() -> None:
    frigate = Frigate()
    assert frigate.send(sighting(0, "new")) == ["new person"]
    assert frigate.send(sighting(1)) == []
    assert frigate.send(sighting(2, current_zones=("Drive way",), entered_zones=("Drive way",))) == [
        "update zone.drive_way.entered"
    ]
    assert frigate.send(sighting(3, current_zones=("Drive way",), entered_zones=("Drive way",))) == []
    assert frigate.send(sighting(9, "end", current_zones=("Drive way",))) == [
        "update zone.drive_way.left",
        "end person",
    ]
    new, entered, left, end = frigate.published
    assert (new.subject, new.alias, new.message_id) == (
        PERSON, "vision.event.person_detected", f"frigate:frigate:{ID}:new",
    )  # fmt: skip
    assert (entered.alias, entered.event.zones.new, entered.event.zones.current) == (
        None,
        ("Drive way",),
        ("Drive way",),
    )
    assert (left.event.zones.current, left.event.zones.entered) == ((), ("Drive way",))
    assert (end.event.start, end.event.end, end.event.zones.entered) == (NOW, NOW + 9, ("Drive way",))
    assert {one.trace for one in frigate.published} == {f"frigate:frigate:{ID}"}


@pytest.mark.parametrize(
    ("label", "subject"),
    [
        ("person", "person"), ("car", "vehicle"), ("bicycle", "vehicle"), ("boat", "vehicle"), ("package", "package"),
        ("dog", "object.dog"), ("Big Dog.*>", "object.big_dog_"), ("😀", "object._"),
    ],
)  # fmt: skip
def test_a_label_is_a_subject_of_safe_words(label: str, subject: str) -> None:
    assert Frigate().send(sighting(label=label)) == [f"new {subject}"]


def test_false_positives_and_low_scores_are_no_events_until_they_are_better() -> None:
    frigate = Frigate(TrackingRules(label_floors={"dog": 0.9}))
    assert frigate.send(sighting(0, "new", is_false_positive=True)) == []
    assert frigate.send(sighting(1, top_score=0.59)) == []
    assert frigate.send(sighting(1, "end", top_score=0.59)) == []
    assert frigate.send(sighting(2, top_score=0.61)) == ["new person"]
    assert frigate.send(sighting(3, "end", is_false_positive=True, top_score=0.1)) == ["end person"]
    assert frigate.send(sighting(0, id="dog", label="dog", top_score=0.8)) == []
    assert frigate.send(sighting(0, id="by-hand", top_score=None)) == ["new person"]


def test_an_end_without_a_begin_is_both_and_nothing_follows() -> None:
    frigate = Frigate()
    assert frigate.send(sighting(5, "end", entered_zones=("yard",))) == [
        "new person", "update zone.yard.entered", "update zone.yard.left", "end person",
    ]  # fmt: skip
    assert frigate.send(sighting(0, "new")) == []
    assert frigate.send(sighting(6)) == []
    assert frigate.send(sighting(7, "end")) == []


def test_a_flicker_of_parking_or_zone_is_no_event_and_five_seconds_are() -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new", label="car", current_zones=("yard",)))
    parked: dict[str, Any] = {"label": "car", "is_stationary": True}
    assert frigate.send(sighting(1, **parked)) == []
    assert frigate.send(sighting(2, label="car", current_zones=("yard",))) == []
    assert frigate.send(sighting(4, **parked)) == []
    assert frigate.send(sighting(8.9, **parked)) == []
    assert frigate.send(sighting(9, **parked)) == ["update zone.yard.left", "update vehicle"]
    assert frigate.published[-1].event.stationary
    assert frigate.send(sighting(60, **parked)) == []
    assert frigate.send(sighting(70, label="car", current_zones=("yard",))) == ["update zone.yard.entered"]
    assert frigate.send(sighting(75, label="car", current_zones=("yard",))) == ["update vehicle"]
    assert frigate.ids()[-3:] == [
        f"frigate:frigate:{ID}:{name}" for name in ("stationary:1", "entered:yard:2", "active:2")
    ]


def test_a_better_score_counts_in_steps_and_not_too_often() -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new", top_score=0.65))
    assert frigate.send(sighting(10, top_score=0.9)) == []
    assert frigate.send(sighting(30, top_score=0.9)) == ["update person"]
    assert frigate.send(sighting(61, top_score=0.95)) == []
    assert frigate.send(sighting(62, top_score=1.0)) == ["update person"]
    assert [one.event.top_score for one in frigate.published] == [0.65, 0.9, 1.0]


def test_names_plates_and_carriers_count_when_they_change() -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new", label="car"))
    assert frigate.send(sighting(1, label="car", details=Details("Bob", attributes=("ups", "license_plate")))) == [
        "update vehicle"
    ]
    assert frigate.send(sighting(2, label="car", details=Details("Bob"))) == []
    assert frigate.send(sighting(3, label="car")) == []  # what is not said stays
    assert frigate.send(Enrichment(ID, Details(plate="AB 12"))) == ["update vehicle"]
    assert frigate.send(Enrichment(ID, Details(plate="AB 12"))) == []
    last = frigate.published[-1].event
    assert (last.sub_label, last.plate, last.carrier) == ("Bob", "AB 12", "ups")
    for name in ("Eve", "Bob"):
        assert frigate.send(Enrichment(ID, Details(name))) == ["update vehicle"]
    assert len(set(frigate.ids())) == len(frigate.ids())


def test_a_description_comes_after_the_end_and_says_that_it_has_ended() -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new"))
    frigate.send(sighting(9, "end"))
    assert frigate.send(Enrichment(ID, Details(description="A person with a dog."))) == ["update person"]
    assert (frigate.published[-1].event.end, frigate.published[-1].event.description) == (
        NOW + 9,
        "A person with a dog.",
    )


def test_reviews_raise_the_severity_and_never_lower_it() -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new"))
    assert frigate.send(Review((ID, "unknown"), "detection")) == ["update person"]
    assert frigate.send(Review((ID,), "alert")) == ["update person"]
    assert frigate.send(Review((ID,), "detection")) == []
    assert frigate.published[-1].event.severity == "alert"


def test_what_is_found_out_before_an_object_begins_is_in_its_begin() -> None:
    frigate = Frigate()
    assert frigate.send(Review((ID,), "alert")) == []
    assert frigate.send(Enrichment(ID, Details("Bob"))) == []
    assert frigate.send(sighting(0, "new")) == ["new person"]
    assert (frigate.published[0].event.severity, frigate.published[0].event.sub_label) == ("alert", "Bob")


def test_the_same_person_under_a_new_id_is_a_repeat_for_a_while() -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new"))
    frigate.send(sighting(300, "end"))
    for seconds, object_id, camera in ((310, "b", "front"), (311, "c", "back"), (341, "d", "front")):
        frigate.send(sighting(seconds, "new", id=object_id, camera=camera, current_zones=("yard",)))
    found = {one.event.event_id: one.event.repeat for one in frigate.published if one.event.phase == "new"}
    assert found == {ID: False, "b": True, "c": False, "d": False}
    frigate.send(sighting(345, "new", id="e", current_zones=("yard",)))
    assert frigate.published[-1].subject.endswith("zone.yard.entered")
    assert frigate.published[-1].event.repeat


def test_messages_out_of_order_do_not_move_an_object_back() -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new"))
    frigate.send(sighting(10, current_zones=("yard",)))
    assert frigate.send(sighting(1)) == []
    assert frigate.send(sighting(2, current_zones=("street",))) == []
    assert frigate.send(sighting(20, current_zones=("yard",))) == []
    assert frigate.send(sighting(5, "end")) == ["update zone.yard.left", "end person"]
    assert frigate.published[-1].event.end == NOW + 20


@pytest.mark.parametrize("frame_time", [0.001, 1e10, NOW + 3600, NOW - 200_000])
def test_a_clock_that_is_wrong_is_replaced_by_ours(frame_time: float) -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new", frame_time=frame_time), now=NOW)
    frigate.send(sighting(0, frame_time=frame_time, is_stationary=True), now=NOW + 1)
    assert frigate.send(sighting(0, frame_time=frame_time, is_stationary=True), now=NOW + 6) == ["update person"]


def test_what_the_http_api_says_is_late_and_does_not_move_what_mqtt_said() -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new", current_zones=("yard",)))
    api: dict[str, Any] = {"is_late": True, "frame_time": None, "current_zones": None, "is_stationary": None}
    assert frigate.send(sighting(0, **api, entered_zones=("yard",)), now=NOW + 50) == []
    assert frigate.send(sighting(1, current_zones=("yard",))) == []
    ended = frigate.send(sighting(0, "end", **{**api, "end": NOW + 30}), now=NOW + 60)
    assert ended == ["update zone.yard.left", "end person"]
    assert frigate.published[-1].event.late
    assert frigate.published[-1].event.end == NOW + 30
    assert frigate.send(sighting(0, id="other", **api)) == ["new person"]
    assert frigate.published[-1].event.late
    assert frigate.send(Review(("never-heard-of",), "alert", is_late=True)) == []
    assert len(frigate.table) == 2


def test_an_object_that_is_silent_ends_when_it_was_last_heard_of() -> None:
    frigate = Frigate()
    frigate.send(sighting(0, "new"))
    frigate.send(sighting(7))
    assert frigate.table.silent_ids(NOW + 6) == []
    assert frigate.table.silent_ids(NOW + 8) == [ID]
    assert frigate.send(Silence(ID), now=NOW + 700) == ["end person"]
    assert (frigate.published[-1].event.end, frigate.published[-1].event.late) == (NOW + 7, True)
    assert frigate.send(Silence(ID), now=NOW + 701) == []
    assert frigate.send(Silence("unknown")) == []


def test_boxes_are_parts_of_the_frame_once_its_size_is_known() -> None:
    rules = TrackingRules(url="http://frigate:5000")
    frigate = Frigate(rules)
    box = (128.0, 72.0, 640.0, 900.0)
    frigate.send(sighting(0, "new", box=box, has_snapshot=True))
    assert frigate.published[-1].event.box == box
    frigate.table.rules = replace(rules, cameras={"front": (1280, 720)})
    frigate.send(sighting(10, "end"))
    assert frigate.published[-1].event.box == (0.1, 0.1, 0.5, 1.0)
    assert frigate.published[-1].event.snapshot_url == f"http://frigate:5000/api/events/{ID}/snapshot.jpg"


def test_motion_begins_and_ends_once() -> None:
    frigate = Frigate(TrackingRules(cameras={"front": None}))
    assert frigate.send(MotionState("front", is_on=False), NOW) == []
    assert frigate.send(MotionState("front", is_on=True), NOW + 5) == ["new motion.simple"]
    assert frigate.send(MotionState("front", is_on=True), NOW + 6) == []
    assert frigate.restarted().send(MotionState("front", is_on=True), NOW + 7) == []
    assert frigate.send(MotionState("front", is_on=False), NOW + 35) == ["end motion.simple"]
    assert frigate.send(MotionState("a zone", is_on=True)) == []
    begin, end = (one.event for one in frigate.published)
    assert begin.event_id == end.event_id
    assert (end.start, end.end) == (NOW + 5, NOW + 35)


@pytest.mark.parametrize(
    ("model", "value", "subject"),
    [
        ("gate", "open", "door"),
        ("gate", "Closed", "door"),
        ("package_spot", "present", "package"),
        ("bin", "full", "object.bin"),
    ],
)
def test_a_classified_state_is_an_event_when_it_changes(model: str, value: str, subject: str) -> None:
    frigate = Frigate()
    assert frigate.send(ClassifiedState("front", model, value)) == [f"new {subject}"]
    assert frigate.send(ClassifiedState("front", model, value), NOW + 1) == []
    frigate.send(ClassifiedState("front", model, "other"), NOW + 2)
    assert frigate.send(ClassifiedState("front", model, value), NOW + 3) == [f"update {subject}"]
    assert frigate.published[-1].event.state == value
    assert len(set(frigate.ids())) == 3


def test_a_parked_car_of_a_day_is_a_handful_of_events_and_one_object() -> None:
    frigate = Frigate()
    saves = 0
    for message in frigate_messages.parked_car(NOW):
        plan = frigate.table.plan(payloads.parse_event(message.payload), NOW + message.at)
        saves += sum(isinstance(one, SaveState) for one in plan.effects)
        frigate.send(payloads.parse_event(message.payload), NOW + message.at)
    phases = [(one.event.phase, one.subject) for one in frigate.published]
    assert phases == [
        ("new", "vision.event.vehicle"), ("update", "vision.event.zone.driveway.entered"), ("update", "vision.event.vehicle"),
        ("update", "vision.event.zone.driveway.left"), ("end", "vision.event.vehicle"),
    ]  # fmt: skip
    assert len(frigate.table) == 1
    assert 20 <= saves <= 30  # its record would else expire


def test_memory_is_bounded_by_the_objects_heard_of_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MAX_OBJECTS", 50)
    monkeypatch.setattr(state, "MAX_RECENT", 10)
    frigate = Frigate()
    frigate.send(sighting(0, "new", id="parked"))
    for number in range(500):
        frigate.send(sighting(number, "new", id=f"o{number}", camera=f"c{number}"))
        frigate.send(sighting(number, id="parked"))
        frigate.table.note_unrecorded(f"u{number}")
    assert len(frigate.table) == 50
    assert frigate.table.get("parked") is not None
    assert frigate.table.get("o0") is None
    frigate.send(sighting(100_000, "new", id="next"))
    assert len(frigate.table) == 1  # a day later


def test_a_record_of_which_nothing_is_known_is_asked_for_once() -> None:
    frigate = Frigate()
    assert frigate.table.unknown_ids(Review(("a", "b"), "alert")) == ["a", "b"]
    frigate.table.note_unrecorded("a")
    frigate.send(sighting(0, "new", id="b"))
    assert frigate.table.unknown_ids(Review(("a", "b", "c"), "alert")) == ["c"]


# Any order, duplicates and losses

KINDS = st.sampled_from(["new", "update", "update", "update", "end"])
ZONES = st.lists(st.sampled_from(["yard", "street", "a.b *"]), max_size=3).map(tuple)
SIGHTINGS = st.builds(
    lambda number, kind, seconds, late, **changes: sighting(
        seconds, kind, id=f"o{number}", **changes, **({"is_late": True, "frame_time": None} if late else {})
    ),
    st.integers(0, 2), KINDS, st.floats(0, 100), st.booleans(),
    is_false_positive=st.sampled_from([False, False, True]), top_score=st.sampled_from([0.3, 0.7, 0.9]),
    is_stationary=st.none() | st.booleans(), current_zones=st.none() | ZONES, entered_zones=ZONES,
    details=st.builds(Details, st.sampled_from([None, "Bob", "王"]), st.sampled_from([None, "AB 1"])),
    severity=st.sampled_from([None, "alert", "detection"]),
)  # fmt: skip
INPUTS = st.lists(
    SIGHTINGS
    | st.builds(Enrichment, st.sampled_from(["o0", "o1", "o3"]), st.builds(Details, st.sampled_from(["Bob", "Eve"])))
    | st.builds(Review, st.just(("o0", "o2", "o3")), st.sampled_from(["alert", "detection"]), st.booleans())
    | st.builds(Silence, st.sampled_from(["o0", "o1"]))
    | st.builds(MotionState, st.just("front"), st.booleans())
    | st.builds(ClassifiedState, st.just("front"), st.just("gate"), st.sampled_from(["open", "closed"])),
    max_size=30,
)


def check_legal(published: Sequence[PublishEvent]) -> None:
    """Fail unless each object begins at most once, first, and ends at most once."""
    ids = [one.message_id for one in published]
    assert len(set(ids)) == len(ids)
    for one in published:
        assert check_key(one.message_id)
    for object_id in {one.event.event_id for one in published if ":" not in one.event.event_id}:
        mine = [one for one in published if one.event.event_id == object_id]
        phases = [one.event.phase for one in mine]
        assert phases[0] == "new"
        assert phases.count("new") == 1
        assert phases.count("end") <= 1
        ended = mine[phases.index("end") :] if "end" in phases else []
        assert all(one.event.end is not None for one in ended)
        inside: set[str] = set()
        for one in mine:
            zone = one.subject.split(".")[-2]
            if one.subject.endswith(".entered"):
                assert zone not in inside
                inside.add(zone)
            elif one.subject.endswith(".left"):
                inside.remove(zone)
        assert not (inside and "end" in phases)


@settings(max_examples=300)
@given(inputs=INPUTS)
def test_any_order_duplicates_and_losses_leave_a_legal_state(inputs: list[state.Input]) -> None:
    frigate = Frigate()
    for one, step in zip(inputs, count(), strict=False):
        frigate.send(one, NOW + 100 + step)
        frigate.send(one, NOW + 100 + step)
    check_legal(frigate.published)


def in_order(inputs: Sequence[state.Input]) -> list[tuple[state.Input, float]]:
    """Return the inputs with times that grow."""
    return [
        (replace(one, frame_time=NOW + step) if isinstance(one, Sighting) and one.frame_time else one, NOW + step)
        for step, one in enumerate(inputs)
    ]


@settings(max_examples=200)
@given(inputs=INPUTS.filter(bool), data=st.data())
def test_a_kill_before_the_record_repeats_the_same_message_ids(inputs: list[state.Input], data: st.DataObject) -> None:
    killed = data.draw(st.integers(0, len(inputs) - 1))
    ordered = in_order(inputs)
    frigate = Frigate()
    for one, now in ordered[:killed]:
        frigate.send(one, now)
    restarted, before = frigate.restarted(), len(frigate.published)
    frigate.send(*ordered[killed])
    restarted.send(*ordered[killed])
    assert certain(restarted.ids()) == certain(frigate.ids()[before:])
    for one, now in ordered[killed + 1 :]:
        restarted.send(one, now)
    union = {one.message_id: one for one in (*frigate.published, *restarted.published)}
    for object_id in {one.event.event_id for one in union.values() if ":" not in one.event.event_id}:
        phases = [one.event.phase for one in union.values() if one.event.event_id == object_id]
        assert phases.count("new") == 1
        assert phases.count("end") <= 1


def certain(ids: Sequence[str]) -> set[str]:
    """Return the IDs that depend on no unfinished wait, which no record has."""
    return {
        one
        for one in ids
        if not any(f":{name}:" in one for name in ("left", "active", "stationary", "score", "class", "motion"))
    }


@given(inputs=INPUTS)
def test_a_replay_repeats_nothing_and_one_without_records_publishes_the_same_ids(inputs: list[state.Input]) -> None:
    ordered = [(one, now) for one, now in in_order(inputs) if not isinstance(one, MotionState | ClassifiedState)]
    frigate, forgetful = Frigate(), Frigate()
    for one, now in ordered:
        frigate.send(one, now)
    published = frigate.ids()
    for one, now in ordered:
        forgetful.send(one, now)
    assert forgetful.ids() == published
    for one, now in ordered:
        if isinstance(one, Sighting):
            frigate.send(one, now)
    replayed = [one for one in frigate.ids()[len(published) :] if one.endswith((":new", ":end"))]
    assert not set(replayed) & set(published)  # an end may be new, if it came before its object counted
    check_legal(frigate.published)
