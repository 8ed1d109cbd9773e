"""Who conducts a satellite: one peer at a time."""

from typing import Generic, TypeVar

from wyoming_rosie.errors import BadEventError

KEEP_SECONDS = 5.0
"""A conductor that was heard so lately keeps the satellite."""

C = TypeVar("C")


class Seat(Generic[C]):
    """The conductor's place. `now` is in seconds."""

    def __init__(self) -> None:
        self.holder: C | None = None
        self.is_paused = False
        self._heard = 0.0

    def take(self, peer: C, now: float) -> C | None:
        """Seat a peer; return whom it replaces. Raises BadEventError while another one is at work."""
        if self.holder not in (None, peer) and not self.is_paused and now - self._heard < KEEP_SECONDS:
            raise BadEventError("this satellite has a conductor already; try again when it is gone", "busy")
        replaced = None if self.holder is peer else self.holder
        self.holder, self._heard, self.is_paused = peer, now, False
        return replaced

    def pause(self, peer: C) -> bool:
        """Let the peer keep the seat until somebody wants it; return whether it has it."""
        if self.holder is not peer:
            return False
        self.is_paused = True
        return True

    def heard(self, peer: C, now: float) -> None:
        """Note that the peer is still there."""
        if self.holder is peer:
            self._heard = now

    def leave(self, peer: C) -> bool:
        """Free the seat if the peer has it; return whether it had."""
        if self.holder is not peer:
            return False
        self.holder, self.is_paused = None, False
        return True
