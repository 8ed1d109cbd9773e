"""Rate limits with a clock of the test's own."""

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.http.rate_limit import MAX_CLIENTS, Rate, RateLimit
from wyoming_rosie.runtime.stream_scheduler import MAX_USED_SECONDS, USE_RATE

RATE = Rate(per_second=2, burst=5)


def test_a_burst_is_admitted_and_then_the_rate() -> None:
    limit = RateLimit(RATE)
    assert [limit.take("a", 0) for _ in range(6)] == [0, 0, 0, 0, 0, 0.5]
    assert limit.take("a", 0.5) == 0
    assert limit.take("b", 0) == 0, "another client has a rate of its own"


def test_a_refund_lets_a_request_not_count() -> None:
    limit = RateLimit(RATE)
    for _ in range(20):
        assert limit.take("a", 0) == 0
        limit.refund("a", 0)


def test_only_so_many_clients_are_remembered() -> None:
    limit = RateLimit(Rate(per_second=0.001, burst=1))
    for number in range(MAX_CLIENTS + 1):
        assert limit.take(str(number), 0) == 0
    assert limit.take("0", 0) == 0, "it was forgotten"
    assert limit.take(str(MAX_CLIENTS), 0) > 0


@given(st.lists(st.floats(0, 3), max_size=60))
def test_never_more_than_burst_and_rate_are_admitted(pauses: list[float]) -> None:
    limit, now, admitted = RateLimit(RATE), 0.0, 0
    for pause in pauses:
        now += pause
        admitted += limit.take("a", now) == 0
    assert admitted <= RATE.burst + RATE.per_second * now + 1e-6


@given(st.integers(0, 5))
def test_whoever_waits_as_told_is_admitted(before: int) -> None:
    limit = RateLimit(RATE)
    for _ in range(RATE.burst + before):
        wait = limit.take("a", 0)
    assert wait == 0 or limit.take("a", wait + 1e-9) == 0


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 9)), max_size=60))
def test_whoever_is_patient_gets_the_rate_and_holds_its_place(requests: list[tuple[float, float]]) -> None:
    limit, now, latest, total = RateLimit(RATE), 0.0, 0.0, 0.0
    for pause, cost in requests:
        now += pause
        wait = limit.take("a", now, cost, patience=5)
        assert wait == 0 or now + wait >= latest - 1e-6
        if wait <= 5:
            total += cost
            latest = max(latest, now + wait)
    assert total <= RATE.burst + RATE.per_second * latest + 1e-6


def test_what_was_used_is_forgiven_second_by_second() -> None:
    usage = RateLimit(USE_RATE)
    usage.take("a", 10.0, 3.0, patience=MAX_USED_SECONDS)
    usage.take("a", 11.0, 2.0, patience=MAX_USED_SECONDS)
    assert [usage.seconds_until(client, 12.0, 0) for client in ("a", "b")] == [3.0, 0.0]
    assert usage.seconds_until("a", 20.0, 0) == 0.0


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 100)), max_size=20))
def test_nobody_is_put_back_without_end(uses: list[tuple[str, float]]) -> None:
    usage = RateLimit(USE_RATE)
    for client, seconds in uses:
        usage.take(client, 0.0, seconds, patience=MAX_USED_SECONDS)
    assert all(usage.seconds_until(client, 0.0, 0) <= MAX_USED_SECONDS for client in "abcd")
    assert all(usage.seconds_until(client, MAX_USED_SECONDS, 0) == 0.0 for client in "abcd")
