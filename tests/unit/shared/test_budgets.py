"""Budgets of clients, with a clock of the test's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.metrics import OTHER, Metrics
from wyoming_rosie.protocol.budgets import (
    AUDIO_BURST_SECONDS,
    BURST_SECONDS,
    MAX_WAIT_SECONDS,
    NOTED_SECONDS,
    Budget,
    BudgetLimits,
    Budgets,
    costs,
)
from wyoming_rosie.trust.peer import STDIO_PEER, UNIX_PEER, plain_peer

LIMITS = BudgetLimits(audio=4, requests=10, turns=2)
SPEECH = {"rate": 16_000, "width": 2, "channels": 1}
SECOND = Event("audio-chunk", SPEECH, bytes(32_000))
TRANSCRIBE = Event("transcribe")
SIZE = 100


def create_budgets(limits: BudgetLimits = LIMITS) -> Budgets:
    return Budgets(limits, Metrics().counter("slowed_seconds", "", "client", "budget"))


@pytest.mark.parametrize("peer", [plain_peer("127.0.0.1"), plain_peer("::1"), UNIX_PEER, STDIO_PEER], ids=str)
def test_programs_of_this_machine_have_no_budget(peer: object) -> None:
    assert create_budgets().account(peer) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "size", "expected"),
    [
        (SECOND, 32_100, {Budget.AUDIO: 1.0}),
        (Event("audio-chunk", {"rate": 48_000, "width": 2, "channels": 2}, bytes(192_000)), 192_100, {Budget.AUDIO: 1}),
        (Event("audio-chunk", {"rate": 1_000, "width": 2, "channels": 1}, bytes(32_000)), 32_100, {Budget.AUDIO: 16}),
        (Event("audio-chunk", SPEECH), 100, {Budget.AUDIO: 0.01}),
        (Event("describe"), 40, {Budget.REQUESTS: 1}),
        (Event("no-such-event", {}, bytes(1_048_576)), 1_048_576, {Budget.REQUESTS: 64}),
        (TRANSCRIBE, 40, {Budget.REQUESTS: 1, Budget.TURNS: 1}),
    ],
    ids=["speech", "stereo", "slow", "empty", "describe", "large", "turn"],
)
def test_an_event_costs_what_it_is_work_for(event: Event, size: int, expected: dict[Budget, float]) -> None:
    assert dict(costs(event, size)) == expected


@given(st.dictionaries(st.sampled_from(["rate", "width", "channels"]), st.none() | st.text() | st.integers()))
def test_no_claimed_format_makes_audio_cheaper_than_that_of_music(data: dict[str, object]) -> None:
    assert dict(costs(Event("audio-chunk", data, bytes(192_000)), 192_100))[Budget.AUDIO] >= 1


def test_a_client_that_stays_within_its_budget_never_waits() -> None:
    account = create_budgets().account(plain_peer("192.168.1.9"))
    assert account is not None
    for second in range(1_000):
        for _ in range(4):
            assert account.is_within(SECOND, SIZE, second)
            assert account.charge(SECOND, SIZE, second) == 0
        assert account.charge(TRANSCRIBE, SIZE, second) == 0


def test_every_connection_of_a_client_waits_for_the_others() -> None:
    budgets = create_budgets()
    one, other, stranger = (budgets.account(plain_peer(host)) for host in ("10.0.0.1", "10.0.0.1", "10.0.0.2"))
    assert one is not None
    assert other is not None
    assert stranger is not None
    for _ in range(4 * AUDIO_BURST_SECONDS):
        assert one.charge(SECOND, SIZE, 0) == 0
    assert not other.is_within(SECOND, SIZE, 0)
    assert [one.charge(SECOND, SIZE, 0), other.charge(SECOND, SIZE, 0)] == [0.25, 0.5]
    assert stranger.charge(SECOND, SIZE, 0) == 0


def test_what_would_wait_too_long_is_refused_and_does_not_count() -> None:
    account = create_budgets().account(plain_peer("10.0.0.1"))
    assert account is not None
    waits = []
    with pytest.raises(BadEventError, match="one client may send 4 seconds of audio per second, see --client-audio"):
        while True:
            waits.append(account.charge(SECOND, SIZE, 0))
    assert len(waits) == 4 * (AUDIO_BURST_SECONDS + MAX_WAIT_SECONDS)
    assert waits[-1] == MAX_WAIT_SECONDS
    assert account.charge(SECOND, SIZE, 0.25) == MAX_WAIT_SECONDS


def test_connections_are_refused_before_they_wait() -> None:
    budgets, host = create_budgets(), "10.0.0.1"
    for _ in range(10 * BURST_SECONDS):
        assert budgets.admits(host, 0)
        assert budgets.find_excess(host, 0) is None
    assert budgets.admits(host, 0)
    refusal = budgets.find_excess(host, 0)
    assert refusal is not None
    assert refusal.code == "busy"
    assert budgets.find_excess(host, 0.1) is None
    assert budgets.find_excess("10.0.0.2", 0) is None


def test_a_flood_of_connections_gets_as_many_refusals_as_the_rate_and_no_other_answer() -> None:
    budgets, host = create_budgets(), "10.0.0.1"
    answered = [budgets.admits(host, number / 1_000) for number in range(20_000)]
    assert 10 * (20 + BURST_SECONDS + MAX_WAIT_SECONDS) - sum(answered) in (0, 1)
    assert all(budgets.admits("127.0.0.1", 0) for _ in range(1_000))


def test_who_was_slowed_is_told_for_a_minute() -> None:
    budgets = create_budgets()
    account = budgets.account(plain_peer("10.0.0.1"))
    assert account is not None
    while not account.charge(TRANSCRIBE, SIZE, 5):
        assert budgets.note(5) is None
    told = budgets.note(5 + NOTED_SECONDS - 1)
    assert told == "10.0.0.1 was slowed in the last minute: one client may send 2 turns per second, see --client-turns"
    assert budgets.note(5 + NOTED_SECONDS) is None


def test_the_metric_counts_the_seconds_of_so_many_clients_only() -> None:
    slowed = Metrics().counter("slowed_seconds", "", "client", "budget")
    budgets = Budgets(LIMITS, slowed)
    for number in range(300):
        account = budgets.account(plain_peer(f"10.0.{number // 250}.{number % 250}"))
        assert account is not None
        while not account.charge(TRANSCRIBE, SIZE, 0):
            pass
    assert slowed.values["10.0.0.1", "turns"] == 0.5
    assert slowed.values[OTHER, OTHER] == 50
    assert len(slowed.values) == 201


@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from([SECOND, TRANSCRIBE, Event("describe")])), max_size=120))
def test_no_client_gets_more_than_its_budget_however_it_sends(sent: list[tuple[float, Event]]) -> None:
    account = create_budgets().account(plain_peer("10.0.0.1"))
    assert account is not None
    now, handled = 0.0, dict.fromkeys(Budget, 0.0)
    for pause, event in sent:
        now += pause
        try:
            now += account.charge(event, SIZE, now)
        except BadEventError:
            continue
        for budget, cost in costs(event, SIZE):
            handled[budget] += cost
    for budget, per_second, burst in (
        (Budget.AUDIO, LIMITS.audio, AUDIO_BURST_SECONDS),
        (Budget.REQUESTS, LIMITS.requests, BURST_SECONDS),
        (Budget.TURNS, LIMITS.turns, BURST_SECONDS),
    ):
        assert handled[budget] <= per_second * (now + burst) + 1e-6
