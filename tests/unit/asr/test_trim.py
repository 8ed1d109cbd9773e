import numpy as np

from wyoming_rosie_asr.engines.pocketsphinx.trim import FRAME_BYTES, PAD_FRAMES, speech_in

SILENCE = bytes(FRAME_BYTES)
SAMPLES = np.arange(FRAME_BYTES // 2)
SPEECH = (8000 * np.sin(SAMPLES / 5)).astype("<i2").tobytes()
SOFT = (40 * np.sin(SAMPLES / 5)).astype("<i2").tobytes()


def is_speech(frame: bytes) -> bool:
    return frame != SILENCE


def test_the_speech_is_kept_with_a_little_silence_around_it() -> None:
    found = speech_in(SILENCE * 20 + SPEECH * 10 + SILENCE * 20, is_speech)
    assert found == SILENCE * PAD_FRAMES + SPEECH * 10 + SILENCE * PAD_FRAMES


def test_speech_at_the_very_edges_is_kept_whole() -> None:
    assert speech_in(SPEECH * 10, is_speech) == SPEECH * 10


def test_a_pause_inside_stays() -> None:
    whole = SPEECH * 10 + SILENCE * 15 + SPEECH * 10
    assert whole in speech_in(SILENCE * 20 + whole + SILENCE * 20, is_speech)


def test_silence_has_no_speech() -> None:
    assert speech_in(SILENCE * 50, is_speech) == b""
    assert speech_in(b"", is_speech) == b""
    assert speech_in(b"\0" * 100, is_speech) == b""


def test_a_click_is_not_speech() -> None:
    assert speech_in(SILENCE * 20 + SPEECH * 2 + SILENCE * 20, is_speech) == b""


def test_what_is_much_softer_than_the_speech_is_cut_off() -> None:
    found = speech_in(SOFT * 40 + SPEECH * 10 + SOFT * 40, is_speech)
    assert found == SOFT * PAD_FRAMES + SPEECH * 10 + SOFT * PAD_FRAMES


def test_a_recording_shorter_than_the_neighbourhood_is_looked_at() -> None:
    assert speech_in(SPEECH * 3, is_speech) == SPEECH * 3
