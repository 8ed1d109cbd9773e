from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wyoming_rosie_intent.llm.circuit_breaker import MOST_FAILURES, PAUSE_SECONDS, Breaker


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(MOST_FAILURES):
        breaker.begin()
        breaker.failed(now)
    return breaker


def test_fewer_failures_than_three_in_a_row_do_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.failed(0.0)
        breaker.failed(0.0)
        breaker.succeeded()
    assert breaker.allows(0.0)


def test_three_failures_open_it_for_half_a_minute() -> None:
    breaker = opened(100.0)
    assert not breaker.allows(100.0)
    assert not breaker.allows(100.0 + PAUSE_SECONDS - 0.1)
    assert breaker.allows(100.0 + PAUSE_SECONDS)


def test_one_trial_is_allowed_after_the_pause() -> None:
    breaker = opened()
    assert breaker.begin()
    assert not breaker.allows(PAUSE_SECONDS)


def test_trial_that_fails_opens_it_again_at_once() -> None:
    breaker = opened()
    trial = breaker.begin()
    breaker.failed(PAUSE_SECONDS)
    breaker.ended(trial)
    assert not breaker.allows(PAUSE_SECONDS + 1)
    assert breaker.allows(2 * PAUSE_SECONDS)


def test_trial_that_succeeds_closes_it() -> None:
    breaker = opened()
    trial = breaker.begin()
    breaker.succeeded()
    breaker.ended(trial)
    assert breaker.allows(PAUSE_SECONDS)
    assert not breaker.begin()


def test_trial_that_nobody_waited_for_leaves_room_for_another() -> None:
    breaker = opened()
    breaker.ended(breaker.begin())
    assert breaker.allows(PAUSE_SECONDS)


def test_end_of_an_older_attempt_does_not_end_the_trial() -> None:
    breaker = Breaker()
    older = breaker.begin()
    for _ in range(MOST_FAILURES):
        breaker.failed(0.0)
    breaker.begin()
    breaker.ended(older)
    assert not breaker.allows(PAUSE_SECONDS)


@given(st.lists(st.booleans()))
def test_it_is_open_after_three_failures_at_the_end_and_only_then(outcomes: list[bool]) -> None:
    breaker = Breaker()
    for good in outcomes:
        breaker.succeeded() if good else breaker.failed(0.0)
    in_a_row = next((number for number, good in enumerate(reversed(outcomes)) if good), len(outcomes))
    assert breaker.allows(0.0) == (in_a_row < MOST_FAILURES)


class AnyOrder(RuleBasedStateMachine):
    """Attempts begin and end in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = 0.0
        self.running: list[bool] = []

    @rule(seconds=st.floats(0, 2 * PAUSE_SECONDS))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.breaker.allows(self.now))
    @rule()
    def attempt_begins(self) -> None:
        self.running.append(self.breaker.begin())

    @precondition(lambda self: self.running)
    @rule(outcome=st.sampled_from(["succeeded", "failed", "left"]), which=st.integers(0))
    def attempt_ends(self, outcome: str, which: int) -> None:
        trial = self.running.pop(which % len(self.running))
        if outcome == "succeeded":
            self.breaker.succeeded()
        elif outcome == "failed":
            self.breaker.failed(self.now)
        self.breaker.ended(trial)

    @invariant()
    def there_is_one_trial_at_most(self) -> None:
        assert sum(self.running) <= 1

    @invariant()
    def it_never_stays_shut(self) -> None:
        assert any(self.running) or self.breaker.allows(self.now + PAUSE_SECONDS)


TestAnyOrder = AnyOrder.TestCase
