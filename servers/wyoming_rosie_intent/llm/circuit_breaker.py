"""A circuit breaker: what has failed several times is left alone for a while. Pure, the time is an argument."""

MAX_FAILURES = 3
"""In a row; then the breaker opens."""
PAUSE_SECONDS = 30.0


class CircuitBreaker:
    """Closed while all is well; open for PAUSE_SECONDS after MAX_FAILURES in a row; then one trial decides."""

    def __init__(self) -> None:
        self._failures = 0
        self._open_until: float | None = None
        self._is_probing = False

    def allows_attempt(self, now: float) -> bool:
        """Return whether an attempt may begin."""
        return self._open_until is None or (now >= self._open_until and not self._is_probing)

    def start_attempt(self) -> bool:
        """Note an attempt that is allowed; return whether it is the trial, which must be told to have `ended`."""
        is_trial = self._open_until is not None
        self._is_probing = self._is_probing or is_trial
        return is_trial

    def record_success(self) -> None:
        self._failures = 0
        self._open_until = None

    def record_failure(self, now: float) -> None:
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            self._open_until = now + PAUSE_SECONDS

    def end_attempt(self, is_trial: bool) -> None:
        """Note the end of an attempt, also of one that nobody waited for and that decides nothing."""
        if is_trial:
            self._is_probing = False
