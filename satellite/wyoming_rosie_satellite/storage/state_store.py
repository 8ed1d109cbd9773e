"""What a restart must not forget: whether the microphone is muted, and how loud the speaker is."""

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path

from wyoming_rosie.runtime import json_store

LOUDEST = 100


@dataclass(frozen=True)
class Kept:
    """`volume` is 0 to LOUDEST."""

    muted: bool = False
    volume: int = LOUDEST


class StateStore:
    """Keeps the state in a file; `run` writes it."""

    def __init__(self, path: Path) -> None:
        self.kept = Kept()
        self._path = path
        self._saver = json_store.JsonWriter(path, lambda: asdict(self.kept))

    async def load(self) -> Kept:
        """Return what the last run kept; what cannot be read counts as muted, since somebody may have wanted that."""
        try:
            found = await asyncio.to_thread(json_store.read, self._path)
            self.kept = Kept() if found is None else restored(found)
        except (ValueError, OSError) as err:
            await asyncio.to_thread(json_store.quarantine, self._path, err)
            self.kept = Kept(muted=True)
        return self.kept

    def keep(self, kept: Kept) -> None:
        """Have a new state written soon; never waits."""
        if kept != self.kept:
            self.kept = kept
            self._saver.schedule()

    async def run(self) -> None:
        """Write until cancelled, and then what is not written yet."""
        await self._saver.run()


def restored(document: object) -> Kept:
    """Return the state that was written. Raises ValueError for what is none."""
    match document:
        case {"muted": bool(muted), "volume": int(volume)} if 0 <= volume <= LOUDEST:
            return Kept(muted, volume)
    raise ValueError("a satellite's state is muted, true or false, and volume, 0 to 100")
