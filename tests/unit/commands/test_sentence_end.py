from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.commands.sentence_recorder import PAUSE_MS, SentenceEnd
from wyoming_rosie.voice_activity import silero

VAD = silero.load(silero.Settings())


def end_ms(pcm: bytes, chunk_ms: int) -> int | None:
    """Return after how much audio a sentence has ended, in chunks of some length."""
    end, size = SentenceEnd(VAD), SPEECH.bytes_in(chunk_ms / 1000)
    try:
        for at in range(0, len(pcm), size):
            if end.push(pcm[at : at + size]):
                return round(1000 * SPEECH.seconds(at + size))
        return None
    finally:
        end.close()


@pytest.fixture
def sentence(shared_data: Path) -> bytes:
    return read_wav(shared_data / "commands-en" / "add_apples_to_my_shopping_list.wav")[1] + bytes(SPEECH.bytes_in(1.5))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunk_ms=st.integers(20, 500))
def test_a_pause_ends_a_sentence_however_the_audio_is_cut(sentence: bytes, chunk_ms: int) -> None:
    at_once, in_chunks = end_ms(sentence, 20), end_ms(sentence, chunk_ms)
    assert at_once is not None
    assert in_chunks is not None
    assert at_once - 40 <= in_chunks <= at_once + chunk_ms + 40


def test_a_word_and_silence_end_nothing(sentence: bytes, shared_data: Path) -> None:
    word = read_wav(shared_data / "commands-en" / "next.wav")[1]
    assert end_ms(word + bytes(SPEECH.bytes_in(PAUSE_MS / 500)), 50) is None
    assert end_ms(bytes(SPEECH.bytes_in(3)), 50) is None
    assert end_ms(word + sentence, 50) is not None
