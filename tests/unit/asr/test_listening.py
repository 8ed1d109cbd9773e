import itertools

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.voice_activity.endpointing import EndpointDecision, EndpointingRules
from wyoming_rosie_asr.endpointer import Listening

STEPS = st.lists(st.tuples(st.integers(1, 3000), st.sampled_from(["started", "stopped", "told on", "told off", "at"])))


def test_silence_is_first_perhaps_and_then_surely_the_end() -> None:
    listening = Listening(EndpointingRules())
    listening.started(100)
    listening.stopped(1000)
    assert [listening.at(now) for now in (1100, 1200, 1850, 1900)] == [
        [],
        [EndpointDecision.PERHAPS],
        [],
        [EndpointDecision.DONE],
    ]


def test_a_voice_that_goes_on_takes_it_back() -> None:
    listening = Listening(EndpointingRules())
    listening.started(100)
    listening.stopped(1000)
    listening.at(1250)
    assert listening.started(1300) == [EndpointDecision.RESUMED]
    assert listening.speech(2000) == ((100, 1000), (1300, 2000))


def test_who_conducts_decides_alone() -> None:
    listening = Listening(EndpointingRules())
    assert listening.told_started() == []
    listening.started(100)
    listening.stopped(1000)
    assert listening.at(5000) == []
    assert listening.told_stopped() == [EndpointDecision.PERHAPS]
    assert listening.told_stopped() == []
    assert listening.started(5100) == []
    assert listening.told_started() == [EndpointDecision.RESUMED]


@given(STEPS)
def test_a_guess_is_begun_and_thrown_away_in_turn_and_nothing_follows_the_end(steps: list[tuple[int, str]]) -> None:
    listening, now, verdicts = Listening(EndpointingRules()), 0, list[EndpointDecision]()
    for wait, step in steps:
        now += wait
        match step:
            case "started" if not listening.is_speech:
                verdicts += listening.started(now)
            case "stopped" if listening.is_speech:
                listening.stopped(now)
            case "told on":
                verdicts += listening.told_started()
            case "told off":
                verdicts += listening.told_stopped()
            case _:
                verdicts += listening.at(now)
    guesses = [verdict for verdict in verdicts if verdict in (EndpointDecision.PERHAPS, EndpointDecision.RESUMED)]
    assert all(a is not b or a is EndpointDecision.PERHAPS for a, b in itertools.pairwise(guesses))
    assert sum(verdict not in (EndpointDecision.PERHAPS, EndpointDecision.RESUMED) for verdict in verdicts) <= 1
    speech = listening.speech(now)
    assert all(begin <= end for begin, end in speech)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(speech))
