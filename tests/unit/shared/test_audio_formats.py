"""Conversion of any format to speech PCM and back."""

import math
from array import array
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie.audio.formats import (
    PIECE_BYTES,
    PIECE_SECONDS,
    SPEECH,
    AudioFormat,
    Converter,
    SpeechInput,
    format_of,
    read_wav,
    split_chunk,
    write_wav,
)
from wyoming_rosie.errors import BadEventError, ConfigError

formats = st.builds(
    AudioFormat, st.sampled_from([8000, 16000, 22050, 44100, 48000]), st.integers(1, 4), st.integers(1, 6)
)


def tone(audio: AudioFormat, hertz: float = 440, seconds: float = 0.5, level: float = 0.5) -> bytes:
    """The same tone in every channel."""
    full = 2 ** (8 * audio.width - 1) - 1
    frames = (
        round(level * full * math.sin(2 * math.pi * hertz * index / audio.rate))
        for index in range(round(seconds * audio.rate))
    )
    return b"".join(value.to_bytes(audio.width, "little", signed=True) * audio.channels for value in frames)


def converted(source: AudioFormat, target: AudioFormat, pcm: bytes, chunk_frames: int) -> bytes:
    converter = Converter(source, target)
    step = chunk_frames * source.frame_bytes
    chunks = [converter.convert(pcm[start : start + step]) for start in range(0, len(pcm), step)]
    return b"".join(chunks) + converter.finish()


def spectrum_peak(pcm: bytes) -> tuple[float, float]:
    """Frequency in Hz and level (0 to 1) of speech audio's strongest tone."""
    samples = np.frombuffer(pcm, "<i2").astype(float) / 32768
    amplitudes = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) * 4 / len(samples)
    strongest = int(np.argmax(amplitudes))
    return strongest * SPEECH.rate / len(samples), float(amplitudes[strongest])


@given(formats, st.integers(1, 2000))
def test_any_format_keeps_its_length_pitch_and_level_as_speech(source: AudioFormat, chunk_frames: int) -> None:
    speech = converted(source, SPEECH, tone(source), chunk_frames)
    assert len(speech) == pytest.approx(SPEECH.bytes_in(0.5), abs=4)
    hertz, level = spectrum_peak(speech)
    assert hertz == pytest.approx(440, abs=4)
    assert level == pytest.approx(0.5, abs=0.05)


@given(formats)
def test_speech_becomes_any_format_and_comes_back(target: AudioFormat) -> None:
    there = converted(SPEECH, target, tone(SPEECH), 320)
    assert len(there) % target.frame_bytes == 0
    assert spectrum_peak(converted(target, SPEECH, there, 320))[0] == pytest.approx(440, abs=4)


def test_equal_formats_pass_untouched() -> None:
    pcm = tone(SPEECH)
    assert converted(SPEECH, SPEECH, pcm, 160) == pcm


def test_opposite_channels_cancel_out_and_six_are_averaged() -> None:
    left = array("h", [1000, -1000] * 100).tobytes()
    assert set(converted(AudioFormat(16000, 2, 2), SPEECH, left, 10)) == {0}
    six = array("h", [600, 0, 0, 0, 0, 0] * 100).tobytes()
    assert set(array("h", converted(AudioFormat(16000, 2, 6), SPEECH, six, 10))) == {100}


def test_the_loudest_samples_do_not_wrap() -> None:
    loud = array("h", [32767, -32768] * 2000).tobytes()
    wide = converted(SPEECH, AudioFormat(16000, 3, 1), loud, 100)
    assert converted(AudioFormat(16000, 3, 1), SPEECH, wide, 100) == loud


def start(**fields: object) -> Event:
    return Event("audio-start", {"rate": 16000, "width": 2, "channels": 1, **fields})


def chunk(pcm: bytes, **fields: object) -> Event:
    return Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1, **fields}, pcm)


@pytest.mark.parametrize(
    "wrong",
    [{"rate": "16000"}, {"rate": 0}, {"rate": 10**9}, {"rate": 16000.5}, {"rate": True}, {"width": 5}, {"width": 0},
     {"channels": -1}, {"channels": 1000}, {"channels": None}],
    ids=str,
)  # fmt: skip
def test_impossible_formats_are_bad_events(wrong: dict[str, object]) -> None:
    with pytest.raises(BadEventError):
        format_of(start(**wrong))


def test_audio_without_a_start_is_told_once_and_the_next_start_is_heard() -> None:
    speech = SpeechInput()
    with pytest.raises(BadEventError) as caught:
        speech.chunk(chunk(b"12"))
    assert caught.value.code == "no-audio-start"
    assert speech.chunk(chunk(b"12")) == b""
    speech.start(start())
    assert speech.chunk(chunk(b"12")) == b"12"


def test_half_a_frame_is_told_once() -> None:
    speech = SpeechInput()
    speech.start(start())
    with pytest.raises(BadEventError) as caught:
        speech.chunk(chunk(b"123"))
    assert caught.value.code == "bad-audio"
    assert speech.chunk(chunk(b"12")) == b""
    assert speech.stop(Event("audio-stop")) == b""


def test_a_stop_without_a_start_is_told() -> None:
    with pytest.raises(BadEventError):
        SpeechInput().stop(Event("audio-stop"))


def test_a_stream_may_change_its_format() -> None:
    speech = SpeechInput()
    speech.start(start())
    stereo = AudioFormat(48000, 2, 2)
    heard = speech.chunk(chunk(tone(SPEECH)))
    heard += speech.chunk(chunk(tone(stereo), rate=48000, channels=2)) + speech.stop(Event("audio-stop"))
    assert len(heard) == pytest.approx(SPEECH.bytes_in(1.0), abs=4)


any_format = st.builds(
    AudioFormat, st.sampled_from([1000, 8000, 44100, 384_000]), st.integers(1, 4), st.integers(1, 32)
)


@given(any_format, st.integers(0, 300_000), st.integers(0, 127))
def test_a_chunk_comes_in_small_pieces_of_whole_frames(audio: AudioFormat, frames: int, rest: int) -> None:
    frames = min(frames, 1_048_576 // audio.frame_bytes)
    pcm = bytes(frames * audio.frame_bytes + rest % audio.frame_bytes)
    whole = chunk(pcm, rate=audio.rate, width=audio.width, channels=audio.channels, timestamp=7)
    found = list(split_chunk(whole))
    assert b"".join(piece.payload or b"" for piece in found) == pcm
    for piece in found:
        assert (piece.type, piece.data) == (whole.type, whole.data)
        assert len(piece.payload or b"") <= PIECE_BYTES
        assert audio.seconds(len(piece.payload or b"")) <= PIECE_SECONDS + 0.001
    assert all(not len(piece.payload or b"") % audio.frame_bytes for piece in found[:-1])


def test_a_chunk_in_no_legal_format_is_for_the_reader_to_refuse() -> None:
    wrong = chunk(bytes(500_000), rate=0)
    assert list(split_chunk(wrong)) == [wrong]


def test_a_chunk_as_wanted_stays_whole() -> None:
    long = chunk(bytes(500_000))
    assert list(SpeechInput().split(long)) == [long]
    assert len(list(SpeechInput(AudioFormat(22050, 2, 1)).split(long))) > 1


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_wav_files_come_back_as_they_were(tmp_path: Path, width: int) -> None:
    audio = AudioFormat(22050, width, 2)
    pcm = tone(audio, seconds=0.1)
    write_wav(tmp_path / "a.wav", audio, pcm)
    assert read_wav(tmp_path / "a.wav") == (audio, pcm)


def test_what_is_no_wav_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"nothing")
    for name in ("a.wav", "b.wav"):
        with pytest.raises(ConfigError, match=name):
            read_wav(tmp_path / name)
