import itertools

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.voice_activity.endpointing import Completeness, EndpointDecision, EndpointingRules
from wyoming_rosie_asr.endpointer import UtteranceEndpointer

STEPS = st.lists(st.tuples(st.integers(1, 3000), st.sampled_from(["started", "stopped", "told on", "told off", "at"])))


def test_silence_leads_to_perhaps_and_then_done() -> None:
    endpointer = UtteranceEndpointer(EndpointingRules())
    endpointer.on_speech_start(100)
    endpointer.on_speech_stop(1000)
    assert [endpointer.advance(now) for now in (1100, 1200, 1850, 1900)] == [
        [],
        [EndpointDecision.PERHAPS],
        [],
        [EndpointDecision.DONE],
    ]


def test_resumed_speech_follows_perhaps() -> None:
    endpointer = UtteranceEndpointer(EndpointingRules())
    endpointer.on_speech_start(100)
    endpointer.on_speech_stop(1000)
    endpointer.advance(1250)
    assert endpointer.on_speech_start(1300) == [EndpointDecision.RESUMED]
    assert endpointer.speech_segments(2000) == ((100, 1000), (1300, 2000))


def test_speech_after_the_end_of_a_command_is_no_part_of_it() -> None:
    rules = EndpointingRules()
    endpointer = UtteranceEndpointer(rules)
    endpointer.on_speech_start(100)
    endpointer.on_speech_stop(1000)
    endpointer.on_speculation_start()
    endpointer.on_speech_start(1300)
    endpointer.set_completeness(Completeness.COMPLETE)
    now = 1000 + rules.after_complete_ms
    assert endpointer.advance(now) == [EndpointDecision.DONE]
    assert endpointer.speech_segments(now) == ((100, 1000),)


def test_a_conductor_may_end_the_command_before_the_present_speech() -> None:
    endpointer = UtteranceEndpointer(EndpointingRules(), is_conducted=True)
    for begin, end in ((100, 1000), (1300, 1000)):
        endpointer.on_speech_start(begin)
        endpointer.on_speech_stop(end)
    assert endpointer.speech_segments(9000) == ((100, 1000),)


def test_only_the_conductor_decides() -> None:
    endpointer = UtteranceEndpointer(EndpointingRules())
    assert endpointer.on_voice_started() == []
    endpointer.on_speech_start(100)
    endpointer.on_speech_stop(1000)
    assert endpointer.advance(5000) == []
    assert endpointer.on_voice_stopped() == [EndpointDecision.PERHAPS]
    assert endpointer.on_voice_stopped() == []
    assert endpointer.on_speech_start(5100) == []
    assert endpointer.on_voice_started() == [EndpointDecision.RESUMED]


@given(STEPS)
def test_perhaps_and_resumed_alternate_and_nothing_follows_the_end(steps: list[tuple[int, str]]) -> None:
    endpointer, now, decisions = UtteranceEndpointer(EndpointingRules()), 0, list[EndpointDecision]()
    for wait, step in steps:
        now += wait
        match step:
            case "started" if not endpointer.is_speech:
                decisions += endpointer.on_speech_start(now)
            case "stopped" if endpointer.is_speech:
                endpointer.on_speech_stop(now)
            case "told on":
                decisions += endpointer.on_voice_started()
            case "told off":
                decisions += endpointer.on_voice_stopped()
            case _:
                decisions += endpointer.advance(now)
    guesses = [decision for decision in decisions if decision in (EndpointDecision.PERHAPS, EndpointDecision.RESUMED)]
    assert all(a is not b or a is EndpointDecision.PERHAPS for a, b in itertools.pairwise(guesses))
    assert sum(decision not in (EndpointDecision.PERHAPS, EndpointDecision.RESUMED) for decision in decisions) <= 1
    speech = endpointer.speech_segments(now)
    assert all(begin <= end for begin, end in speech)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(speech))
