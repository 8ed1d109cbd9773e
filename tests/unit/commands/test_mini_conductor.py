"""Rules of the conductor of `wyoming-rosie listen`."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie.commands.mini_conductor import (
    ConductorEffect,
    ConductorPhase,
    MiniConductor,
    PlayReply,
    RecordAudio,
    SendEvent,
    ShowEvent,
    TurnEnded,
)

RUN = Event("run-pipeline", {"start_stage": "asr", "end_stage": "tts"})
CHUNK = Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1}, bytes(640))
PLAYED = Event("played")


def told(effects: Sequence[ConductorEffect]) -> list[str]:
    return [effect.event.type for effect in effects if isinstance(effect, SendEvent)]


def without_shows(effects: Sequence[ConductorEffect]) -> list[ConductorEffect]:
    return [effect for effect in effects if not isinstance(effect, ShowEvent)]


def test_a_run_is_recorded_until_its_time_is_over_then_answered() -> None:
    rules = MiniConductor(listen_seconds=2.0, answer_seconds=1.0)
    assert told(rules.on_event(RUN, 10.0)) == ["transcribe"]
    assert without_shows(rules.on_event(CHUNK, 10.1)) == [RecordAudio(CHUNK)]
    assert rules.on_deadline(11.9) == []
    effects = rules.on_deadline(12.0)
    assert told(effects) == ["voice-stopped", "transcript"]
    assert PlayReply() in effects
    assert without_shows(rules.on_event(CHUNK, 12.1)) == []
    assert without_shows(rules.on_event(PLAYED, 13.0)) == [TurnEnded(played=True)]


def test_a_satellite_that_ends_its_audio_is_answered_at_once() -> None:
    rules = MiniConductor(2.0, 1.0)
    rules.on_event(RUN, 0.0)
    assert PlayReply() in rules.on_event(Event("audio-stop"), 0.5)


def test_without_an_answer_the_satellite_is_told_that_the_run_is_over() -> None:
    rules = MiniConductor(2.0, None)
    rules.on_event(RUN, 0.0)
    effects = rules.on_deadline(2.0)
    assert told(effects)[-1] == "error"
    assert effects[-1] == TurnEnded(played=False)


def test_a_satellite_that_leaves_the_wake_word_to_us_is_heard_at_once() -> None:
    rules = MiniConductor(2.0, None)
    assert told(rules.on_event(Event("run-pipeline", {"start_stage": "wake"}), 0.0)) == ["detection", "transcribe"]
    assert without_shows(rules.on_event(CHUNK, 0.1)) == [RecordAudio(CHUNK)]


def test_an_answer_that_is_never_played_is_given_up() -> None:
    rules = MiniConductor(2.0, 1.0)
    rules.announce(0.0)
    assert rules.on_deadline(10.9) == []
    assert rules.on_deadline(11.0)[-1] == TurnEnded(played=False)


def test_pings_are_answered() -> None:
    assert told(MiniConductor(2.0, None).on_event(Event("ping", {"text": "x"}), 0.0)) == ["pong"]


EVENTS = st.sampled_from(
    [RUN, CHUNK, PLAYED, Event("audio-stop"), Event("detection", {"name": 5}), Event("ping"), None]
)


@given(st.lists(st.tuples(EVENTS, st.floats(0, 3))), st.sampled_from([None, 1.0]))
def test_any_order_of_events_leaves_a_legal_state(
    events: list[tuple[Event | None, float]], answer: float | None
) -> None:
    rules, now = MiniConductor(2.0, answer), 0.0
    for event, seconds in events:
        now += seconds
        effects = rules.on_deadline(now) if event is None else rules.on_event(event, now)
        assert (rules.deadline is None) == (rules.phase is ConductorPhase.WAITING)
        assert sum(isinstance(effect, TurnEnded) for effect in effects) <= 1
