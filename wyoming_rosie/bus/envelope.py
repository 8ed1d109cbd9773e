"""Envelope: the JSON object around each message, the same on every bus.

A message keeps its key and its trace on all its hops, so that a redelivered one is recognised everywhere.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isinf
from typing import Any

from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.protocol import strict_json
from wyoming_rosie.runtime.fields import Fields

SCHEMA_PREFIX = "rosie.v1."
MAX_ENVELOPE_BYTES = 262_144
MAX_KEY_LENGTH = 200
MAX_DEPTH = 20
CLOCK_SKEW_SECONDS = 60.0
"""How far a sender's clock may be ahead of ours."""
CLOCK_IS_SET = 1_700_000_000.0
"""Times before this are of a board that does not know the time: it begins in 1970, or where its clock stopped."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._@+-]*")
_MAX_TIME = 1e11  # seconds; a time in milliseconds is a mistake


@dataclass(frozen=True)
class Envelope:
    """A message. Times are in seconds since the epoch."""

    schema: str
    """`rosie.v1.TYPE`."""
    key: str
    """Idempotency key, made once at the source: `DEVICE:BOOT:COUNTER`, a UUID, or `frigate:INSTANCE:EVENT:TRANSITION`."""
    ts: float
    source: str
    """The device or service that sent this hop."""
    trace: str
    """The utterance or object to which the message belongs."""
    data: Mapping[str, Any] = field(repr=False)
    deadline: float | None = None
    """Time after which it must not take effect."""

    def next_hop(self, schema: str, data: Mapping[str, Any], source: str, now: float, **changes: Any) -> "Envelope":
        """Return the message that follows from this one: same key, trace and deadline."""
        return replace(self, schema=schema, data=data, source=source, ts=now, **changes)

    def is_expired(self, now: float) -> bool:
        """Return whether the deadline has passed."""
        return self.deadline is not None and now >= self.deadline

    def encode(self, max_bytes: int = MAX_ENVELOPE_BYTES) -> bytes:
        """Return the message as JSON. Raises BadMessageError if it is too large, or not JSON."""
        document = {
            "schema": self.schema,
            "key": self.key,
            "ts": self.ts,
            "source": self.source,
            "trace": self.trace,
            "deadline": self.deadline,
            "data": self.data,
        }
        try:
            text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError) as err:
            raise BadMessageError(f"the message cannot be written as JSON: {err}") from err
        raw = text.encode("utf-8", "replace")
        if len(raw) > max_bytes:
            raise BadMessageError(f"the message has {len(raw)} bytes, more than {max_bytes}")
        return raw


def decode(raw: bytes, max_bytes: int = MAX_ENVELOPE_BYTES) -> Envelope:
    """Parse a message; unknown fields are ignored. Raises BadMessageError."""
    document = Fields(load_json(raw, max_bytes), BadMessageError)
    data = document.mapping("data")
    schema = document.text("schema", 1, 100)
    if not schema.startswith(SCHEMA_PREFIX):
        raise BadMessageError(f"schema must begin with {SCHEMA_PREFIX}")
    key = check_key(document.text("key", 1, MAX_KEY_LENGTH))
    return Envelope(
        schema,
        key,
        document.number("ts", 0, _MAX_TIME),
        document.optional_text("source", max_length=MAX_KEY_LENGTH) or "",
        document.optional_text("trace", max_length=MAX_KEY_LENGTH) or key,
        data,
        document.optional_number("deadline", 0, _MAX_TIME),
    )


def load_json(raw: bytes, max_bytes: int = MAX_ENVELOPE_BYTES) -> Any:
    """Parse JSON of a limited size and depth. Raises BadMessageError."""
    if len(raw) > max_bytes:
        raise BadMessageError(f"the message has {len(raw)} bytes, more than {max_bytes}")
    try:
        document = strict_json.loads(raw)
    except (ValueError, RecursionError) as err:
        raise BadMessageError("the message is not JSON") from err
    _check_values(document)
    return document


def check_key(key: str) -> str:
    """Return a key that is valid. Raises BadMessageError."""
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise BadMessageError(f"key must have 1 to {MAX_KEY_LENGTH} letters, digits and : . _ @ + -")
    return key


def trusted_time(claimed: float, received: float, age: float | None = None) -> float:
    """Return the time of a message, by our clock.

    `age` is how old the sender says that it is, by its own clock; it counts more than the sender's time, which is used only
    if it is neither of a clock that was never set nor in the future.
    """
    if age is not None and age >= 0:
        return max(0.0, received - age)
    return claimed if CLOCK_IS_SET <= claimed <= received + CLOCK_SKEW_SECONDS else received


def _check_values(document: object) -> None:
    """Raise BadMessageError for what is nested too deeply, and for numbers that no float can hold, such as 1e999."""
    layer = [document]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for value in layer:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, float) and isinf(value):
                raise BadMessageError("the message has a number that is too large")
        if not inner:
            return
        layer = inner
    raise BadMessageError(f"the message is nested more than {MAX_DEPTH} deep")
