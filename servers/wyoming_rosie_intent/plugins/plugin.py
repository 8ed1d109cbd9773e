"""Base class of plugins."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Sentences: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]
"""Templates in hassil's format, or such templates by language."""
Values: TypeAlias = Sequence[str] | range
"""Values of a {list} in a template."""


class IntegrationPlugin(ABC):
    """Integrates a service or device. Runs in a thread with its own event loop."""

    name: str = ""  # used in answers; by default that of its folder
    version: str = ""

    @abstractmethod
    async def initialize(self, config: Mapping[str, Any]) -> None:
        """Connect and prepare. Called again later when it raises."""

    @abstractmethod
    async def handle_command(self, intent: str, entities: Mapping[str, Any]) -> Mapping[str, Any]:
        """Execute an intent; return `success` (true or false) and `message`, the sentence to speak."""

    @abstractmethod
    async def get_status(self) -> Mapping[str, Any]:
        """Return `healthy` (true or false) and a `message` when it is false."""

    @abstractmethod
    def get_intents(self) -> Sequence[str] | Mapping[str, Sentences]:
        """Return the names of the intents, or the sentences of each. Called once, after `initialize`."""

    def get_lists(self) -> Mapping[str, Values]:
        """Return the values of each {list} in the sentences; any other {list} matches any words."""
        return {}

    async def close(self) -> None:  # noqa: B027 - optional
        """Release the resources of `initialize`."""
