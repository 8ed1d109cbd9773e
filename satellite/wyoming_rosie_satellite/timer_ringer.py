"""Timer ringer: a finished timer rings repeatedly until it is stopped. Rules; times are seconds."""

from dataclasses import dataclass


@dataclass
class TimerRinger:
    """The rings that are left of the timer that finished last."""

    next_ring: float = 0.0
    _rings_left: int = 0
    _pause_seconds: float = 0.0

    @property
    def is_ringing(self) -> bool:
        return self._rings_left > 0

    def start(self, rings: int, pause_seconds: float, now: float) -> None:
        self._rings_left, self._pause_seconds, self.next_ring = rings, pause_seconds, now

    def ring(self, now: float) -> bool:
        """Return whether the timer sounds now; that ring is counted."""
        if not self.is_ringing or now < self.next_ring:
            return False
        self._rings_left -= 1
        self.next_ring = now + self._pause_seconds
        return True

    def stop(self) -> bool:
        """Stop ringing; return whether a timer rang."""
        was_ringing, self._rings_left = self.is_ringing, 0
        return was_ringing
