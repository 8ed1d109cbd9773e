"""One timer's time left, and which of several is due."""

from wyoming_rosie.timers.timer import Timer, find_expired, next_deadline

FIRST, SECOND = Timer("a", 60, ends_at=160.0), Timer("b", 90, ends_at=190.0)
PAUSED = Timer("c", 60, left_when_paused=20.0)


def test_a_running_timer_counts_down_to_zero_and_a_paused_one_stays() -> None:
    assert [FIRST.seconds_left(now) for now in (100, 150, 200)] == [60, 10, 0]
    assert [PAUSED.seconds_left(now) for now in (100, 200)] == [20, 20]


def test_a_paused_timer_resumes_with_what_was_left() -> None:
    paused = FIRST.with_remaining(FIRST.seconds_left(150), 150, is_active=False)
    assert (paused.is_active, paused.seconds_left(999)) == (False, 10)
    resumed = paused.with_remaining(paused.seconds_left(999), 999, is_active=True)
    assert (resumed.is_active, resumed.ends_at) == (True, 1009)


def test_timers_expire_at_their_end_and_paused_ones_never() -> None:
    timers = [SECOND, PAUSED, FIRST]
    assert find_expired(timers, 159.9) == ()
    assert find_expired(timers, 160) == (FIRST,)
    assert find_expired(timers, 200) == (SECOND, FIRST)


def test_the_next_deadline_is_the_earliest_end_that_is_still_to_come() -> None:
    timers = [SECOND, PAUSED, FIRST]
    assert next_deadline(timers) == 160
    assert next_deadline(timers, after=160) == 190
    assert next_deadline([PAUSED]) is None
