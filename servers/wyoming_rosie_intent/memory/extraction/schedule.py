"""Schedule of the extraction: talk is looked at when nobody has spoken for a while. Pure."""

from wyoming_rosie.runtime.backoff import Backoff

FIRST_PAUSE_SECONDS = 60.0
MAX_PAUSE_SECONDS = 3600.0


class ExtractionSchedule:
    """Tells how long to wait; times are seconds of any clock."""

    def __init__(self, idle_seconds: float, now: float, backoff: Backoff | None = None) -> None:
        self._idle_seconds = idle_seconds
        self._backoff = backoff or Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        self._turns = 0
        self._quiet_since = now
        self._retry_at = now
        self._has_new_talk = True

    def on_wake_word(self, now: float) -> None:
        self._quiet_since = now

    def on_turn_start(self) -> None:
        self._turns += 1

    def on_turn_end(self, now: float) -> None:
        self._turns -= 1
        self._quiet_since = now
        self._has_new_talk = True

    def on_success(self, *, has_more: bool) -> None:
        """Note that some talk was looked at, and whether there is more."""
        self._backoff.reset()
        self._has_new_talk = has_more

    def on_failure(self, now: float) -> None:
        """Note a failure; each one prolongs the pause before the next attempt."""
        self._retry_at = now + self._backoff.next_pause()

    def get_wait(self, now: float) -> float | None:
        """Return the seconds until talk is to be looked at; None while a turn runs or there is nothing new."""
        if self._turns or not self._has_new_talk:
            return None
        return max(0.0, self._quiet_since + self._idle_seconds - now, self._retry_at - now)
