"""Recording of utterances, order of answers, and presence of the bridge."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie.bus.messages import Say, SpeechData
from wyoming_rosie_satellite.integrations.mqtt_rules import (
    ABSENT_SECONDS,
    MAX_WAITING_SAYS,
    RECEIPT_SECONDS,
    TRIGGER,
    BridgePresence,
    RecordedUtterance,
    SayQueue,
    UtteranceRecorder,
)

STOP = Event("audio-stop")


def run(word: str | None = None) -> Event:
    return Event("run-pipeline", {"wake_word_name": word})


def chunk(pcm: bytes) -> Event:
    return Event("audio-chunk", {}, pcm)


def piece(text: str, number: int, *, is_last: bool) -> Say:
    return Say(text, audio=SpeechData("AAAA", number=number, is_last=is_last))


def test_a_run_is_recorded_from_its_request_to_its_end() -> None:
    recorder = UtteranceRecorder()
    events = (Event("detection"), run("okay_nabu"), chunk(b"ab"), Event("ping"), chunk(b"cd"))
    assert [recorder.on_event(event) for event in events] == [None] * len(events)
    assert recorder.on_event(STOP) == RecordedUtterance("okay_nabu", b"abcd")
    assert recorder.on_event(STOP) is None


def test_a_run_without_a_wake_word_needs_none() -> None:
    recorder = UtteranceRecorder()
    recorder.on_event(run())
    recorder.on_event(chunk(b"ab"))
    assert recorder.on_event(STOP) == RecordedUtterance(TRIGGER, b"ab")


def test_what_was_discarded_is_not_in_the_next_run() -> None:
    recorder = UtteranceRecorder()
    for event in (run("okay_nabu"), chunk(b"no"), run("hey_jarvis"), chunk(b"ab")):
        recorder.on_event(event)
    assert recorder.on_event(STOP) == RecordedUtterance("hey_jarvis", b"ab")


@given(st.lists(st.binary(max_size=7), max_size=9))
def test_a_long_run_ends_with_as_much_as_a_message_carries(chunks: list[bytes]) -> None:
    recorder = UtteranceRecorder(max_bytes=20)
    recorder.on_event(run())
    ends = [end for end in map(recorder.on_event, [*map(chunk, chunks), STOP]) if end is not None]
    said = b"".join(chunks)[:20]
    assert [end.pcm for end in ends] == ([said] if said else [])


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_sentences_that_come_at_the_same_time_are_spoken_one_after_the_other(keys: list[str]) -> None:
    queue, spoken = SayQueue(), list[str]()
    last = {key: len(keys) - 1 - keys[::-1].index(key) for key in set(keys)}
    for place, key in enumerate(keys):
        queue.put(key, piece(key, keys[:place].count(key), is_last=place == last[key]))
        while (say := queue.take()) is not None:
            spoken.append(say.text)
    assert sorted(spoken) == sorted(keys)
    changes = sum(one != other for one, other in pairwise(spoken))
    assert changes == max(0, len(set(keys)) - 1)


def test_a_sentence_that_does_not_go_on_can_be_given_up_and_one_that_has_not_begun_cannot() -> None:
    queue = SayQueue()
    queue.put("a", piece("a", 0, is_last=False))
    queue.abandon()
    assert queue.take() is not None
    queue.put("b", Say("b"))
    assert (queue.take(), queue.is_interrupted) == (None, True)
    queue.abandon()
    assert queue.take() == Say("b")
    assert not queue.is_interrupted


def test_a_flood_of_sentences_is_bounded() -> None:
    queue = SayQueue()
    for number in range(MAX_WAITING_SAYS + 10):
        queue.put(str(number), Say(str(number)))
    assert len(list(iter(queue.take, None))) == MAX_WAITING_SAYS


@pytest.mark.parametrize(
    ("steps", "is_present"),
    [
        ([(0, False)], False),
        ([(0, True)], True),
        ([(0, True), (ABSENT_SECONDS - 1, False)], True),
        ([(0, True), (ABSENT_SECONDS, False)], False),
        ([(0, True), (9, False), (10, True)], True),
    ],
    ids=["never connected", "connected", "lost for a moment", "lost", "back"],
)
def test_the_bridge_is_there_while_its_broker_is(steps: list[tuple[float, bool]], is_present: bool) -> None:
    presence = BridgePresence()
    seen = [presence.is_present(now, is_connected=connected) for now, connected in steps]
    assert seen[-1] is is_present


def test_a_bridge_that_sends_no_receipt_is_away_until_it_does() -> None:
    presence = BridgePresence()
    presence.on_utterance("kitchen:b:1", 0.0)
    assert presence.is_present(RECEIPT_SECONDS - 1, is_connected=True)
    assert not presence.is_present(RECEIPT_SECONDS, is_connected=True)
    presence.on_receipt()
    assert presence.is_present(RECEIPT_SECONDS, is_connected=True)
