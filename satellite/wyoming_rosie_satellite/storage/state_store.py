"""State store: mute and volume across restarts."""

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path

from wyoming_rosie.runtime import json_store
from wyoming_rosie_satellite.integrations.controls import MAX_VOLUME


@dataclass(frozen=True)
class SavedState:
    """`volume` is 0 to MAX_VOLUME."""

    muted: bool = False
    volume: int = MAX_VOLUME


class StateStore:
    """Keeps the state in a file; `run` writes it."""

    def __init__(self, path: Path) -> None:
        self.state = SavedState()
        self._path = path
        self._saver = json_store.JsonWriter(path, lambda: asdict(self.state))

    async def load(self) -> SavedState:
        """Return the saved state; one that cannot be read counts as muted, because the user may have muted it."""
        try:
            found = await asyncio.to_thread(json_store.read, self._path)
            self.state = SavedState() if found is None else parse_state(found)
        except (ValueError, OSError) as err:
            await asyncio.to_thread(json_store.quarantine, self._path, err)
            self.state = SavedState(muted=True)
        return self.state

    def save(self, state: SavedState) -> None:
        """Write a new state soon; never waits."""
        if state != self.state:
            self.state = state
            self._saver.schedule()

    async def run(self) -> None:
        """Write until cancelled, and then what is left."""
        await self._saver.run()


def parse_state(document: object) -> SavedState:
    """Parse a saved state. Raises ValueError if the document does not match the schema."""
    match document:
        case {"muted": bool(muted), "volume": int(volume)} if 0 <= volume <= MAX_VOLUME:
            return SavedState(muted, volume)
    raise ValueError("a satellite's state is muted, true or false, and volume, 0 to 100")
