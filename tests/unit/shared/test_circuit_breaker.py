from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wyoming_rosie.runtime.circuit_breaker import MAX_FAILURES, PAUSE_SECONDS, CircuitBreaker


def opened(now: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker()
    for _ in range(MAX_FAILURES):
        breaker.start_attempt()
        breaker.record_failure(now)
    return breaker


def test_fewer_failures_than_three_in_a_row_do_not_open_it() -> None:
    breaker = CircuitBreaker()
    for _ in range(10):
        breaker.record_failure(0.0)
        breaker.record_failure(0.0)
        breaker.record_success()
    assert breaker.allows_attempt(0.0)


def test_three_failures_open_it_for_half_a_minute() -> None:
    breaker = opened(100.0)
    assert not breaker.allows_attempt(100.0)
    assert not breaker.allows_attempt(100.0 + PAUSE_SECONDS - 0.1)
    assert breaker.allows_attempt(100.0 + PAUSE_SECONDS)


def test_one_trial_is_allowed_after_the_pause() -> None:
    breaker = opened()
    assert breaker.start_attempt()
    assert not breaker.allows_attempt(PAUSE_SECONDS)


def test_trial_that_fails_opens_it_again_at_once() -> None:
    breaker = opened()
    trial = breaker.start_attempt()
    breaker.record_failure(PAUSE_SECONDS)
    breaker.end_attempt(trial)
    assert not breaker.allows_attempt(PAUSE_SECONDS + 1)
    assert breaker.allows_attempt(2 * PAUSE_SECONDS)


def test_trial_that_succeeds_closes_it() -> None:
    breaker = opened()
    trial = breaker.start_attempt()
    breaker.record_success()
    breaker.end_attempt(trial)
    assert breaker.allows_attempt(PAUSE_SECONDS)
    assert not breaker.start_attempt()


def test_trial_that_nobody_waited_for_leaves_room_for_another() -> None:
    breaker = opened()
    breaker.end_attempt(breaker.start_attempt())
    assert breaker.allows_attempt(PAUSE_SECONDS)


def test_end_of_an_older_attempt_does_not_end_the_trial() -> None:
    breaker = CircuitBreaker()
    older = breaker.start_attempt()
    for _ in range(MAX_FAILURES):
        breaker.record_failure(0.0)
    breaker.start_attempt()
    breaker.end_attempt(older)
    assert not breaker.allows_attempt(PAUSE_SECONDS)


@given(st.lists(st.booleans()))
def test_it_is_open_after_three_failures_at_the_end_and_only_then(outcomes: list[bool]) -> None:
    breaker = CircuitBreaker()
    for good in outcomes:
        breaker.record_success() if good else breaker.record_failure(0.0)
    in_a_row = next((number for number, good in enumerate(reversed(outcomes)) if good), len(outcomes))
    assert breaker.allows_attempt(0.0) == (in_a_row < MAX_FAILURES)


class AnyOrder(RuleBasedStateMachine):
    """Attempts start and end in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker()
        self.now = 0.0
        self.running: list[bool] = []

    @rule(seconds=st.floats(0, 2 * PAUSE_SECONDS))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.breaker.allows_attempt(self.now))
    @rule()
    def attempt_begins(self) -> None:
        self.running.append(self.breaker.start_attempt())

    @precondition(lambda self: self.running)
    @rule(outcome=st.sampled_from(["succeeded", "failed", "left"]), which=st.integers(0))
    def attempt_ends(self, outcome: str, which: int) -> None:
        trial = self.running.pop(which % len(self.running))
        if outcome == "succeeded":
            self.breaker.record_success()
        elif outcome == "failed":
            self.breaker.record_failure(self.now)
        self.breaker.end_attempt(trial)

    @invariant()
    def there_is_one_trial_at_most(self) -> None:
        assert sum(self.running) <= 1

    @invariant()
    def it_never_stays_shut(self) -> None:
        assert any(self.running) or self.breaker.allows_attempt(self.now + PAUSE_SECONDS)


TestAnyOrder = AnyOrder.TestCase
