"""Chimes of sine tones."""

from array import array

from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie.audio.tones import AMPLITUDE, synthesize_tones

TONES = ((660.0, 0.0), (440.0, 0.15))


def test_tones_last_until_the_end_of_the_last_one() -> None:
    assert len(synthesize_tones(TONES, SPEECH, last_tone_seconds=0.35)) == SPEECH.bytes_in(0.5)


def test_tones_neither_clip_nor_click() -> None:
    samples = array("h", synthesize_tones(TONES, SPEECH))
    loudest = max(map(abs, samples))
    assert 0.5 * AMPLITUDE < loudest / 32_767 < 2 * AMPLITUDE
    assert abs(samples[0]) < 0.01 * loudest
    assert max(map(abs, samples[-160:])) < 0.01 * loudest


def test_tones_are_in_the_target_format() -> None:
    stereo = AudioFormat(rate=48_000, width=2, channels=2)
    samples = array("h", synthesize_tones(TONES, stereo))
    assert len(samples) == 2 * round(0.65 * stereo.rate)
    assert samples[0::2] == samples[1::2]
