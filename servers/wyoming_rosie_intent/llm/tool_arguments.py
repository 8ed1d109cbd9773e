"""Tool arguments: validates a model's arguments against the tool's schema and repairs plain mistakes."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from wyoming_rosie.errors import RosieError

Schema: TypeAlias = Mapping[str, Any]
MAX_TEXT_CHARACTERS = 200
_TYPES: Mapping[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float)}


class ArgumentError(RosieError):
    """The arguments do not match the schema; the text is for the model."""

    code = "arguments"


def validate_arguments(arguments: Mapping[str, object] | None, schema: Schema) -> dict[str, str | int | float]:
    """Return the arguments in the types of an object's schema. Raises ArgumentError."""
    if arguments is None:
        raise ArgumentError("the arguments are no JSON object")
    known = schema.get("properties", {})
    present = {name: value for name, value in arguments.items() if value not in (None, "", [], {})}
    for name in present:
        if name not in known:
            raise ArgumentError(f"there is no argument '{str(name)[:40]}'; there are: {', '.join(known)}")
    for name in schema.get("required", ()):
        if name not in present:
            raise ArgumentError(f"the argument '{name}' is missing")
    return {name: _validate_value(name, value, known[name]) for name, value in present.items()}


def _validate_value(name: str, argument: object, schema: Schema) -> str | int | float:
    value = _coerce_value(argument, schema["type"])
    if isinstance(value, bool) or not isinstance(value, _TYPES[schema["type"]]):
        raise ArgumentError(f"'{name}' must be of type {schema['type']}")
    assert isinstance(value, (str, int, float))
    if isinstance(value, str):
        return _validate_text(name, value, schema)
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    if not low <= value <= high:
        raise ArgumentError(f"'{name}' must be between {low} and {high}")
    return value


def _validate_text(name: str, value: str, schema: Schema) -> str:
    most = schema.get("maxLength", MAX_TEXT_CHARACTERS)
    if len(value) > most:
        raise ArgumentError(f"'{name}' has more than {most} characters")
    allowed = schema.get("enum")
    if allowed is None:
        return value
    if value.lower() not in allowed:
        raise ArgumentError(f"'{name}' must be one of: {', '.join(allowed)}")
    return value.lower()


def _coerce_value(argument: object, kind: str) -> object:
    """Take the value out of a list of one and a number out of a text, as models write both."""
    value = argument[0] if isinstance(argument, list) and len(argument) == 1 else argument
    if kind != "string" and isinstance(value, str):
        value = _parse_number(value)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return " ".join(value.split()) if isinstance(value, str) else value


def _parse_number(text: str) -> object:
    try:
        return float(text.strip().rstrip("%°").strip())
    except ValueError:
        return text
