"""Frigate's payloads are read leniently; what cannot be read is a BadMessageError and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import frigate_messages
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie_bridge.vision.frigate import payloads

START = 1_607_123_955.475377
PARSERS: dict[str, Callable[[bytes], object]] = {
    "event": payloads.parse_event,
    "review": payloads.parse_review,
    "tracked object update": payloads.parse_tracked_object_update,
    "trigger": payloads.parse_trigger,
    "motion": lambda raw: payloads.parse_motion("front", raw),
    "classification": lambda raw: payloads.parse_classification("front", "gate", raw),
    "available": payloads.parse_available,
    "API events": payloads.parse_api_events,
    "API reviews": payloads.parse_api_reviews,
    "API config": payloads.parse_api_config,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def sample(folder: Path, name: str) -> Any:
    return json.loads((folder / "frigate" / name).read_text())["payload"]


def encode(document: object) -> bytes:
    return json.dumps(document).encode()


def test_the_recorded_update_is_read(shared_data: Path) -> None:
    seen = payloads.parse_event(encode(sample(shared_data, "frigate_events_update.json")))
    assert (seen.id, seen.camera, seen.label, seen.kind) == (
        "1607123955.475377-mxklsc", "front_door", "person", "update",
    )  # fmt: skip
    assert seen.details == payloads.Details("John Smith", "ABC12345", attributes=("face",))
    assert (seen.current_zones, seen.entered_zones) == (("yard", "driveway"), ("yard", "driveway"))
    assert (seen.box, seen.top_score, seen.is_stationary) == ((432, 496, 544, 854), 0.958984375, False)
    assert (seen.frame_time, seen.start, seen.end) == (1607123962.082975, 1607123955.475377, None)
    assert not seen.is_late


def test_the_recorded_review_is_read(shared_data: Path) -> None:
    review = payloads.parse_review(encode(sample(shared_data, "frigate_reviews_update.json")))
    assert review.severity == "alert"
    assert review.detections[0] == "1718987128.947436-g92ztx"
    assert len(review.detections) == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("face", payloads.Details("John")),
        ("lpr", payloads.Details("John's Car", "123ABC")),
        ("description", payloads.Details(description="The car is a red sedan moving away from the camera.")),
        ("classification_sub_label", payloads.Details("delivery_person")),
        ("classification_attribute", payloads.Details(state="helmet_detector:yes")),
    ],
)
def test_recorded_updates_of_tracked_objects_are_read(shared_data: Path, name: str, expected: payloads.Details) -> None:
    raw = encode(sample(shared_data, f"frigate_tracked_object_update_{name}.json"))
    assert payloads.parse_tracked_object_update(raw) == payloads.Enrichment("1607123955.475377-mxklsc", expected)


def test_the_recorded_trigger_is_read(shared_data: Path) -> None:
    found = payloads.parse_trigger(encode(sample(shared_data, "frigate_triggers_thumbnail.json")))
    assert found == payloads.Enrichment("1751565549.853251-b69j73", payloads.Details(state="trigger:car_trigger"))


def test_recorded_answers_of_the_api_are_read(shared_data: Path) -> None:
    events = payloads.parse_api_events(encode(sample(shared_data, "api_events.json")))
    person, car, _ = events.items
    assert (events.refused, events.length) == (0, 3)
    assert (person.kind, person.top_score, person.entered_zones, person.is_late) == ("end", 0.92, ("front_yard",), True)
    assert person.box == pytest.approx((0.2, 0.15, 0.65, 0.9))  # from left, top, width and height
    assert (person.current_zones, person.is_stationary) == (None, None)
    assert car.details.description == "A car parked in the driveway"
    reviews = payloads.parse_api_reviews(encode(sample(shared_data, "api_reviews.json")))
    assert [one.severity for one in reviews.items] == ["alert", "alert", "detection", "detection"]
    assert reviews.items[0].detections == ("person-abc123",)
    older = payloads.parse_api_events(encode(sample(shared_data, "hass_events_front_door.json")))
    assert (older.refused, {one.kind for one in older.items}) == (0, {"end"})
    assert older.items[0].top_score == 0.720703125


def test_what_a_newer_frigate_adds_and_what_is_null_does_no_harm() -> None:
    least = {"id": "1.5-a", "camera": "front", "label": "person"}
    everything = {**frigate_messages.after(START, START), **least}
    nulls = {key: None for key in everything if key not in least}
    seen = payloads.parse_event(
        encode({"type": "update", "before": None, "after": {**nulls, **least, "new_key": {"a": [1]}}})
    )
    assert seen == payloads.Sighting("1.5-a", "front", "person", "update")
    assert payloads.parse_event(encode({"type": "update", "after": least})) == seen


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"sub_label": "Bob"}, "details", payloads.Details("Bob")),
        ({"sub_label": ["Bob", 0.9]}, "details", payloads.Details("Bob")),
        ({"sub_label": [None, 0.9]}, "details", payloads.Details()),
        ({"recognized_license_plate": ["AB 12", 0.9]}, "details", payloads.Details(plate="AB 12")),
        ({"attributes": {"ups": 0.8}}, "details", payloads.Details(attributes=("ups",))),
        ({"attributes": [{"label": "ups"}, 3, None]}, "details", payloads.Details(attributes=("ups",))),
        ({"score": "high"}, "score", None),
        ({"score": 17}, "score", None),
        ({"box": [1, 2, 3]}, "box", ()),
        ({"box": [1, 2, None, 4]}, "box", ()),
        ({"current_zones": ["a", 1, "a", "b"]}, "current_zones", ("a", "b")),
        ({"frame_time": -5}, "frame_time", None),
        ({"frame_time": 10**400}, "frame_time", None),
        ({"stationary": "yes"}, "is_stationary", None),
        ({"max_severity": "alert"}, "severity", "alert"),
        ({"max_severity": []}, "severity", None),
        ({"camera": "../a b/#"}, "camera", "_a_b_"),
    ],
)
def test_a_field_of_another_type_counts_as_absent(changes: dict[str, Any], field: str, expected: object) -> None:
    raw = frigate_messages.event("update", START, START, **{"sub_label": None, "attributes": {}, **changes})
    assert getattr(payloads.parse_event(raw), field) == expected


@pytest.mark.parametrize("parser", sorted(PARSERS.keys() - {"classification"}))
@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\xff\xfe\x00", b"null", b"[[", b"NaN", b'{"type": "new", "after": {"id": NaN}}', b"[" * 100_000,
        b'{"a":' * 30 + b"1" + b"}" * 30, b'{"type":"new","after":' + b" " * (5 * 2**20) + b"{}}", b"\0" * 500, b"9" * 5000,
        b'{"type": "new", "after": null}', b'{"type": "new", "after": {"id": "a b", "camera": "c", "label": "l"}}',
        b'{"cameras": 3}', b'{"type": ["new"], "after": {}}',
    ],
    ids=lambda raw: repr(raw[:20]),
)  # fmt: skip
def test_hostile_payloads_are_refused(parser: str, raw: bytes) -> None:
    with pytest.raises(BadMessageError):
        PARSERS[parser](raw)


@pytest.mark.parametrize("raw", [b"", b"\xff", b" ", b"open\0", b"a\nb", b"x" * 201], ids=repr)
def test_a_state_that_is_no_short_line_of_text_is_refused(raw: bytes) -> None:
    with pytest.raises(BadMessageError):
        payloads.parse_classification("front", "gate", raw)


def test_an_item_of_the_api_that_is_not_valid_does_not_spoil_the_others() -> None:
    row = {"id": "1.5-a", "camera": "front", "label": "person", "end_time": 5}
    found = payloads.parse_api_events(encode([None, {"id": 3}, row, []]))
    assert ([one.id for one in found.items], found.refused, found.length) == (["1.5-a"], 3, 4)


def test_frame_sizes_come_from_the_configuration() -> None:
    cameras = {
        "front": {"detect": {"width": 1280, "height": 720}},
        "odd": {"detect": {"width": 0, "height": "a"}},
        "x": None,
    }
    assert payloads.parse_api_config(encode({"cameras": cameras})) == {"front": (1280, 720), "odd": None, "x": None}


@pytest.mark.parametrize("parser", PARSERS)
@given(document=JSON, raw=st.binary(max_size=50))
def test_any_bytes_and_any_json_are_read_or_refused(parser: str, document: object, raw: bytes) -> None:
    for content in (raw, json.dumps(document).encode()):
        try:
            PARSERS[parser](content)
        except BadMessageError:
            continue


@given(changes=st.dictionaries(st.sampled_from(sorted(frigate_messages.after(START, START))), JSON), data=JSON)
def test_an_event_with_any_fields_is_read_or_refused(changes: dict[str, Any], data: object) -> None:
    found = {**frigate_messages.after(START, START), **changes}
    api_row = {"id": "1-a", "camera": "c", "label": "l", **changes, "data": data}
    for parse, content in (
        (payloads.parse_event, {"type": "new", "after": found}),
        (payloads.parse_api_events, [api_row]),
    ):
        try:
            parse(json.dumps(content).encode())
        except BadMessageError:
            continue
