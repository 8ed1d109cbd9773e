"""Filters as SQL conditions, so that nothing outside them is ever ranked."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from wyoming_rosie_intent.memory.model import EQUAL_FIELDS, MemoryFilter, MemoryScope

Condition: TypeAlias = tuple[str, tuple[object, ...]]
"""An SQL expression over `memory` and its parameters."""
NEVER: Condition = ("0", ())


def join_all(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that holds where all do."""
    return _join(" AND ", conditions, "1")


def join_any(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that holds where any does."""
    return _join(" OR ", conditions, "0")


def own_conversation(scope: MemoryScope) -> Condition:
    """Return the condition of the present conversation of somebody who is not known, guests above all."""
    if scope.conversation is None:
        return NEVER
    return join_all((("memory.person IS NULL AND memory.conversation = ?", (scope.conversation,)), _in_room(scope)))


def matches(where: MemoryFilter) -> Condition:
    """Return the condition of a filter."""
    return join_all(_parts(where))


def _in_room(scope: MemoryScope) -> Condition:
    others = join_all((("NOT memory.is_private", ()), _not_among("memory.room", scope.private_rooms)))
    return others if scope.room is None else join_any((("memory.room IS ?", (scope.room,)), others))


def _parts(where: MemoryFilter) -> Iterator[Condition]:
    if where.ids:
        yield _among("memory.id", where.ids)
    if where.kinds:
        yield _among("memory.kind", [kind.value for kind in where.kinds])
    if where.since is not None:
        yield "memory.at >= ?", (where.since,)
    if where.until is not None:
        yield "memory.at < ?", (where.until,)
    for column in EQUAL_FIELDS:
        if (value := getattr(where, column)) is not None:
            yield f"memory.{column} = ?", (str(value),)
    if where.tag is not None:
        yield "EXISTS (SELECT 1 FROM json_each(memory.tags) WHERE value = ?)", (where.tag,)
    if not where.with_replaced:
        yield "memory.replaced_by IS NULL", ()


def _among(column: str, values: Iterable[str]) -> Condition:
    values = tuple(values)
    return f"{column} IN ({', '.join('?' * len(values))})", values


def _not_among(column: str, values: Iterable[str]) -> Condition:
    expression, parameters = _among(column, sorted(values))
    return f"({column} IS NULL OR NOT {expression})", parameters


def _join(operator: str, conditions: Iterable[Condition], empty: str) -> Condition:
    conditions = tuple(conditions)
    expression = operator.join(f"({text})" for text, _ in conditions) or empty
    return expression, tuple(parameter for _, parameters in conditions for parameter in parameters)
