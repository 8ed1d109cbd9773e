"""Bad messages for the buses: one table for all topics, streams and subjects."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NAMES = (
    "", ".", "..", "a.b", "*", ">", "+", "#", "a/b", "../../etc/passwd", "a b", "\0", "\n", "é", "x" * 300, "$SYS",
    "voice.intent.lock.turn_off", "frigate/door/detect/set", "\u202e", "'; --", "{{1}}", "%s%n",
)  # fmt: skip
"""What strangers may call devices, cameras, labels, zones, sessions, domains and intents."""
CLOCKS: tuple[Any, ...] = (0, 1.0, 5e8, 9e10, -1, 1.8e12, 1e400, "now", None, True, [])
"""Times: 1970, before this program, far in the future, in milliseconds, and no times at all."""
_NO_NAMES: tuple[Any, ...] = (None, 5, True, [], {}, "", " ", "x" * 300, ">", "a b", "\0", "é")
_NO_VALUES: tuple[Any, ...] = (None, True, -1, 2**70, 1e300, [], {}, [[[]]], {"a": {"b": None}})


@dataclass(frozen=True)
class HostileMessage:
    """Bytes that are no valid message, or a valid one that means harm."""

    name: str
    raw: bytes = field(repr=False)


def hostile_messages(schema: str, data: Mapping[str, Any], prefix: str = "hostile") -> Iterator[HostileMessage]:
    """Yield all of them for one schema, of which `data` is valid; keys begin with `prefix`."""
    whole = {"schema": schema, "key": f"{prefix}:1", "ts": time.time(), "source": prefix, "trace": "t", "data": data}
    for number, (name, changes) in enumerate(_changes(data)):
        yield HostileMessage(name, json.dumps({**whole, "key": f"{prefix}:{number}", **changes}).encode())
    text = json.dumps(whole).encode()
    yield HostileMessage("nothing", b"")
    yield HostileMessage("no JSON", b"hello")
    yield HostileMessage("half a message", text[: len(text) // 2])
    yield HostileMessage("not UTF-8", text.replace(b'"t"', b'"\xff\xfe"'))
    yield HostileMessage("all bytes", bytes(range(256)) * 8)
    yield HostileMessage("zeros", bytes(10_000))
    yield HostileMessage("a list", b"[" + text + b"]")
    yield HostileMessage("a number", b"5")
    yield HostileMessage("null", b"null")
    yield HostileMessage("not a number", text.replace(b'"data"', b'"nan": NaN, "data"'))
    yield HostileMessage("an infinite number", text.replace(b'"data"', b'"inf": 1e999, "data"'))
    yield HostileMessage("a key given twice", text[:-1] + b', "key": "a b", "key": ">"}')
    yield HostileMessage("data given twice", text[:-1] + b', "data": {}, "data": []}')
    yield HostileMessage("deep JSON", text.replace(b'"t"', b'{"a":' * 5_000 + b"1" + b"}" * 5_000))
    yield HostileMessage("deep lists", b"[" * 100_000)
    yield HostileMessage("300 kB", json.dumps({**whole, "more": "x" * 300_000}).encode())
    yield HostileMessage("a number of 5000 digits", text.replace(b'"data"', b'"n": ' + b"9" * 5_000 + b', "data"'))
    yield HostileMessage("half a character", text.replace(b'"t"', rb'"\ud800"'))


def _changes(data: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what to change in an envelope, with a name."""
    for value in _NO_NAMES:
        yield f"key {value!r:.20}", {"key": value}
        yield f"schema {value!r:.20}", {"schema": value}
        yield f"source {value!r:.20}", {"source": value}
        yield f"data {value!r:.20}", {"data": value}
    for clock in CLOCKS:
        yield f"ts {clock!r}", {"ts": clock}
        yield f"deadline {clock!r}", {"deadline": clock}
    for name in data:
        for value in (*_NO_VALUES, *NAMES):
            yield f"{name} {value!r:.20}", {"data": {**data, name: value}}
    yield "only nulls", {"data": dict.fromkeys(data)}
    yield "10000 unknown fields", {"data": {**data, **{f"field{number}": number for number in range(10_000)}}}
    yield "another schema", {"schema": "rosie.v1.other"}
    yield "schema of tomorrow", {"schema": "rosie.v2.audio.raw"}
