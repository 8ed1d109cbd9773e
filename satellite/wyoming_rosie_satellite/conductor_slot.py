"""Who conducts a satellite: one peer at a time."""

from typing import Generic, TypeVar

from wyoming_rosie.errors import BadEventError

ALIVE_SECONDS = 5.0
"""A conductor that was heard so lately keeps the satellite."""

C = TypeVar("C")


class ConductorSlot(Generic[C]):
    """The conductor's place. `now` is in seconds."""

    def __init__(self) -> None:
        self.holder: C | None = None
        self.is_paused = False
        self._last_seen = 0.0

    def claim(self, peer: C, now: float) -> C | None:
        """Seat a peer; return whom it replaces. Raises BadEventError while another one is at work."""
        if self.holder not in (None, peer) and not self.is_paused and now - self._last_seen < ALIVE_SECONDS:
            raise BadEventError("this satellite has a conductor already; try again when it is gone", "busy")
        replaced = None if self.holder is peer else self.holder
        self.holder, self._last_seen, self.is_paused = peer, now, False
        return replaced

    def pause(self, peer: C) -> bool:
        """Let the peer keep the slot until somebody wants it; return whether it has it."""
        if self.holder is not peer:
            return False
        self.is_paused = True
        return True

    def mark_alive(self, peer: C, now: float) -> None:
        """Note that the peer is still there."""
        if self.holder is peer:
            self._last_seen = now

    def release(self, peer: C) -> bool:
        """Free the slot if the peer has it; return whether it had."""
        if self.holder is not peer:
            return False
        self.holder, self.is_paused = None, False
        return True
