import numpy as np

from wyoming_rosie_asr.engines.pocketsphinx.trim import FRAME_BYTES, PADDING_FRAMES, trim_silence

SILENCE = bytes(FRAME_BYTES)
SAMPLES = np.arange(FRAME_BYTES // 2)
SPEECH = (8000 * np.sin(SAMPLES / 5)).astype("<i2").tobytes()
SOFT = (40 * np.sin(SAMPLES / 5)).astype("<i2").tobytes()


def is_speech(frame: bytes) -> bool:
    return frame != SILENCE


def test_the_speech_is_kept_with_a_little_silence_around_it() -> None:
    found = trim_silence(SILENCE * 20 + SPEECH * 10 + SILENCE * 20, is_speech)
    assert found == SILENCE * PADDING_FRAMES + SPEECH * 10 + SILENCE * PADDING_FRAMES


def test_speech_at_the_very_edges_is_kept_whole() -> None:
    assert trim_silence(SPEECH * 10, is_speech) == SPEECH * 10


def test_a_pause_inside_stays() -> None:
    whole = SPEECH * 10 + SILENCE * 15 + SPEECH * 10
    assert whole in trim_silence(SILENCE * 20 + whole + SILENCE * 20, is_speech)


def test_silence_has_no_speech() -> None:
    assert trim_silence(SILENCE * 50, is_speech) == b""
    assert trim_silence(b"", is_speech) == b""
    assert trim_silence(b"\0" * 100, is_speech) == b""


def test_a_click_is_not_speech() -> None:
    assert trim_silence(SILENCE * 20 + SPEECH * 2 + SILENCE * 20, is_speech) == b""


def test_audio_much_softer_than_the_speech_is_trimmed() -> None:
    found = trim_silence(SOFT * 40 + SPEECH * 10 + SOFT * 40, is_speech)
    assert found == SOFT * PADDING_FRAMES + SPEECH * 10 + SOFT * PADDING_FRAMES


def test_a_recording_shorter_than_the_filter_is_accepted() -> None:
    assert trim_silence(SPEECH * 3, is_speech) == SPEECH * 3
