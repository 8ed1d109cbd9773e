"""Circuit breaker: stops requests for a while after several failures. Pure; the time is an argument."""

MAX_FAILURES = 3
"""Consecutive failures after which the breaker opens."""
PAUSE_SECONDS = 30.0


class CircuitBreaker:
    """Closed at first; open for a pause after several consecutive failures; then half open: one trial decides."""

    def __init__(self, max_failures: int = MAX_FAILURES, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._max_failures = max_failures
        self._pause_seconds = pause_seconds
        self._failures = 0
        self._open_until: float | None = None
        self._is_probing = False

    @property
    def has_failed(self) -> bool:
        """Whether the last attempt that had a result was a failure."""
        return self._failures > 0

    def allows_attempt(self, now: float) -> bool:
        """Return whether an attempt may start."""
        return self._open_until is None or (now >= self._open_until and not self._is_probing)

    def start_attempt(self) -> bool:
        """Record the start of an allowed attempt; return whether it is the trial, for `end_attempt`."""
        is_trial = self._open_until is not None
        self._is_probing = self._is_probing or is_trial
        return is_trial

    def record_success(self) -> None:
        self._failures = 0
        self._open_until = None

    def record_failure(self, now: float) -> None:
        self._failures += 1
        if self._failures >= self._max_failures:
            self._open_until = now + self._pause_seconds

    def end_attempt(self, is_trial: bool) -> None:
        """Record the end of an attempt, even of a cancelled one without a result."""
        if is_trial:
            self._is_probing = False
