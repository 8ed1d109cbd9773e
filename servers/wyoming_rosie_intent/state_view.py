"""Read-only view of entity states that converts one entity at a time, since a home may have thousands."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class StateAttributesView(Mapping[str, Mapping[str, object]], Generic[T]):
    """State and attributes by entity id, ready for JSON, computed at each access."""

    def __init__(self, states: Mapping[str, T], get_attributes: Callable[[T], Mapping[str, object]]) -> None:
        self._states = states
        self._get_attributes = get_attributes

    def __getitem__(self, entity: str) -> Mapping[str, object]:
        return self._get_attributes(self._states[entity])

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)
