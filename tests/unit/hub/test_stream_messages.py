"""Messages of a page's stream: what is understood, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.timers.requests import SatelliteIdentity
from wyoming_rosie_hub.web.stream_messages import (
    MAX_AUDIO_BYTES,
    MessageBudget,
    decode_message,
    encode_event,
    parse_identity,
)

TWENTY_MS = bytes(640)


def info(**satellite: object) -> Event:
    return Event("info", {"satellite": satellite})


def test_binary_is_audio() -> None:
    assert decode_message(TWENTY_MS) == Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1}, TWENTY_MS)


def test_text_is_an_event() -> None:
    assert decode_message('{"type": "played", "data": {}}') == Event("played", {})


@pytest.mark.parametrize(
    "message",
    [
        "", "[]", "null", "{", '{"type": "played"}', '{"type": "played", "data": []}', '{"type": 3, "data": {}}',
        '{"type": "run-satellite", "data": {}}', '{"type": "audio-chunk", "data": {}}',
        '{"type": "transcript", "data": {}}', '{"type": "transcript", "data": {"text": 3}}',
        '{"type": "transcript", "data": {"text": "%s"}}' % ("a" * 1001), '{"type": "ping", "data": {"a": NaN}}',
        " " * 9000, "[" * 8000, b"\0", bytes(MAX_AUDIO_BYTES + 2),
    ],
)  # fmt: skip
def test_other_messages_are_refused(message: str | bytes) -> None:
    with pytest.raises(BadEventError):
        decode_message(message)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_message_is_an_event_or_refused(message: str | bytes) -> None:
    try:
        assert decode_message(message).type
    except BadEventError as err:
        assert str(err)


def test_a_page_gets_json_and_samples() -> None:
    assert encode_event(Event("audio-chunk", {"rate": 22050}, TWENTY_MS)) == TWENTY_MS
    text = encode_event(Event("synthesize", {"text": "Schön."}))
    assert json.loads(text) == {"type": "synthesize", "data": {"text": "Schön."}}


def test_a_page_says_its_name_and_room() -> None:
    assert parse_identity(info(name="tablet", area="Kitchen"), None) == SatelliteIdentity("tablet", "Kitchen")


def test_the_room_of_a_key_is_not_the_pages_to_choose() -> None:
    assert parse_identity(info(name="tablet", area="Bedroom"), "Kitchen").area == "Kitchen"


@pytest.mark.parametrize(
    "event",
    [Event("ping", {}), Event("info", {}), info(), info(name=""), info(name=" "), info(name="a\nb"), info(name="a" * 65), info(name="a", area=3)],
)  # fmt: skip
def test_a_page_without_a_proper_name_is_refused(event: Event) -> None:
    with pytest.raises(BadEventError):
        parse_identity(event, None)


def test_speech_in_real_time_is_never_too_fast() -> None:
    budget = MessageBudget(0.0)
    for chunk in range(50 * 600):
        budget.spend(0.02, chunk * 0.02)


def test_audio_much_faster_than_real_time_is_refused() -> None:
    budget = MessageBudget(0.0)
    with pytest.raises(BadEventError):
        for chunk in range(50 * 60):
            budget.spend(0.02, chunk * 0.002)


@pytest.mark.parametrize("seconds", [None, 0.0], ids=["text", "empty"])
def test_a_flood_of_small_messages_is_refused(seconds: float | None) -> None:
    budget = MessageBudget(0.0)
    with pytest.raises(BadEventError):
        for count in range(10_000):
            budget.spend(seconds, count * 0.001)
