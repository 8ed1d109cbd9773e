"""Entity states as Home Assistant reports them: all at first, then the changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class ReportedState:
    value: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_available(self) -> bool:
        return self.value != "unavailable"


class ReportedStates(Mapping[str, ReportedState]):
    """States by entity id."""

    def __init__(self) -> None:
        self._states: dict[str, ReportedState] = {}

    def __getitem__(self, entity: str) -> ReportedState:
        return self._states[entity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def apply_event(self, event: Mapping[str, Any]) -> bool:
        """Apply an event of `subscribe_entities`; return whether entities were added or removed."""
        is_other = bool(event.get("a", {}).keys() - self._states.keys() or event.get("r"))
        for entity, added in event.get("a", {}).items():
            self._states[entity] = ReportedState(str(added.get("s", "unknown")), added.get("a", {}))
        for entity, change in event.get("c", {}).items():
            if entity in self._states:
                self._states[entity] = _apply_change(self._states[entity], change)
        for entity in event.get("r", ()):
            self._states.pop(entity, None)
        return is_other


def _apply_change(state: ReportedState, change: Mapping[str, Any]) -> ReportedState:
    added, removed = change.get("+", {}), frozenset(change.get("-", {}).get("a", ()))
    attributes = {key: value for key, value in state.attributes.items() if key not in removed}
    return replace(state, value=str(added.get("s", state.value)), attributes={**attributes, **added.get("a", {})})
