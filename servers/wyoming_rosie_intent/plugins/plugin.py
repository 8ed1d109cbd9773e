"""What an integration by somebody else offers: the class to derive from."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Sentences: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]
"""Templates in hassil's format; or, by language, such templates."""
Values: TypeAlias = Sequence[str] | range
"""What may stand where a template has a {list}."""


class IntegrationPlugin(ABC):
    """Connects a service or device; runs in a thread with an event loop of its own."""

    name: str = ""  # as it is spoken of; without one, its folder's
    version: str = ""

    @abstractmethod
    async def initialize(self, config: Mapping[str, Any]) -> None:
        """Get ready. Called again later when it raises."""

    @abstractmethod
    async def handle_command(self, intent: str, entities: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out an intent; return `success` (true or false) and `message`, the sentence to say."""

    @abstractmethod
    async def get_status(self) -> Mapping[str, Any]:
        """Return `healthy` (true or false) and, if not, `message`."""

    @abstractmethod
    def get_intents(self) -> Sequence[str] | Mapping[str, Sentences]:
        """Return the intents' names, or the sentences of each; asked once, after `initialize`."""

    def get_lists(self) -> Mapping[str, Values]:
        """Return the words or numbers of each {list} in the sentences; any other {list} takes any words."""
        return {}

    async def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Let go of what `initialize` has opened."""
