"""Schemas: dataclasses as the `data` of envelopes, written and checked by their type hints.

Fields that a reader does not know are ignored, so that a schema can grow; a field that is missing or has another type is an
error, which names it.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from math import isfinite
from typing import Any, Literal, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

from wyoming_rosie.bus.envelope import SCHEMA_PREFIX, Envelope
from wyoming_rosie.bus.errors import BadMessageError

M = TypeVar("M")
MAX_TEXT_LENGTH = 100_000
MAX_ITEMS = 1000
MAX_LENGTH = "max_length"
"""Metadata of a text field that may have another length than MAX_TEXT_LENGTH."""
_SCHEMAS: dict[type, str] = {}
_HINTS: dict[type, dict[str, Any]] = {}


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def message(name: str) -> Callable[[type[M]], type[M]]:
    """Return a decorator that makes a class a frozen dataclass and the message `rosie.v1.NAME`."""

    def register(cls: type[M]) -> type[M]:
        made = dataclass(frozen=True)(cls)
        _SCHEMAS[made] = SCHEMA_PREFIX + name
        return made

    return register


def schema_of(cls: type) -> str:
    """Return the schema of a message's class."""
    return _SCHEMAS[cls]


def to_data(value: Any) -> Any:
    """Return a message as JSON values, without fields that are None."""
    if is_dataclass(value):
        pairs = ((part.name, getattr(value, part.name)) for part in fields(value))
        return {name: to_data(part) for name, part in pairs if part is not None}
    if isinstance(value, tuple | list):
        return [to_data(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): to_data(part) for key, part in value.items()}
    return value


def from_data(cls: type[M], data: object, path: str = "data") -> M:
    """Return the message in JSON values. Raises BadMessageError."""
    if not isinstance(data, Mapping):
        raise BadMessageError(f"{path} must be an object")
    hints: Mapping[str, Any] = _HINTS[cls] if cls in _HINTS else _HINTS.setdefault(cls, get_type_hints(cls))
    given: dict[str, Any] = {}
    for part in fields(cls):  # type: ignore[arg-type]
        value = data.get(part.name)
        if value is None and _has_default(part):
            continue
        max_length = part.metadata.get(MAX_LENGTH, MAX_TEXT_LENGTH)
        given[part.name] = _read(hints[part.name], value, f"{path}.{part.name}", max_length)
    return cls(**given)


def wrap(
    message: Any, *, key: str, source: str, now: float, trace: str = "", deadline: float | None = None
) -> Envelope:
    """Return the first envelope of a message."""
    return Envelope(schema_of(type(message)), key, now, source, trace or key, to_data(message), deadline)


def follow(cause: Envelope, message: Any, source: str, now: float, **changes: Any) -> Envelope:
    """Return the envelope of a message that follows from another: same key, trace and deadline."""
    return cause.next_hop(schema_of(type(message)), to_data(message), source, now, **changes)


def unwrap(cls: type[M], envelope: Envelope) -> M:
    """Return the message of an envelope. Raises BadMessageError if it is another or invalid."""
    if envelope.schema != schema_of(cls):
        raise BadMessageError(f"the schema is {envelope.schema}, not {schema_of(cls)}")
    return from_data(cls, envelope.data)


def _has_default(part: Field[Any]) -> bool:
    return part.default is not MISSING or part.default_factory is not MISSING


def _read(wanted: Any, value: object, path: str, max_length: int = MAX_TEXT_LENGTH) -> Any:
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        kind = next(part for part in parts if part is not type(None))
        return None if value is None else _read(kind, value, path, max_length)
    if origin is tuple:
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise BadMessageError(f"{path} must be a list of at most {MAX_ITEMS}")
        return tuple(_read(parts[0], part, f"{path}[{index}]") for index, part in enumerate(value))
    if origin is Literal:
        if value not in parts:
            raise BadMessageError(f"{path} must be one of: {', '.join(map(str, parts))}")
        return value
    if origin is not None or wanted is dict:
        if not isinstance(value, Mapping):
            raise BadMessageError(f"{path} must be an object")
        return dict(value)
    if is_dataclass(wanted):
        return from_data(wanted, value, path)  # type: ignore[arg-type]
    return _read_plain(wanted, value, path, max_length)


def _read_plain(wanted: Any, value: object, path: str, max_length: int) -> Any:
    if wanted is str and isinstance(value, str):
        if len(value) > max_length:
            raise BadMessageError(f"{path} has more than {max_length} characters")
        return value
    if wanted is bool and isinstance(value, bool):
        return value
    if wanted is int and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if abs(value) < 1e300 else float("inf")
        if isfinite(number):
            return number
    named = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
    raise BadMessageError(f"{path} must be {named.get(wanted, wanted)}")
