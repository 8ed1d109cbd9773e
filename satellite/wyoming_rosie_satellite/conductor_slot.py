"""Slot of a conductor: one peer at a time conducts, and another may replace it once it is idle."""

from typing import Generic, TypeVar

from wyoming_rosie.errors import BadEventError

ALIVE_SECONDS = 5.0
"""A conductor that sent something within this time cannot be replaced."""

C = TypeVar("C")


class ConductorSlot(Generic[C]):
    """The conductor that has the slot. `now` is in seconds."""

    def __init__(self) -> None:
        self.holder: C | None = None
        self.is_paused = False
        self._last_seen = 0.0

    def claim(self, peer: C, now: float) -> C | None:
        """Give the slot to a peer; return the one it replaces, if any. Raises BadEventError while that one is alive."""
        if self.holder not in (None, peer) and not self.is_paused and now - self._last_seen < ALIVE_SECONDS:
            raise BadEventError("this satellite has a conductor already; try again when it is gone", "busy")
        replaced = None if self.holder is peer else self.holder
        self.holder, self._last_seen, self.is_paused = peer, now, False
        return replaced

    def pause(self, peer: C) -> bool:
        """Let another peer claim the slot at any time; return whether this peer has it."""
        if self.holder is not peer:
            return False
        self.is_paused = True
        return True

    def mark_alive(self, peer: C, now: float) -> None:
        """Record that the peer is still there."""
        if self.holder is peer:
            self._last_seen = now

    def release(self, peer: C) -> bool:
        """Release the slot if the peer has it; return whether it did."""
        if self.holder is not peer:
            return False
        self.holder, self.is_paused = None, False
        return True
