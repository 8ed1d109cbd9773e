"""Envelopes: any bytes give a message or BadMessageError, and a message survives the way there and back."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.bus.envelope import (
    MAX_DEPTH,
    MAX_ENVELOPE_BYTES,
    MAX_KEY_LENGTH,
    Envelope,
    check_key,
    decode,
    load_json,
    trusted_time,
)
from wyoming_rosie.bus.errors import BadMessageError

TIMES = st.floats(0, 1e11)
JSON_NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False))
JSON = st.recursive(
    st.none() | st.booleans() | JSON_NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9:._@+-]{0,30}", fullmatch=True)
LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_KEY_LENGTH)
ENVELOPES = st.builds(
    Envelope,
    schema=st.from_regex(r"rosie\.v1\.[a-z.]{1,20}", fullmatch=True),
    key=KEYS,
    ts=TIMES,
    source=LABELS,
    trace=LABELS,
    data=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=4),
    deadline=st.none() | TIMES,
)
WHOLE = {"schema": "rosie.v1.test", "key": "kitchen:1:1", "ts": 5.0, "source": "kitchen", "trace": "t", "data": {}}
WRONG: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 1e12, "", "\0", [], {}, "x" * 500, "a b", "voice/#", 10**400]
)


def raw(**changes: Any) -> bytes:
    return json.dumps({**WHOLE, **changes}).encode()


@given(ENVELOPES)
def test_an_envelope_is_the_same_after_the_way_there_and_back(envelope: Envelope) -> None:
    again = decode(envelope.encode())
    assert again == replace(envelope, data=again.data)
    assert again.encode() == envelope.encode()


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_envelope_or_refused(content: bytes) -> None:
    try:
        envelope = decode(content)
    except BadMessageError:
        return
    assert envelope.schema.startswith("rosie.v1.")


@given(st.dictionaries(st.sampled_from([*WHOLE, "deadline"]), WRONG | JSON, max_size=3))
def test_an_envelope_with_wrong_fields_is_refused_or_can_be_sent_on(changes: dict[str, Any]) -> None:
    try:
        envelope = decode(raw(**changes))
    except BadMessageError:
        return
    assert decode(envelope.encode()) == envelope


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (raw()[:-1], "not JSON"),
        (raw(ts=float("nan")), "not JSON"),
        (raw(data={"a": 0}).replace(b"0}", b"1e999}"), "a number that is too large"),
        (raw(ts=None), "ts must be a number"),
        (raw(ts="5"), "ts must be a number"),
        (raw(ts=True), "ts must be a number"),
        (raw(ts=-1), "ts must be a number"),
        (raw(ts=1.7e12), "ts must be a number"),
        (raw(deadline="soon"), "deadline must be a number"),
        (raw(data=None), "data must be an object"),
        (raw(data=[1]), "data must be an object"),
        (raw(schema="other.v1.test"), "schema must begin"),
        (raw(schema=None), "schema must be a text"),
        (raw(key=""), "key must be a text"),
        (raw(key="a b"), "key must have"),
        (raw(key="a\0"), "key must have"),
        (raw(key=">"), "key must have"),
        (raw(key="k" * 201), "key must be a text"),
        (raw(source=7), "source must be a text"),
        (b'{"a":' * 50 + b"1" + b"}" * 50, "nested"),
        (b"[" * 200_000, "not JSON"),
        (raw(data={"a": "x" * MAX_ENVELOPE_BYTES}), "bytes, more than"),
        (b'{"ts":' + b"9" * 5000 + b"}", "not JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(BadMessageError, match=reason):
        decode(content)


def test_of_two_equal_fields_the_last_counts() -> None:
    assert decode(raw()[:-1] + b', "key": "other"}').key == "other"


def test_null_fields_are_absent_ones() -> None:
    envelope = decode(raw(source=None, trace=None, deadline=None))
    assert (envelope.source, envelope.trace, envelope.deadline) == ("", "kitchen:1:1", None)


def test_half_a_character_is_replaced() -> None:
    assert decode(rb'{"schema":"rosie.v1.t","key":"k","ts":1,"data":{"a":"\ud800"}}').data == {"a": "\ufffd"}


def test_json_is_taken_up_to_its_depth() -> None:
    load_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(BadMessageError, match="nested"):
        load_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("data", [{"a": float("nan")}, {"a": float("inf")}, {"a": b"bytes"}, {"a": "x" * 262_144}])
def test_what_cannot_be_written_is_a_bad_message(data: dict[str, Any]) -> None:
    with pytest.raises(BadMessageError):
        Envelope("rosie.v1.test", "k", 1.0, "test", "k", data).encode()


@given(st.text())
def test_a_key_is_valid_or_refused(text: str) -> None:
    try:
        key = check_key(text)
    except BadMessageError:
        return
    assert key == text
    assert key.isascii()
    assert not set(key) & set(" */>#\n\0")


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("claimed", "age", "time"),
    [
        (NOW, None, NOW),
        (NOW - 3600, None, NOW - 3600),
        (NOW + 59, None, NOW + 59),
        (NOW + 61, None, NOW),
        (0.0, None, NOW),
        (9e10, None, NOW),
        (0.0, 5.0, NOW - 5),
        (NOW - 3600, 5.0, NOW - 5),
        (NOW, -5.0, NOW),
        (NOW, 1e300, 0.0),
    ],
)
def test_a_wrong_clock_is_replaced_by_ours(claimed: float, age: float | None, time: float) -> None:
    assert trusted_time(claimed, NOW, age) == time


def test_a_message_expires_at_its_deadline() -> None:
    envelope = decode(raw(deadline=10))
    assert [envelope.is_expired(now) for now in (9.9, 10.0)] == [False, True]
    assert not decode(raw()).is_expired(1e12)
