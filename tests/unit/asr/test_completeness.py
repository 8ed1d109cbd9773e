"""What a text and its audio tell of whether a command is over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.voice_activity.endpointing import Completeness
from wyoming_rosie_asr.completeness import rate_text
from wyoming_rosie_asr.engine import MARGIN_MS, PAUSE_MS, SpeechAudio


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Turn on the", "en"),
        ("set a timer for", "en-GB"),
        ("Turn on, um", "en"),
        ("Turn the lights...", "en"),
        ("Mach das Licht in der", "de"),
        ("stelle einen", "de-AT"),
        ("allume la lumière de la", "fr"),
        ("enciende la luz del", "es"),
        ("accendi la luce in", "it"),
        ("doe het licht aan in de", "nl"),
    ],
)
def test_more_follows_an_article_a_preposition_or_a_hesitation(text: str, language: str) -> None:
    assert rate_text(text, language) is Completeness.BEGINNING


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Turn the lights on.", "en"),
        ("what is it", "en"),
        ("Mach das Licht an.", "de"),
        ("Mach die Tür auf", "de"),
        ("doe het licht aan", "nl"),
        ("¿qué hora es?", "es"),
        ("the", None),
        ("turn on the", "xx"),
        ("", "en"),
    ],
)
def test_of_other_texts_nothing_is_known(text: str, language: str | None) -> None:
    assert rate_text(text, language) is Completeness.UNKNOWN


SEGMENTS = st.lists(st.integers(0, 3000), min_size=2, max_size=10).map(
    lambda times: tuple(zip(sorted(times)[::2], sorted(times)[1::2], strict=False))
)


@given(SEGMENTS)
def test_all_speech_is_kept_and_pauses_are_bounded(segments: tuple[tuple[int, int], ...]) -> None:
    pcm = b"".join(millisecond.to_bytes(2, "little") * 16 for millisecond in range(4000))
    kept = SpeechAudio(pcm, segments).without_pauses()
    milliseconds = [int.from_bytes(kept[at : at + 2], "little") for at in range(0, len(kept), 32)]
    assert milliseconds == sorted(set(milliseconds))
    assert {ms for begin, end in segments for ms in range(begin, end)} <= set(milliseconds)
    assert len(milliseconds) <= sum(end - begin for begin, end in segments) + 2 * MARGIN_MS + PAUSE_MS * len(segments)
