from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.voice_activity.endpointing import (
    AFTER_LONG_SOUND_MS,
    LONG_SOUND_MS,
    Completeness,
    EndpointDecision,
    Endpointer,
    EndpointingRules,
    check_endpointing_rules,
)

RULES = EndpointingRules()
OVER = {EndpointDecision.DONE, EndpointDecision.TOO_LONG, EndpointDecision.NO_SPEECH}
EVENTS = ["sounded", "quieted", "started", "stopped", "decoding", *Completeness, "nothing"]
SCRIPTS = st.lists(st.tuples(st.integers(1, 30_000), st.sampled_from(EVENTS)), max_size=12)


def follow(script: list[tuple[int, str]], tick_ms: int = 10_000_000) -> list[tuple[int, EndpointDecision]]:
    """Return what is said, and how long speech had been over then; each step is so much later than the last."""
    end, now, silent_since = Endpointer(RULES), 0, 0
    said: list[tuple[int, EndpointDecision]] = []
    for wait, event in script:
        until = now + wait
        for tick in [*range(now + tick_ms, until, tick_ms), until]:
            said += [(tick - silent_since, verdict) for verdict in end.advance(tick)]
        now = until
        match event:
            case "started":
                said += [(0, verdict) for verdict in end.on_speech_start(now)]
            case "stopped":
                end.on_speech_stop(now)
                silent_since = now
            case "sounded":
                end.on_noise_start(now)
            case "quieted":
                end.on_noise_stop(now)
            case "decoding":
                end.on_speculation_start()
            case "finished" | "complete" | "unknown" | "beginning":
                end.set_completeness(Completeness(event))
    return said


def verdicts(*script: tuple[int, str]) -> list[EndpointDecision]:
    return [verdict for _, verdict in follow(list(script), tick_ms=10)]


def test_a_pause_may_be_the_end_and_after_more_of_it_is() -> None:
    speech = (300, "started"), (1000, "stopped")
    assert verdicts(*speech, (199, "nothing")) == []
    assert verdicts(*speech, (200, "nothing")) == [EndpointDecision.PERHAPS]
    assert verdicts(*speech, (899, "nothing")) == [EndpointDecision.PERHAPS]
    assert verdicts(*speech, (900, "nothing")) == [EndpointDecision.PERHAPS, EndpointDecision.DONE]


def test_a_complete_command_ends_sooner() -> None:
    speech = (300, "started"), (1000, "stopped"), (300, "complete")
    assert verdicts(*speech, (199, "nothing")) == [EndpointDecision.PERHAPS]
    assert verdicts(*speech, (200, "nothing")) == [EndpointDecision.PERHAPS, EndpointDecision.DONE]


def test_a_command_that_nothing_can_follow_ends_soonest() -> None:
    speech = (300, "started"), (1000, "stopped"), (250, "finished")
    assert verdicts(*speech, (49, "nothing")) == [EndpointDecision.PERHAPS]
    assert verdicts(*speech, (50, "nothing")) == [EndpointDecision.PERHAPS, EndpointDecision.DONE]


def test_the_beginning_of_a_command_is_given_time_to_go_on() -> None:
    speech = (300, "started"), (1000, "stopped"), (400, "beginning")
    assert verdicts(*speech, (1599, "nothing")) == [EndpointDecision.PERHAPS]
    assert verdicts(*speech, (1600, "nothing")) == [EndpointDecision.PERHAPS, EndpointDecision.DONE]


def test_a_slow_decoding_is_waited_for_as_long_as_a_beginning() -> None:
    speech = (300, "started"), (1000, "stopped"), (210, "decoding")
    assert verdicts(*speech, (1789, "nothing")) == [EndpointDecision.PERHAPS]
    assert verdicts(*speech, (1790, "nothing")) == [EndpointDecision.PERHAPS, EndpointDecision.DONE]
    assert verdicts(*speech, (1200, "complete"), (1, "nothing")) == [EndpointDecision.PERHAPS, EndpointDecision.DONE]


def test_what_is_decoded_after_speech_went_on_says_nothing_of_the_next_silence() -> None:
    speech = (
        (300, "started"),
        (1000, "stopped"),
        (300, "decoding"),
        (100, "started"),
        (50, "finished"),
        (500, "stopped"),
    )
    assert EndpointDecision.DONE not in verdicts(*speech, (899, "nothing"))


def test_a_command_that_turns_out_incomplete_waits_as_long_as_any() -> None:
    speech = (300, "started"), (1000, "stopped"), (300, "complete"), (50, "unknown")
    assert verdicts(*speech, (549, "nothing")) == [EndpointDecision.PERHAPS]
    assert verdicts(*speech, (550, "nothing")) == [EndpointDecision.PERHAPS, EndpointDecision.DONE]


def test_speech_that_goes_on_takes_back_the_guess_and_what_was_complete_before() -> None:
    speech = (300, "started"), (1000, "stopped"), (300, "complete"), (100, "started"), (500, "stopped")
    assert verdicts(*speech, (600, "nothing")) == [
        EndpointDecision.PERHAPS,
        EndpointDecision.RESUMED,
        EndpointDecision.PERHAPS,
    ]


def test_a_pause_too_short_to_guess_is_not_resumed_from() -> None:
    assert verdicts((300, "started"), (1000, "stopped"), (100, "started")) == []


def test_a_text_of_what_is_still_being_said_ends_nothing_sooner() -> None:
    speech = (300, "started"), (500, "complete"), (500, "stopped")
    assert verdicts(*speech, (600, "nothing")) == [EndpointDecision.PERHAPS]


def test_nobody_is_waited_for_or_listened_to_for_ever() -> None:
    assert verdicts((RULES.no_speech_ms - 1, "nothing")) == []
    assert verdicts((RULES.no_speech_ms, "nothing")) == [EndpointDecision.NO_SPEECH]
    assert verdicts((300, "started"), (RULES.longest_ms - 1, "nothing")) == []
    assert verdicts((300, "started"), (RULES.longest_ms, "nothing")) == [EndpointDecision.TOO_LONG]


COMPLETE_THEN_SPEECH = (300, "started"), (1000, "stopped"), (250, "decoding"), (50, "started"), (50, "complete")


def test_other_speech_after_a_complete_command_ends_it() -> None:
    so_far = 250 + 50 + 50
    assert verdicts(*COMPLETE_THEN_SPEECH, (RULES.after_complete_ms - so_far - 1, "nothing"))[2:] == []
    assert verdicts(*COMPLETE_THEN_SPEECH, (RULES.after_complete_ms - so_far, "nothing"))[2:] == [EndpointDecision.DONE]


def test_a_complete_command_that_turns_out_to_be_a_beginning_is_listened_to() -> None:
    more = (300, "stopped"), (210, "decoding"), (100, "beginning"), (100, "started")
    said = verdicts(*COMPLETE_THEN_SPEECH, *more, (RULES.after_complete_ms, "nothing"))
    assert EndpointDecision.DONE not in said


def test_the_command_ends_where_the_other_speech_began() -> None:
    endpointer = Endpointer(RULES)
    endpointer.on_speech_start(300)
    endpointer.on_speech_stop(1300)
    endpointer.on_speculation_start()
    endpointer.on_speech_start(1500)
    endpointer.set_completeness(Completeness.FINISHED)
    assert endpointer.advance(1300 + RULES.after_complete_ms) == [EndpointDecision.DONE]
    assert endpointer.silent_since == 1300


def test_a_long_sound_that_is_no_speech_ends_the_wait_soon_after_it() -> None:
    hum = (300, "sounded"), (LONG_SOUND_MS, "quieted")
    assert verdicts(*hum, (AFTER_LONG_SOUND_MS - 1, "nothing")) == []
    assert verdicts(*hum, (AFTER_LONG_SOUND_MS, "nothing")) == [EndpointDecision.NO_SPEECH]


@pytest.mark.parametrize(
    "script",
    [
        [(300, "sounded"), (LONG_SOUND_MS - 1, "quieted")],
        [(300, "sounded"), (LONG_SOUND_MS, "quieted"), (AFTER_LONG_SOUND_MS - 1, "sounded"), (100, "quieted")],
        [(300, "sounded")],
        [(300, "quieted")],
    ],
    ids=["a click", "another sound", "a sound that goes on", "silence"],
)
def test_who_is_yet_to_speak_is_waited_for(script: list[tuple[int, str]]) -> None:
    waited = sum(wait for wait, _ in script)
    assert verdicts(*script, (RULES.no_speech_ms - waited - 1, "nothing")) == []
    assert verdicts(*script, (RULES.no_speech_ms - waited, "nothing")) == [EndpointDecision.NO_SPEECH]


def test_speech_after_a_long_sound_is_heard_to_its_end() -> None:
    hum = (300, "sounded"), (LONG_SOUND_MS, "quieted"), (500, "started")
    assert verdicts(*hum, (3000, "nothing")) == []
    assert EndpointDecision.DONE in verdicts(*hum, (3000, "stopped"), (RULES.incomplete_ms, "nothing"))


def test_a_stream_that_stalls_ends_as_what_it_was() -> None:
    end = Endpointer(RULES)
    assert end.on_timeout() is EndpointDecision.NO_SPEECH
    end = Endpointer(RULES)
    end.on_speech_start(100)
    assert end.on_timeout() is EndpointDecision.TOO_LONG
    end = Endpointer(RULES)
    end.on_speech_start(100)
    end.on_speech_stop(200)
    assert end.on_timeout() is EndpointDecision.DONE
    assert end.advance(60_000) == []


@given(SCRIPTS, st.integers(1, 3000))
def test_how_the_stream_is_cut_changes_nothing(script: list[tuple[int, str]], tick_ms: int) -> None:
    assert [verdict for _, verdict in follow(script, tick_ms)] == [verdict for _, verdict in follow(script)]


@given(SCRIPTS, st.integers(50, 3000))
def test_it_is_over_once_and_never_before_the_silence_of_a_finished_command(
    script: list[tuple[int, str]], tick_ms: int
) -> None:
    said = follow(script, tick_ms)
    assert [verdict for _, verdict in said[:-1] if verdict in OVER] == []
    for silence, verdict in said:
        assert verdict is not EndpointDecision.DONE or silence >= RULES.finished_ms
        assert verdict is not EndpointDecision.PERHAPS or silence >= RULES.perhaps_ms


@given(SCRIPTS)
def test_a_guess_is_made_once_in_a_silence_and_taken_back_only_when_made(script: list[tuple[int, str]]) -> None:
    # a stop without a start begins another silence, so only scripts in which they alternate count
    edges = [event for _, event in script if event in ("started", "stopped")]
    if edges != ["started", "stopped"] * (len(edges) // 2) + ["started"] * (len(edges) % 2):
        return
    guesses = [
        verdict for _, verdict in follow(script) if verdict in (EndpointDecision.PERHAPS, EndpointDecision.RESUMED)
    ]
    assert guesses[:1] in ([], [EndpointDecision.PERHAPS])
    assert all(one is not other for one, other in pairwise(guesses))


@pytest.mark.parametrize(
    "rules",
    [
        EndpointingRules(perhaps_ms=-1),
        EndpointingRules(perhaps_ms=600),
        EndpointingRules(complete_ms=1000),
        EndpointingRules(perhaps_ms=0, finished_ms=0, complete_ms=0, incomplete_ms=0),
        EndpointingRules(finished_ms=501),
        EndpointingRules(beginning_ms=899),
        EndpointingRules(longest_ms=0),
        EndpointingRules(no_speech_ms=10**9),
    ],
    ids=str,
)
def test_rules_that_contradict_themselves_are_the_operators_to_mend(rules: EndpointingRules) -> None:
    with pytest.raises(ConfigError, match="--end-of-speech"):
        check_endpointing_rules(rules)


def test_the_defaults_are_sound() -> None:
    check_endpointing_rules(RULES)


@pytest.mark.parametrize(
    ("sensitivity", "ends_ms"), [("relaxed", 1440), ("aggressive", 540), ("default", 900), (None, 900), ("mine", 900)]
)
def test_who_speaks_slowly_is_waited_for(sensitivity: str | None, ends_ms: int) -> None:
    rules = RULES.for_sensitivity(sensitivity)
    check_endpointing_rules(rules)
    assert rules.incomplete_ms == ends_ms
