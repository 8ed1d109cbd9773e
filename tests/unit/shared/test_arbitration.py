"""Rules of arbitration: one satellite answers, whatever comes in whatever order."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.arbitration_simulation import STALL_SECONDS, WORD, Network, Simulation, simulate
from wyoming_rosie.wakeword.arbitration.arbiter import MAX_WORDS, Arbiter, Verdict
from wyoming_rosie.wakeword.arbitration.peer_arbiter import (
    ANSWER_TIMEOUT_SECONDS,
    Decided,
    PeerArbiter,
    SendAnswer,
    SendClaim,
)
from wyoming_rosie.wakeword.arbitration.rules import (
    MAX_LATENESS_MS,
    SUPPRESSION_SECONDS,
    WINDOW_SECONDS,
    Claim,
    choose,
    is_better,
)

KITCHEN = Claim("kitchen", WORD, 950, 300)
HALL = Claim("hall", WORD, 950, 150)
CLAIMS = st.builds(
    Claim,
    st.sampled_from("abcdefgh"),
    st.just(WORD),
    st.none() | st.integers(0, 1000),
    st.none() | st.integers(0, 1000),
    st.integers(0, 200),
    st.booleans(),
    st.booleans(),
)
HOUSES = st.lists(CLAIMS, min_size=1, max_size=8, unique_by=lambda claim: claim.satellite)


@given(HOUSES, st.randoms(use_true_random=False))
def test_order_and_duplicates_change_no_choice(claims: list[Claim], rng: random.Random) -> None:
    repeated = [*claims, *rng.choices(claims, k=3)]
    rng.shuffle(repeated)
    assert choose(repeated) == choose(claims)


@given(CLAIMS, CLAIMS)
def test_of_two_satellites_exactly_one_is_better(one: Claim, other: Claim) -> None:
    if one.satellite != other.satellite:
        assert is_better(one, other) is not is_better(other, one)


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        pytest.param(KITCHEN, HALL, id="louder"),
        pytest.param(replace(HALL, satellite="a"), HALL, id="lowest-id-of-equal-ones"),
        pytest.param(HALL, replace(KITCHEN, lateness_ms=160), id="much-earlier"),
        pytest.param(
            replace(HALL, has_follow_up=True), replace(KITCHEN, snr_tenths=250), id="spoken-with-against-weak"
        ),
        pytest.param(
            replace(KITCHEN, snr_tenths=290), replace(HALL, has_follow_up=True), id="strong-against-spoken-with"
        ),
        pytest.param(HALL, replace(KITCHEN, has_conductor=False), id="one-that-can-be-answered"),
        pytest.param(
            replace(HALL, snr_tenths=200), replace(HALL, satellite="a", snr_tenths=None), id="unknown-is-usual"
        ),
    ],
)
def test_choice(winner: Claim, loser: Claim) -> None:
    assert choose([loser, winner]) == winner


# One place that decides


def _arbiter(*members: str) -> Arbiter:
    arbiter = Arbiter()
    for member in members:
        arbiter.join(member)
    return arbiter


def test_the_only_satellite_answers_at_once() -> None:
    assert [verdict.wins for verdict in _arbiter("kitchen").claim(KITCHEN, 0, 0.0)] == [True]


def test_it_is_decided_at_once_when_all_have_claimed() -> None:
    arbiter = _arbiter("kitchen", "hall")
    assert arbiter.claim(HALL, 0, 0.0) == []
    assert arbiter.claim(KITCHEN, 0, 0.01) == [
        Verdict("kitchen", WORD, "kitchen", ("hall",)),
        Verdict("hall", WORD, "kitchen"),
    ]
    assert arbiter.deadline is None


def test_it_is_decided_after_the_window_when_one_did_not_hear_it() -> None:
    arbiter = _arbiter("kitchen", "hall", "cellar")
    arbiter.claim(HALL, 0, 0.0)
    arbiter.claim(KITCHEN, 0, 0.02)
    assert arbiter.deadline == WINDOW_SECONDS
    assert arbiter.decide(WINDOW_SECONDS - 0.001) == []
    assert {verdict.satellite for verdict in arbiter.decide(WINDOW_SECONDS) if verdict.wins} == {"kitchen"}


def test_lateness_is_that_of_the_word_and_not_of_the_packet() -> None:
    arbiter = _arbiter("kitchen", "hall")
    same = replace(HALL, satellite="kitchen")
    arbiter.claim(HALL, 0.0, 1.0)
    assert arbiter.claim(same, 0.09, 1.08)[0].winner == "kitchen"


def test_late_claims_are_suppressed_for_two_seconds() -> None:
    arbiter = _arbiter("kitchen", "hall")
    arbiter.claim(HALL, 0, 0.0)
    arbiter.decide(WINDOW_SECONDS)
    late = WINDOW_SECONDS + SUPPRESSION_SECONDS + 0.01
    assert arbiter.claim(KITCHEN, 0, late - 0.02) == [Verdict("kitchen", WORD, "hall")]
    assert arbiter.claim(KITCHEN, 0, late) == []
    assert arbiter.deadline == pytest.approx(late + WINDOW_SECONDS)


def test_another_word_is_another_decision() -> None:
    arbiter = _arbiter("kitchen", "hall")
    arbiter.claim(HALL, 0, 0.0)
    arbiter.claim(replace(KITCHEN, word="alexa"), 0, 0.0)
    assert all(verdict.wins for verdict in arbiter.decide(WINDOW_SECONDS))


def test_a_satellite_that_leaves_wins_nothing() -> None:
    arbiter = _arbiter("kitchen", "hall", "office")
    arbiter.claim(KITCHEN, 0, 0.0)
    arbiter.claim(HALL, 0, 0.0)
    arbiter.leave("kitchen")
    assert arbiter.decide(WINDOW_SECONDS) == [Verdict("hall", WORD, "hall")]
    arbiter.claim(replace(HALL, word="alexa"), 0, 5.0)
    arbiter.leave("hall")
    assert arbiter.deadline is None


def test_words_are_bounded() -> None:
    arbiter = _arbiter("kitchen", "hall")
    verdicts = [arbiter.claim(replace(HALL, word=str(number)), 0, 0.0) for number in range(MAX_WORDS + 1)]
    assert [bool(one) for one in verdicts] == [False] * MAX_WORDS + [True]


@given(HOUSES, st.lists(st.tuples(st.integers(0, 7), st.floats(0, 1), st.floats(0, 3)), max_size=20))
def test_each_claim_has_one_verdict_and_each_decision_one_winner(
    claims: Sequence[Claim], arrivals: list[tuple[int, float, float]]
) -> None:
    arbiter = _arbiter("a", "b", "c", "d", "e", "f", "g", "h")
    verdicts: list[Verdict] = []
    now = 0.0
    for number, age, pause in arrivals:
        now += pause
        verdicts += arbiter.decide(now)
        verdicts += arbiter.claim(claims[number % len(claims)], age, now)
    verdicts += arbiter.decide(now + WINDOW_SECONDS)
    assert arbiter.deadline is None
    claimed = {claims[number % len(claims)].satellite for number, _, _ in arrivals}
    assert {verdict.satellite for verdict in verdicts} == claimed
    assert any(verdict.wins for verdict in verdicts) or not arrivals


# Satellites among themselves


def test_a_satellite_that_hears_nobody_answers() -> None:
    arbiter = PeerArbiter("kitchen")
    assert arbiter.start(KITCHEN, 0.0) == [SendClaim(KITCHEN, 0.0)]
    assert Decided(WORD, wins=True, winner="kitchen") in arbiter.advance(WINDOW_SECONDS)


def test_it_waits_for_a_better_one_but_not_for_ever() -> None:
    arbiter = PeerArbiter("hall")
    arbiter.start(HALL, 0.0)
    arbiter.hear_claim(KITCHEN, 0.0, 0.01)
    assert not [one for one in arbiter.advance(WINDOW_SECONDS) if isinstance(one, Decided)]
    assert Decided(WORD, wins=True, winner="hall", others=("kitchen",)) in arbiter.advance(ANSWER_TIMEOUT_SECONDS)


def test_an_answer_ends_the_wait_and_suppresses_what_comes_later() -> None:
    arbiter = PeerArbiter("hall")
    arbiter.start(HALL, 0.0)
    lost = [Decided(WORD, wins=False, winner="kitchen")]
    assert arbiter.hear_answer("kitchen", WORD, 0.1) == lost
    assert arbiter.start(HALL, 1.0) == lost
    assert arbiter.start(HALL, 0.1 + SUPPRESSION_SECONDS) != lost


def test_a_late_satellite_does_not_compete() -> None:
    arbiter = PeerArbiter("kitchen")
    arbiter.hear_claim(HALL, 0.0, 0.0)
    assert arbiter.start(KITCHEN, (MAX_LATENESS_MS + 5) / 1000) == []


def test_a_weaker_claim_is_answered_with_the_own_one() -> None:
    arbiter = PeerArbiter("kitchen")
    arbiter.start(KITCHEN, 0.0)
    assert arbiter.hear_claim(HALL, 0.0, 0.01) == [SendClaim(KITCHEN, 0.01)]
    assert arbiter.hear_claim(HALL, 0.01, 0.02) == []


def test_an_answer_is_repeated() -> None:
    arbiter = PeerArbiter("kitchen")
    arbiter.start(KITCHEN, 0.0)
    sent = [arbiter.advance(WINDOW_SECONDS + step / 100) for step in range(100)]
    assert sum(isinstance(effect, SendAnswer) for effects in sent for effect in effects) > 3
    assert arbiter.deadline is None


@given(
    st.integers(0, 2**32),
    st.integers(1, 6),
    st.floats(0, 0.2),
    st.floats(0, 0.9),
    st.floats(0, 0.2),
    st.booleans(),
)
def test_there_is_never_nobody(seed: int, count: int, skew: float, loss: float, delay: float, equal: bool) -> None:
    rng = random.Random(seed)
    network = Network(delay, loss, stalled=rng.choice([None, 0]))
    assert simulate(rng, count, skew, network, is_equal=equal).answers


@pytest.mark.parametrize("loss", [0.0, 0.01, 0.05])
def test_one_satellite_answers(loss: float) -> None:
    rng = random.Random(5)
    for _ in range(100):
        result = simulate(
            rng, rng.randrange(2, 7), rng.uniform(0, 0.2), Network(loss=loss), is_equal=rng.random() < 0.3
        )
        assert len(result.answers) == 1


@given(HOUSES, st.integers(0, 2**32))
def test_without_losses_and_delays_all_agree_with_the_rules(claims: list[Claim], seed: int) -> None:
    claims = [replace(claim, lateness_ms=0) for claim in claims]
    network = Network(delay_seconds=0.0, loss=0.0)
    result = Simulation(claims, [0.0] * len(claims), network, random.Random(seed)).run()
    assert list(result.answers) == [choose(claims).satellite]
    assert len(result.silent) == len(claims) - 1


def test_a_stall_longer_than_the_window_lets_two_answer() -> None:
    """What cannot be decided: a satellite that hears nobody in time must not stay silent."""
    assert STALL_SECONDS > WINDOW_SECONDS
    result = simulate(random.Random(1), 2, 0.0, Network(stalled=0))
    assert len(result.answers) == 2
