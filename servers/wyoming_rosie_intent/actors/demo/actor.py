"""Actor with a simulated home in memory, for trying things out and for tests."""

from collections.abc import Mapping
from datetime import datetime

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo import state
from wyoming_rosie_intent.engine import ActorContext, Answer, Command, ServedActor


class DemoActor(ServedActor):
    def __init__(self, home: Home) -> None:
        self._state = state.create_initial_state(home)

    async def act(self, command: Command, now: datetime) -> Answer:
        """Execute a command or answer a question."""
        self._state, answer = state.execute(self._state, command, now)
        return answer

    @property
    def is_simulated(self) -> bool:
        return True

    def set_home(self, home: Home) -> None:
        """Add the new entities of a changed home."""
        self._state = state.add_new_entities(self._state, home)

    def states(self) -> Mapping[str, Mapping[str, object]]:
        return state.view_states(self._state)


def load(context: ActorContext) -> DemoActor:
    """Return the actor."""
    return DemoActor(context.home)
