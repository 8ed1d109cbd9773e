"""Schemas: any JSON gives a message or BadMessageError, and each message survives the way there and back."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wyoming_rosie.bus import messages, schema
from wyoming_rosie.bus.envelope import load_json
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.messages import AudioMeta, CameraMotion, DeviceStatus, ModelPrompt, ResponseDelta, VisionEvent

CLASSES = sorted(
    (thing for thing in vars(messages).values() if isinstance(thing, type) and thing.__module__ == messages.__name__),
    key=lambda cls: cls.__name__,
)
PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=8,
)
st.register_type_strategy(float, st.floats(-1e299, 1e299))
st.register_type_strategy(int, st.integers(-(2**63) + 1, 2**63 - 1))
st.register_type_strategy(dict, st.dictionaries(PLAIN, JSON, max_size=3))


@pytest.fixture(params=CLASSES, ids=lambda cls: cls.__name__)
def cls(request: pytest.FixtureRequest) -> type:
    return request.param  # type: ignore[no-any-return]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_message_is_the_same_after_the_way_there_and_back(cls: type, data: st.DataObject) -> None:
    message: Any = data.draw(st.builds(cls))
    written = json.dumps(schema.to_data(message)).encode("utf-8", "replace")
    assert schema.from_data(cls, json.loads(written)) == message


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_is_a_message_or_refused(cls: type, data: st.DataObject) -> None:
    names = st.sampled_from([*cls.__dataclass_fields__, "unknown"])  # type: ignore[attr-defined]
    given_data = data.draw(st.dictionaries(names, JSON, max_size=5) | JSON)
    try:
        message: Any = schema.from_data(cls, given_data)
    except BadMessageError:
        return
    assert isinstance(message, cls)
    assert schema.from_data(cls, schema.to_data(message)) == message


@pytest.mark.parametrize(
    ("cls", "data", "reason"),
    [
        (AudioMeta, [], "data must be an object"),
        (AudioMeta, {"uri": 5}, r"data\.uri must be a text"),
        (AudioMeta, {"uri": "x" * 100_001}, r"data\.uri has more than 100000 characters"),
        (AudioMeta, {"fmt": {"rate": 16_000.5}}, r"data\.fmt\.rate must be a whole number"),
        (AudioMeta, {"fmt": {"rate": True}}, r"data\.fmt\.rate must be a whole number"),
        (AudioMeta, {"fmt": {"rate": 2**63}}, r"data\.fmt\.rate must be a whole number"),
        (AudioMeta, {"fmt": "wav"}, r"data\.fmt must be an object"),
        (AudioMeta, {"wake": {}}, r"data\.wake\.name must be a text"),
        (AudioMeta, {"duration_ms": "5"}, r"data\.duration_ms must be a number"),
        (AudioMeta, {"duration_ms": 10**400}, r"data\.duration_ms must be a number"),
        (DeviceStatus, {}, r"data\.state must be one of: online, offline"),
        (DeviceStatus, {"state": ["online"]}, r"data\.state must be one of"),
        (ResponseDelta, {"seq": None, "text": "a"}, r"data\.seq must be a whole number"),
        (ModelPrompt, {"text": "a", "session": "s", "allow_cloud": 1}, r"data\.allow_cloud must be true or false"),
        (CameraMotion, {"boxes": [[1, "2"]]}, r"data\.boxes\[0\]\[1\] must be a number"),
        (CameraMotion, {"boxes": {"0": []}}, r"data\.boxes must be a list"),
        (CameraMotion, {"boxes": [[]] * 1001}, r"data\.boxes must be a list of at most 1000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_field_is_named(cls: type, data: object, reason: str) -> None:
    with pytest.raises(BadMessageError, match=reason):
        schema.from_data(cls, data)


def test_unknown_fields_are_ignored_and_null_ones_absent() -> None:
    meta = schema.from_data(AudioMeta, {"uri": "inline", "colour": "red", "fmt": None, "wake": None})
    assert meta == AudioMeta(uri="inline")


def test_a_message_of_another_schema_is_refused() -> None:
    envelope = schema.wrap(ResponseDelta(1, "a"), key="k", source="test", now=1.0)
    assert schema.unwrap(ResponseDelta, envelope) == ResponseDelta(1, "a")
    with pytest.raises(BadMessageError, match=r"the schema is rosie\.v1\.llm\.delta, not rosie\.v1\.vision\.event"):
        schema.unwrap(VisionEvent, envelope)


def test_what_follows_keeps_key_trace_and_deadline() -> None:
    cause = schema.wrap(ResponseDelta(1, "a"), key="k", source="one", now=1.0, trace="t", deadline=9.0)
    after = schema.follow(cause, ResponseDelta(2, "b"), "two", 2.0)
    assert (after.key, after.trace, after.deadline, after.source, after.ts) == ("k", "t", 9.0, "two", 2.0)


def test_each_schema_has_a_name_of_its_own() -> None:
    assert len({schema.schema_of(one) for one in CLASSES}) == len(CLASSES)


def test_a_number_beyond_all_numbers_reaches_no_message() -> None:
    with pytest.raises(BadMessageError, match="too large"):
        load_json(b'{"score": 1e999}')
