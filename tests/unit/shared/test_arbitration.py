"""Rules of arbitration: one satellite answers, whatever comes in whatever order."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.arbitration_simulation import WORD, Call, Network, Simulation, simulate
from wyoming_rosie.wakeword.arbitration.arbiter import MAX_WORDS, Arbiter, Verdict
from wyoming_rosie.wakeword.arbitration.decisions import (
    LEAST_SUPPRESSION_SECONDS,
    MAX_DECISIONS,
    SUPPRESSION_SECONDS,
    Decisions,
)
from wyoming_rosie.wakeword.arbitration.peer_arbiter import (
    ANSWER_TIMEOUT_SECONDS,
    CUT_OFF_SECONDS,
    Decided,
    PeerArbiter,
    PeerEffect,
    SendAnswer,
    SendClaim,
    SendReceipt,
    SendTurnEnd,
)
from wyoming_rosie.wakeword.arbitration.rules import (
    ANY_WORD,
    HUB_WINDOW_SECONDS,
    MAX_LATENESS_MS,
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
    st.sampled_from([WORD, WORD, "alexa", ANY_WORD]),
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
            replace(HALL, snr_tenths=None), replace(HALL, satellite="a", snr_tenths=290), id="unknown-is-usual"
        ),
    ],
)
def test_choice(winner: Claim, loser: Claim) -> None:
    assert choose([loser, winner]) == winner


# How long a decision counts

WINNERS = st.sampled_from("abc")
STEPS = st.lists(st.tuples(st.floats(0, 1), WINNERS, st.booleans()), max_size=20)


def test_a_decision_counts_for_two_seconds_or_until_the_turn_ends() -> None:
    decisions = Decisions()
    decisions.add(WORD, "kitchen", 0.0)
    assert decisions.find_winner(WORD, SUPPRESSION_SECONDS - 0.01) == "kitchen"
    assert decisions.end_turn("kitchen", 1.0)
    assert decisions.find_winner(WORD, 1.0) is None
    assert not decisions.end_turn("kitchen", 1.1)


def test_a_decision_outlasts_the_claims_of_its_call_however_short_the_turn() -> None:
    decisions = Decisions()
    decisions.add(WORD, "kitchen", 0.0)
    decisions.end_turn("kitchen", 0.1)
    assert decisions.find_winner(WORD, LEAST_SUPPRESSION_SECONDS - 0.01) == "kitchen"
    assert decisions.find_winner(WORD, LEAST_SUPPRESSION_SECONDS) is None


def test_decisions_are_bounded() -> None:
    decisions = Decisions()
    for number in range(MAX_DECISIONS + 1):
        decisions.add(str(number), "kitchen", 0.0)
    counting = [number for number in range(MAX_DECISIONS + 1) if decisions.find_winner(str(number), 0.1)]
    assert counting == list(range(1, MAX_DECISIONS + 1))


@given(STEPS)
def test_the_first_decision_holds_and_none_counts_longer_than_two_seconds(
    steps: Sequence[tuple[float, str, bool]],
) -> None:
    decisions, now = Decisions(), 0.0
    first: tuple[str, float] | None = None
    for pause, satellite, ends in steps:
        now += pause
        if first is not None and decisions.find_winner(WORD, now) is not None:
            assert decisions.find_winner(WORD, now) == first[0]
            assert now < first[1] + SUPPRESSION_SECONDS
        else:
            first = None
        if ends:
            decisions.end_turn(satellite, now)
        else:
            decisions.add(WORD, satellite, now)
            first = first or (satellite, now)


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
    assert arbiter.deadline == HUB_WINDOW_SECONDS
    assert arbiter.decide(HUB_WINDOW_SECONDS - 0.001) == []
    assert {verdict.satellite for verdict in arbiter.decide(HUB_WINDOW_SECONDS) if verdict.wins} == {"kitchen"}


def test_lateness_is_that_of_the_word_and_not_of_the_packet() -> None:
    arbiter = _arbiter("kitchen", "hall")
    same = replace(HALL, satellite="kitchen")
    arbiter.claim(HALL, 0.0, 1.0)
    assert arbiter.claim(same, 0.09, 1.08)[0].winner == "kitchen"


def test_late_claims_are_suppressed_for_two_seconds() -> None:
    arbiter = _arbiter("kitchen", "hall")
    arbiter.claim(HALL, 0, 0.0)
    arbiter.decide(HUB_WINDOW_SECONDS)
    late = HUB_WINDOW_SECONDS + SUPPRESSION_SECONDS + 0.01
    assert arbiter.claim(KITCHEN, 0, late - 0.02) == [Verdict("kitchen", WORD, "hall")]
    assert arbiter.claim(KITCHEN, 0, late) == []
    assert arbiter.deadline == pytest.approx(late + HUB_WINDOW_SECONDS)


def test_a_word_in_another_room_is_answered_once_the_first_turn_is_over() -> None:
    arbiter = _arbiter("kitchen", "hall")
    arbiter.claim(HALL, 0, 0.0)
    arbiter.decide(HUB_WINDOW_SECONDS)
    arbiter.end_turn("kitchen", 0.9)
    assert arbiter.claim(KITCHEN, 0, 1.0) == [Verdict("kitchen", WORD, "hall")]
    arbiter.end_turn("hall", 1.1)
    assert arbiter.claim(KITCHEN, 0, 1.2) == []
    assert [verdict.winner for verdict in arbiter.decide(1.2 + HUB_WINDOW_SECONDS)] == ["kitchen"]


def test_the_decision_goes_with_the_satellite_that_leaves() -> None:
    arbiter = _arbiter("kitchen", "hall", "office")
    arbiter.claim(HALL, 0, 0.0)
    arbiter.decide(HUB_WINDOW_SECONDS)
    arbiter.leave("hall", 1.0)
    assert arbiter.claim(KITCHEN, 0, 1.0) == []


def test_another_word_is_another_decision() -> None:
    arbiter = _arbiter("kitchen", "hall")
    arbiter.claim(HALL, 0, 0.0)
    arbiter.claim(replace(KITCHEN, word="alexa"), 0, 0.0)
    assert all(verdict.wins for verdict in arbiter.decide(HUB_WINDOW_SECONDS))


UNNAMED = replace(HALL, word=ANY_WORD)


@pytest.mark.parametrize("claims", [(UNNAMED, KITCHEN), (KITCHEN, UNNAMED)], ids=["before", "after"])
def test_a_claim_to_a_word_that_is_not_told_is_one_to_the_word_of_the_others(claims: Sequence[Claim]) -> None:
    arbiter = _arbiter("kitchen", "hall")
    first, second = claims
    assert arbiter.claim(first, 0, 0.0) == []
    assert arbiter.claim(second, 0, 0.02) == [
        Verdict("kitchen", WORD, "kitchen", ("hall",)),
        Verdict("hall", ANY_WORD, "kitchen"),
    ]


@pytest.mark.parametrize("claims", [(UNNAMED, KITCHEN), (KITCHEN, UNNAMED)], ids=["first", "last"])
def test_a_word_that_is_not_told_is_suppressed_by_any_decision_and_its_own_suppresses_any(
    claims: Sequence[Claim],
) -> None:
    arbiter = _arbiter("kitchen", "hall")
    first, second = claims
    arbiter.claim(first, 0, 0.0)
    assert [verdict.wins for verdict in arbiter.decide(HUB_WINDOW_SECONDS)] == [True]
    assert arbiter.claim(second, 0, 0.2) == [Verdict(second.satellite, second.word, first.satellite)]


def test_a_word_that_is_not_told_makes_two_words_no_single_one() -> None:
    arbiter = _arbiter("kitchen", "hall", "office")
    arbiter.claim(replace(HALL, satellite="office", word="alexa"), 0, 0.0)
    arbiter.claim(KITCHEN, 0, 0.01)
    arbiter.claim(UNNAMED, 0, 0.02)
    winners = [verdict.satellite for verdict in arbiter.decide(1.0) if verdict.wins]
    assert winners == ["office", "kitchen"]


def test_a_satellite_that_leaves_wins_nothing() -> None:
    arbiter = _arbiter("kitchen", "hall", "office")
    arbiter.claim(KITCHEN, 0, 0.0)
    arbiter.claim(HALL, 0, 0.0)
    arbiter.leave("kitchen", 0.0)
    assert arbiter.decide(HUB_WINDOW_SECONDS) == [Verdict("hall", WORD, "hall")]
    arbiter.claim(replace(HALL, word="alexa"), 0, 5.0)
    arbiter.leave("hall", 5.0)
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
    verdicts += arbiter.decide(now + HUB_WINDOW_SECONDS)
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


def test_the_winner_tells_the_end_of_its_turn_and_the_word_is_claimed_anew() -> None:
    kitchen, hall = PeerArbiter("kitchen"), PeerArbiter("hall")
    kitchen.start(KITCHEN, 0.0)
    kitchen.advance(WINDOW_SECONDS)
    hall.hear_answer("kitchen", WORD, WINDOW_SECONDS)
    assert kitchen.end_turn(1.0) == [SendTurnEnd()]
    assert kitchen.end_turn(1.1) == hall.end_turn(1.1) == []
    hall.hear_turn_end("office", 1.0)
    assert Decided(WORD, wins=False, winner="kitchen") in hall.start(HALL, 1.0)
    hall.hear_turn_end("kitchen", 1.1)
    for arbiter, claim in ((kitchen, KITCHEN), (hall, HALL)):
        assert arbiter.start(claim, 1.2) == [SendClaim(claim, 0.0)]


def test_a_late_satellite_does_not_compete() -> None:
    arbiter = PeerArbiter("kitchen")
    arbiter.hear_claim(HALL, 0.0, 0.0)
    assert arbiter.start(KITCHEN, (MAX_LATENESS_MS + 5) / 1000) == []


def test_a_weaker_claim_is_answered_with_the_own_one() -> None:
    arbiter = PeerArbiter("kitchen")
    arbiter.start(KITCHEN, 0.0)
    assert arbiter.hear_claim(HALL, 0.0, 0.01) == [SendClaim(KITCHEN, 0.01)]
    assert arbiter.hear_claim(HALL, 0.005, 0.015) == []


def test_who_has_no_claim_says_that_another_one_has_come_through() -> None:
    hall = PeerArbiter("hall")
    assert hall.hear_claim(KITCHEN, 0.0, 0.0) == [SendReceipt("kitchen", WORD)]


def test_the_best_one_waits_no_longer_than_for_all() -> None:
    kitchen = PeerArbiter("kitchen")
    kitchen.start(KITCHEN, 0.0, {"hall", "office"}, {"hall"})
    kitchen.note_contact(0.01)
    assert not _decides(kitchen.hear_claim(HALL, 0.0, 0.01))
    assert _decides(kitchen.hear_claim(replace(HALL, satellite="office"), 0.0, 0.02))


def test_the_best_one_waits_for_those_that_have_not_claimed() -> None:
    kitchen = PeerArbiter("kitchen")
    kitchen.start(KITCHEN, 0.0, {"hall"}, {"hall"})
    kitchen.note_contact(0.01)
    assert not _decides(kitchen.advance(WINDOW_SECONDS - 0.001))
    assert _decides(kitchen.advance(WINDOW_SECONDS))


def test_a_late_satellite_that_knows_of_a_claim_confirms_a_better_one() -> None:
    """Else who made it would take the silence for one that is gone."""
    hall = PeerArbiter("hall")
    office = replace(HALL, satellite="office")
    hall.hear_claim(office, 0.0, 0.0)
    hall.start(HALL, (MAX_LATENESS_MS + 5) / 1000)
    assert hall.hear_claim(KITCHEN, 0.01, 0.07) == [SendReceipt("kitchen", WORD)]


def test_a_satellite_that_is_cut_off_waits_for_a_contact_and_then_for_the_answer() -> None:
    kitchen = PeerArbiter("kitchen")
    kitchen.start(KITCHEN, 0.0, {"hall"}, {"hall"})
    assert not _decides(kitchen.advance(2 * WINDOW_SECONDS))
    kitchen.note_contact(0.3)
    effects = [*kitchen.hear_claim(HALL, 0.0, 0.3), *kitchen.advance(0.3)]
    assert SendClaim(KITCHEN, 0.3) in effects
    assert not _decides(effects)
    assert kitchen.hear_answer("hall", WORD, 0.31) == [Decided(WORD, wins=False, winner="hall")]


def test_a_satellite_that_stays_cut_off_answers() -> None:
    kitchen = PeerArbiter("kitchen")
    kitchen.start(KITCHEN, 0.0, {"hall"}, {"hall"})
    assert not _decides(kitchen.advance(CUT_OFF_SECONDS - 0.01))
    assert _decides(kitchen.advance(CUT_OFF_SECONDS))


def test_a_better_claim_after_the_decision_is_told_who_answers() -> None:
    hall = PeerArbiter("hall")
    hall.start(HALL, 0.0)
    hall.advance(WINDOW_SECONDS)
    assert hall.hear_claim(KITCHEN, 0.0, WINDOW_SECONDS + 0.01) == [SendAnswer(WORD)]


def _decides(effects: Iterable[PeerEffect]) -> bool:
    return any(isinstance(effect, Decided) for effect in effects)


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
    assert all(result.answers for result in simulate(rng, count, skew, network, is_equal=equal, calls=2))


@pytest.mark.parametrize("loss", [0.0, 0.01, 0.05, 0.2])
def test_one_satellite_answers_each_call(loss: float) -> None:
    rng = random.Random(5)
    for _ in range(15):
        results = simulate(
            rng, rng.randrange(2, 7), rng.uniform(0, 0.2), Network(loss=loss), is_equal=rng.random() < 0.3, calls=6
        )
        assert [len(result.answers) for result in results] == [1] * 6


@given(HOUSES, st.integers(0, 2**32))
def test_without_losses_and_delays_all_agree_with_the_rules(claims: list[Claim], seed: int) -> None:
    claims = [replace(claim, word=WORD, lateness_ms=0) for claim in claims]
    network = Network(delay_seconds=0.0, loss=0.0)
    names = [claim.satellite for claim in claims]
    [result] = Simulation(names, [Call(claims, [0.0] * len(claims))], network, random.Random(seed)).run()
    assert list(result.answers) == [choose(claims).satellite]
    assert len(result.silent) == len(claims) - 1


def test_a_stall_of_the_network_lets_one_answer() -> None:
    rng = random.Random(5)
    for _ in range(100):
        stalled = Network(stalled=0, stall_seconds=0.3)
        [result] = simulate(rng, rng.randrange(2, 7), rng.uniform(0, 0.2), stalled)
        assert len(result.answers) == 1


def test_a_stall_longer_than_the_patience_lets_two_answer() -> None:
    """What cannot be decided: a satellite that hears nobody in time must not stay silent."""
    [result] = simulate(random.Random(1), 2, 0.0, Network(stalled=0, stall_seconds=CUT_OFF_SECONDS + 0.1))
    assert len(result.answers) == 2
