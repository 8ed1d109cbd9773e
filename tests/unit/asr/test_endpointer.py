import itertools

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.voice_activity.endpointing import EndpointDecision, EndpointingRules
from wyoming_rosie_asr.endpointer import UtteranceEndpointer

STEPS = st.lists(st.tuples(st.integers(1, 3000), st.sampled_from(["started", "stopped", "told on", "told off", "at"])))


def test_silence_is_first_perhaps_and_then_surely_the_end() -> None:
    listening = UtteranceEndpointer(EndpointingRules())
    listening.on_speech_start(100)
    listening.on_speech_stop(1000)
    assert [listening.advance(now) for now in (1100, 1200, 1850, 1900)] == [
        [],
        [EndpointDecision.PERHAPS],
        [],
        [EndpointDecision.DONE],
    ]


def test_a_voice_that_goes_on_takes_it_back() -> None:
    listening = UtteranceEndpointer(EndpointingRules())
    listening.on_speech_start(100)
    listening.on_speech_stop(1000)
    listening.advance(1250)
    assert listening.on_speech_start(1300) == [EndpointDecision.RESUMED]
    assert listening.speech_segments(2000) == ((100, 1000), (1300, 2000))


def test_who_conducts_decides_alone() -> None:
    listening = UtteranceEndpointer(EndpointingRules())
    assert listening.on_voice_started() == []
    listening.on_speech_start(100)
    listening.on_speech_stop(1000)
    assert listening.advance(5000) == []
    assert listening.on_voice_stopped() == [EndpointDecision.PERHAPS]
    assert listening.on_voice_stopped() == []
    assert listening.on_speech_start(5100) == []
    assert listening.on_voice_started() == [EndpointDecision.RESUMED]


@given(STEPS)
def test_a_guess_is_begun_and_thrown_away_in_turn_and_nothing_follows_the_end(steps: list[tuple[int, str]]) -> None:
    listening, now, verdicts = UtteranceEndpointer(EndpointingRules()), 0, list[EndpointDecision]()
    for wait, step in steps:
        now += wait
        match step:
            case "started" if not listening.is_speech:
                verdicts += listening.on_speech_start(now)
            case "stopped" if listening.is_speech:
                listening.on_speech_stop(now)
            case "told on":
                verdicts += listening.on_voice_started()
            case "told off":
                verdicts += listening.on_voice_stopped()
            case _:
                verdicts += listening.advance(now)
    guesses = [verdict for verdict in verdicts if verdict in (EndpointDecision.PERHAPS, EndpointDecision.RESUMED)]
    assert all(a is not b or a is EndpointDecision.PERHAPS for a, b in itertools.pairwise(guesses))
    assert sum(verdict not in (EndpointDecision.PERHAPS, EndpointDecision.RESUMED) for verdict in verdicts) <= 1
    speech = listening.speech_segments(now)
    assert all(begin <= end for begin, end in speech)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(speech))
