"""Fields: typed getters for objects read from JSON or TOML, whose errors name the key."""

from collections.abc import Callable, Mapping
from math import inf, isfinite
from typing import Any


class Fields:
    """An object's fields. A value of another type raises `error(reason)`, ValueError by default.

    A field that is null counts as absent. True and false are no numbers, nor are NaN and infinity.
    """

    def __init__(self, document: object, error: Callable[[str], Exception] = ValueError) -> None:
        if not isinstance(document, Mapping):
            raise error("it must be an object")
        self._values: Mapping[str, Any] = document
        self._error = error

    def text(self, key: str, min_length: int = 0, max_length: int | None = None) -> str:
        value = self._values.get(key)
        if not is_text(value, min_length, max_length):
            raise self._error(f"{key} must be a text{_format_range(min_length, max_length, ' of {} characters')}")
        return str(value)

    def optional_text(self, key: str, min_length: int = 0, max_length: int | None = None) -> str | None:
        return None if self._is_absent(key) else self.text(key, min_length, max_length)

    def texts(self, key: str, max_items: int | None = None, max_length: int | None = None) -> tuple[str, ...]:
        """Return a list of texts, an empty one when it is absent."""
        values = [] if self._is_absent(key) else self._values[key]
        too_many = isinstance(values, list) and max_items is not None and len(values) > max_items
        if not isinstance(values, list) or too_many or not all(is_text(value, 0, max_length) for value in values):
            bounds = "" if max_items is None else f"at most {max_items} "
            raise self._error(
                f"{key} must be a list of {bounds}texts{_format_range(0, max_length, ' of {} characters')}"
            )
        return tuple(values)

    def number(self, key: str, least: float = -inf, most: float = inf) -> float:
        value = parse_number(self._values.get(key))
        if value is None or not least <= value <= most:
            raise self._error(f"{key} must be a number{_format_limits(least, most)}")
        return value

    def optional_number(self, key: str, least: float = -inf, most: float = inf) -> float | None:
        return None if self._is_absent(key) else self.number(key, least, most)

    def integer(self, key: str, least: float = -inf, most: float = inf) -> int:
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._error(f"{key} must be a whole number{_format_limits(least, most)}")
        return value

    def boolean(self, key: str) -> bool:
        value = self._values.get(key)
        if not isinstance(value, bool):
            raise self._error(f"{key} must be true or false")
        return value

    def objects(self, key: str, max_items: int) -> "list[Fields]":
        """Return a list of objects."""
        values = self._values.get(key)
        if not isinstance(values, list) or len(values) > max_items:
            raise self._error(f"{key} must be a list of at most {max_items} objects")
        return [Fields(value, self._error) for value in values]

    def mapping(self, key: str) -> Mapping[str, Any]:
        value = self._values.get(key)
        if not isinstance(value, Mapping):
            raise self._error(f"{key} must be an object")
        return value

    def optional_object(self, key: str) -> "Fields | None":
        if self._is_absent(key):
            return None
        if not isinstance(self._values[key], Mapping):
            raise self._error(f"{key} must be an object")
        return Fields(self._values[key], self._error)

    def _is_absent(self, key: str) -> bool:
        return self._values.get(key) is None


def parse_number(value: object) -> float | None:
    """Return a finite number, None for any other value: for peers whose mistakes are no reason to refuse them."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON's integers have no bounds
        return None
    return number if isfinite(number) else None


def is_text(value: object, min_length: int = 0, max_length: int | None = None) -> bool:
    """Return whether a value is a text of a length in these limits."""
    return isinstance(value, str) and min_length <= len(value) and (max_length is None or len(value) <= max_length)


def _format_range(least: int, most: int | None, template: str) -> str:
    if most is None:
        return template.format(f"at least {least}") if least else ""
    return template.format(f"{least} to {most}" if least else f"at most {most}")


def _format_limits(least: float, most: float) -> str:
    if least == -inf:
        return "" if most == inf else f" of at most {most:.15g}"
    return f" of at least {least:.15g}" if most == inf else f" from {least:.15g} to {most:.15g}"
