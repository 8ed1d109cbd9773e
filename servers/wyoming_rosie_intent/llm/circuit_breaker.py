"""A circuit breaker: what has failed several times is left alone for a while. Pure, the time is an argument."""

MOST_FAILURES = 3
"""In a row; then the breaker opens."""
PAUSE_SECONDS = 30.0


class Breaker:
    """Closed while all is well; open for PAUSE_SECONDS after MOST_FAILURES in a row; then one trial decides."""

    def __init__(self) -> None:
        self._failures = 0
        self._pause_ends: float | None = None
        self._trying = False

    def allows(self, now: float) -> bool:
        """Return whether an attempt may begin."""
        return self._pause_ends is None or (now >= self._pause_ends and not self._trying)

    def begin(self) -> bool:
        """Note an attempt that is allowed; return whether it is the trial, which must be told to have `ended`."""
        is_trial = self._pause_ends is not None
        self._trying = self._trying or is_trial
        return is_trial

    def succeeded(self) -> None:
        self._failures = 0
        self._pause_ends = None

    def failed(self, now: float) -> None:
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            self._pause_ends = now + PAUSE_SECONDS

    def ended(self, is_trial: bool) -> None:
        """Note the end of an attempt, also of one that nobody waited for and that decides nothing."""
        if is_trial:
            self._trying = False
