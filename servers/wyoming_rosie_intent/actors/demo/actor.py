"""A small house in memory, for trying and for tests."""

from collections.abc import Mapping
from datetime import datetime

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo import house
from wyoming_rosie_intent.engine import Answer, Command


class DemoActor:
    def __init__(self, home: Home) -> None:
        self._house = house.furnished(home)

    async def act(self, command: Command, now: datetime) -> Answer:
        """Carry out a command or answer a question at once."""
        self._house, answer = house.act(self._house, command, now)
        return answer

    def move_to(self, home: Home) -> None:
        """Be about a home that has changed."""
        self._house = house.refurnished(self._house, home)

    def states(self) -> Mapping[str, Mapping[str, object]]:
        return house.states(self._house)
