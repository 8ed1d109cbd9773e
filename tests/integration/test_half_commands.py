"""Commands that are cut in their middle, decoded with the grammar of the demo home."""

from pathlib import Path

import pytest

from wyoming_rosie import commands
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.home.loader import load_home
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie.voice_activity.endpointing import Completeness
from wyoming_rosie_asr.engine import SpeechAudio
from wyoming_rosie_asr.engines.pocketsphinx.engine import GrammarRecognizer, Settings

COMMAND = "turn on the kitchen lights"
SILENCE = bytes(SPEECH.bytes_in(1.5))


def whole(pcm: bytes) -> SpeechAudio:
    return SpeechAudio(pcm, ((0, len(pcm) // 32),))


@pytest.fixture(scope="module")
def recognizer() -> GrammarRecognizer:
    return GrammarRecognizer(Settings(), load_home(DEMO_HOME))


@pytest.fixture(scope="module")
def pcm() -> bytes:
    return read_wav(Path(commands.__file__).with_name("command.wav"))[1]


@pytest.fixture(scope="module")
def word_starts(recognizer: GrammarRecognizer, pcm: bytes) -> list[int]:
    """Where each word of the command begins, in bytes."""
    heard, _ = recognizer._default_decoder._search_sentences(pcm)
    assert len(heard) == len(COMMAND.split())
    return [SPEECH.bytes_in(word.first / 100) for word in heard]


def test_a_whole_command_is_finished(recognizer: GrammarRecognizer, pcm: bytes) -> None:
    text, _, completeness = recognizer.transcribe(whole(pcm))
    assert (text, completeness) == (COMMAND, Completeness.FINISHED)


@pytest.mark.parametrize("words", [3, 4])
def test_half_a_command_is_a_beginning_and_no_other_command_is_forced_upon_it(
    recognizer: GrammarRecognizer, pcm: bytes, word_starts: list[int], words: int
) -> None:
    text, _, completeness = recognizer.transcribe(whole(pcm[: word_starts[words]]))
    assert (text, completeness) == ("", Completeness.BEGINNING)


@pytest.mark.parametrize("words", [3, 4])
def test_a_pause_in_a_command_changes_nothing(
    recognizer: GrammarRecognizer, pcm: bytes, word_starts: list[int], words: int
) -> None:
    cut, end_ms = word_starts[words], len(pcm) // 32
    paused = SpeechAudio(pcm[:cut] + SILENCE + pcm[cut:], ((0, cut // 32), (cut // 32 + 1500, end_ms + 1500)))
    assert recognizer.transcribe(paused)[::2] == (COMMAND, Completeness.FINISHED)
