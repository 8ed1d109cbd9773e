"""Presences begin once, end once, and survive repeated, late and disordered frames."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.bus import schema
from wyoming_rosie_bridge.vision.edge import presence
from wyoming_rosie_bridge.vision.edge.frames import CONFIRM_SECONDS, REFRESH_SECONDS, FrameSampler
from wyoming_rosie_bridge.vision.edge.presence import (
    COOL_DOWN_SECONDS,
    MAX_LABELS,
    QUIET_SECONDS,
    Presence,
    PresenceChange,
    Presences,
    SeenFrame,
)

T0 = 1_795_000_000.0


def seen(label: str, seconds: float, score: float = 0.5) -> SeenFrame:
    return SeenFrame("yard", label, T0 + seconds, score, (0.1, 0.1, 0.2, 0.4), "memory:frame")


def told(changes: tuple[PresenceChange, ...]) -> list[tuple[str, str]]:
    return [(change.phase, change.presence.label) for change in changes]


def test_a_person_begins_motion_and_a_person() -> None:
    _, changes = presence.see(Presences(), seen("person", 0))
    assert told(changes) == [("new", "motion"), ("new", "person")]


def test_what_is_seen_again_changes_nothing_but_its_end() -> None:
    state, _ = presence.see(Presences(), seen("person", 0))
    state, changes = presence.see(state, seen("person", 5))
    assert changes == ()
    assert presence.expire(state, T0 + 5 + QUIET_SECONDS)[1] == ()
    _, ends = presence.expire(state, T0 + 5.1 + QUIET_SECONDS)
    assert told(ends) == [("end", "motion"), ("end", "person")]
    assert {change.presence.last_seen for change in ends} == {T0 + 5}


def test_motion_without_the_person_ends_the_person_alone() -> None:
    state, _ = presence.see(Presences(), seen("person", 0))
    for second in range(1, 12):
        state, changes = presence.see(state, seen("motion", second))
        if changes:
            assert told(changes) == [("end", "person")]
    assert [one.label for one in state.of if not one.ended] == ["motion"]


def test_a_frame_after_a_long_gap_ends_the_old_presence_first() -> None:
    state, _ = presence.see(Presences(), seen("motion", 0))
    _, changes = presence.see(state, seen("motion", 3600))
    assert told(changes) == [("end", "motion"), ("new", "motion")]
    assert changes[0].presence.last_seen == T0


def test_a_presence_soon_after_the_last_one_is_a_repetition() -> None:
    state, _ = presence.see(Presences(), seen("motion", 0))
    state, _ = presence.expire(state, T0 + 20)
    soon = presence.see(state, seen("motion", COOL_DOWN_SECONDS - 1))[1][0].presence
    late = presence.see(state, seen("motion", COOL_DOWN_SECONDS + 1))[1][0].presence
    assert (soon.repeat, late.repeat) == (True, False)


def test_a_frame_that_is_delivered_again_after_the_end_begins_nothing() -> None:
    state, _ = presence.see(Presences(), seen("person", 0))
    state, _ = presence.expire(state, T0 + 60)
    assert presence.see(state, seen("person", 0)) == (state, ())


def test_the_best_score_and_its_box_are_kept() -> None:
    state, _ = presence.see(Presences(), seen("person", 0, 0.4))
    state, _ = presence.see(state, replace(seen("person", 1, 0.9), box=(0.5, 0.5, 0.6, 0.8)))
    state, _ = presence.see(state, seen("person", 2, 0.2))
    person = next(one for one in state.of if one.label == "person")
    assert (person.score, person.box) == (0.9, (0.5, 0.5, 0.6, 0.8))


def test_an_agreed_event_id_replaces_ours() -> None:
    state, changes = presence.see(Presences(), seen("motion", 0))
    state = presence.rename(state, changes[0].presence, "that-of-the-other-bridge")
    assert state.of[0].event_id == "that-of-the-other-bridge"
    assert presence.expire(state, T0 + 60)[1][0].presence.event_id == "that-of-the-other-bridge"


FRAMES = st.lists(
    st.tuples(st.sampled_from(["motion", "person", "large_moving_object"]), st.floats(-30, 300)), max_size=60
)


def pair_up(changes: list[PresenceChange]) -> None:
    """Assert that each label begins and ends in turn, and each presence once."""
    running: dict[str, Presence] = {}
    ids = set()
    for change in changes:
        label = change.presence.label
        if change.phase == "new":
            assert label not in running
            assert change.presence.number not in ids
            ids.add(change.presence.number)
            running[label] = change.presence
        else:
            assert running.pop(label).number == change.presence.number
            assert change.presence.start <= change.presence.last_seen
    assert not running


@given(FRAMES)
def test_begins_and_ends_alternate_in_any_order_of_frames(frames: list[tuple[str, float]]) -> None:
    state = Presences()
    changes: list[PresenceChange] = []
    for label, second in frames:
        state, more = presence.see(state, seen(label, second))
        changes += more
    state, ends = presence.expire(state, T0 + 1000)
    pair_up([*changes, *ends])
    assert not presence.is_any_open(state)


@given(FRAMES, st.integers(0, 59))
def test_delivering_a_frame_twice_in_a_row_changes_nothing(frames: list[tuple[str, float]], index: int) -> None:
    state = Presences()
    for position, (label, second) in enumerate(frames):
        state, _ = presence.see(state, seen(label, second))
        if position == index:
            assert presence.see(state, seen(label, second)) == (state, ())


@given(FRAMES)
def test_the_state_survives_being_stored(frames: list[tuple[str, float]]) -> None:
    state = Presences()
    for label, second in frames:
        state, _ = presence.see(state, seen(label, second))
    assert schema.from_data(Presences, schema.to_data(state)) == state


@given(st.lists(st.tuples(st.integers(0, 200), st.floats(0, 50)), max_size=80))
def test_labels_of_strangers_cannot_grow_the_state(frames: list[tuple[int, float]]) -> None:
    state = Presences()
    for number, second in frames:
        state, _ = presence.see(state, seen(f"class_{number}", second))
        assert len(state.of) <= MAX_LABELS


def test_a_label_must_be_seen_twice_before_a_frame_is_passed_on() -> None:
    sampler = FrameSampler()
    assert [sampler.selects("person", now) for now in (0.0, 0.2)] == [False, True]


def test_two_frames_far_apart_confirm_nothing() -> None:
    sampler = FrameSampler()
    assert not any(sampler.selects("person", 100.0 * CONFIRM_SECONDS * index) for index in range(5))


@given(st.lists(st.floats(0.01, 5.0), max_size=80))
def test_frames_are_passed_on_no_faster_than_the_refresh(pauses: list[float]) -> None:
    sampler, now, passed = FrameSampler(), 0.0, []
    for pause in pauses:
        now += pause
        if sampler.selects("person", now):
            passed.append(now)
    assert all(later - earlier >= REFRESH_SECONDS for earlier, later in pairwise(passed))


def test_a_label_that_stays_is_passed_on_from_time_to_time() -> None:
    sampler = FrameSampler()
    assert sum(sampler.selects("person", index / 5) for index in range(100)) >= 9
