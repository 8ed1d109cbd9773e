"""Growing pauses with jitter between attempts."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.runtime.backoff import Backoff


def without_jitter() -> float:
    return 0.0


def test_each_pause_is_twice_as_long_up_to_the_longest() -> None:
    backoff = Backoff(1.0, 10.0, without_jitter)
    assert [backoff.next_pause() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_reset_starts_again_with_the_first_pause() -> None:
    backoff = Backoff(1.0, 10.0, without_jitter)
    for _ in range(5):
        backoff.next_pause()
    backoff.reset()
    assert backoff.failures == 0
    assert backoff.next_pause() == 1.0


def test_failures_count_the_pauses_since_the_reset() -> None:
    backoff = Backoff()
    counts = [backoff.failures]
    for _ in range(3):
        backoff.next_pause()
        counts.append(backoff.failures)
    assert counts == [0, 1, 2, 3]


def test_jitter_takes_away_half_at_most() -> None:
    backoff = Backoff(4.0, 30.0, lambda: 1.0)
    assert [backoff.next_pause(), backoff.next_pause()] == [2.0, 4.0]


def test_a_first_pause_above_the_longest_is_the_longest() -> None:
    assert Backoff(8.0, 2.0, without_jitter).next_pause() == 2.0


def test_satellites_that_lost_their_hub_together_come_back_apart() -> None:
    draw = random.Random(1).random
    pauses = sorted(Backoff(1.0, 30.0, draw).next_pause() for _ in range(100))
    assert pauses[-1] - pauses[0] > 0.4
    assert max(later - earlier for earlier, later in pairwise(pauses)) < 0.1


@given(
    st.floats(0.01, 60.0),
    st.floats(0.01, 600.0),
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=50),
)
def test_pauses_stay_within_their_bounds(first: float, longest: float, draws: list[float]) -> None:
    given_draws = iter(draws)
    backoff = Backoff(first, longest, lambda: next(given_draws))
    limit = min(first, longest)
    for _ in draws:
        pause = backoff.next_pause()
        assert limit / 2 <= pause <= limit
        limit = min(2 * limit, longest)


async def test_sleep_waits_and_counts_a_failure() -> None:
    backoff = Backoff(0.0, 1.0)
    await backoff.sleep()
    assert backoff.failures == 1


@pytest.mark.parametrize("failures", [2_000])
def test_pauses_stay_finite_however_often_it_fails(failures: int) -> None:
    backoff = Backoff(1.0, 30.0, without_jitter)
    assert {backoff.next_pause() for _ in range(failures)} == {1.0, 2.0, 4.0, 8.0, 16.0, 30.0}
