"""Recordings in many formats, invalid ones, and pipes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wyoming_rosie.audio import files
from wyoming_rosie.audio.formats import SPEECH, write_wav
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command

TONE_HZ = 440
SECONDS = 2.5


def tone(rate: int, channels: int = 1) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    at = np.arange(round(SECONDS * rate)) / rate
    return np.tile(0.5 * np.sin(2 * np.pi * TONE_HZ * at)[:, None], channels).astype(np.float32)


def assert_is_tone(path: Path) -> None:
    with files.open_audio(path) as recording:
        pcm = b"".join(files.speech_blocks(recording))
    samples = np.frombuffer(pcm, "<i2") / 32768
    assert abs(len(samples) / SPEECH.rate - SECONDS) < 0.1
    middle = samples[SPEECH.rate // 2 : -SPEECH.rate // 2]
    assert 0.45 < np.abs(middle).max() < 0.56
    assert abs(np.argmax(np.abs(np.fft.rfft(middle))) * SPEECH.rate / len(middle) - TONE_HZ) < 2


@pytest.mark.parametrize(
    ("suffix", "subtype", "rate", "channels"),
    [
        ("wav", "PCM_16", 16_000, 1),
        ("wav", "PCM_U8", 8_000, 1),
        ("wav", "PCM_24", 48_000, 2),
        ("wav", "PCM_32", 44_100, 1),
        ("wav", "FLOAT", 44_100, 2),
        ("wav", "DOUBLE", 16_000, 1),
        ("wav", "ALAW", 8_000, 1),
        ("wav", "ULAW", 8_000, 1),
        ("wav", "IMA_ADPCM", 16_000, 1),
        ("flac", "PCM_24", 96_000, 2),
        ("ogg", "VORBIS", 44_100, 1),
        ("ogg", "OPUS", 48_000, 2),
        ("mp3", "MPEG_LAYER_III", 44_100, 2),
        ("aiff", "PCM_16", 22_050, 1),
        ("au", "PCM_16", 16_000, 1),
        ("w64", "PCM_24", 16_000, 1),
    ],
)
def test_a_format_that_soundfile_knows_is_taken(
    tmp_path: Path, suffix: str, subtype: str, rate: int, channels: int
) -> None:
    path = tmp_path / f"a tone.{suffix}"
    soundfile.write(path, tone(rate, channels), rate, subtype)
    assert_is_tone(path)


def test_an_extensible_wav_is_taken(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(16_000), 16_000, "PCM_24", format="WAVEX")
    assert_is_tone(tmp_path / "tone.wav")


@pytest.mark.parametrize("suffix", ["m4a", "wma", "webm", "mka", "ac3"])
def test_what_only_ffmpeg_knows_is_taken(tmp_path: Path, suffix: str) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    soundfile.write(tmp_path / "tone.wav", tone(48_000), 48_000)
    path = tmp_path / f"-tone: it's.{suffix}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "tone.wav", f"file:{path}"], check=True, timeout=60)
    assert_is_tone(path)


def test_a_name_does_not_matter(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.flac", tone(16_000), 16_000)
    (tmp_path / "tone.flac").rename(tmp_path / "tone.wav")
    assert_is_tone(tmp_path / "tone.wav")


def test_samples_that_are_no_numbers_are_silence(tmp_path: Path) -> None:
    samples = np.full((16_000, 1), np.nan, np.float32)
    soundfile.write(tmp_path / "nan.wav", samples, 16_000, "FLOAT")
    assert not any(files.read_audio(tmp_path / "nan.wav")[1])


def test_a_long_recording_comes_in_pieces(tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", SPEECH, bytes(SPEECH.bytes_in(30.5)))
    with files.open_audio(tmp_path / "long.wav") as recording:
        lengths = [len(block) for block in recording.blocks]
    assert (len(lengths), max(lengths), sum(lengths)) == (31, SPEECH.bytes_in(1), SPEECH.bytes_in(30.5))


@pytest.mark.parametrize(("given", "left"), [(SPEECH.bytes_in(1) + 1, SPEECH.bytes_in(1)), (1, 0)])
def test_a_recording_that_was_cut_off_ends_there(tmp_path: Path, given: int, left: int) -> None:
    write_wav(tmp_path / "whole.wav", SPEECH, bytes(SPEECH.bytes_in(2)))
    (tmp_path / "cut.wav").write_bytes((tmp_path / "whole.wav").read_bytes()[: 44 + given])
    assert len(files.read_audio(tmp_path / "cut.wav")[1]) == left


def test_a_wav_whose_length_nobody_knew_is_read_to_its_end(tmp_path: Path) -> None:
    write_wav(tmp_path / "whole.wav", SPEECH, b"ab" * 16_000)
    content = bytearray((tmp_path / "whole.wav").read_bytes())
    content[4:8] = content[40:44] = b"\xff" * 4  # as ffmpeg writes to a pipe
    (tmp_path / "piped.wav").write_bytes(content)
    assert files.read_audio(tmp_path / "piped.wav") == (SPEECH, b"ab" * 16_000)


def nothing_there(folder: Path) -> Path:
    return folder / "none.wav"


def a_folder(folder: Path) -> Path:
    return folder


def nothing_in_it(folder: Path) -> Path:
    (folder / "empty.mp3").touch()
    return folder / "empty.mp3"


def a_text(folder: Path) -> Path:
    (folder / "words.wav").write_text("turn on the light\n" * 100)
    return folder / "words.wav"


def half_a_header(folder: Path) -> Path:
    (folder / "half.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    return folder / "half.wav"


@pytest.mark.parametrize("made", [nothing_there, a_folder, nothing_in_it, a_text, half_a_header])
def test_what_is_no_recording_is_one_sentence(tmp_path: Path, made: Callable[[Path], Path]) -> None:
    path = made(tmp_path)
    with pytest.raises(ConfigError, match=str(path)), files.open_audio(path):
        pass


def test_what_nothing_here_reads_is_refused_with_the_line_that_converts_it(tmp_path: Path) -> None:
    (tmp_path / "soundfile.py").write_text("raise ImportError")
    soundfile.write(tmp_path / "my tone.flac", tone(16_000), 16_000)
    program = "import sys; from pathlib import Path; from wyoming_rosie.audio import files; files.read_audio(Path(sys.argv[1]))"
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "my tone.flac")],
        env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}", "PATH": "/none"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = ran.stderr.splitlines()[-1]
    assert f"ffmpeg -i '{tmp_path}/my tone.flac' -ar 16000 -ac 1 out.wav" in said
    assert install_command(["files"]) in said
    assert "apt install ffmpeg" in said


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    write_wav(tmp_path / "whole.wav", SPEECH, b"ab" * 16_000)
    program = (
        "from wyoming_rosie.audio import files as s; print(len(s.read_audio(__import__('pathlib').Path(s.STDIN))[1]))"
    )
    ran = subprocess.run(
        ["bash", "-c", f'cat "$1" | {sys.executable} -c "{program}"', "bash", tmp_path / "whole.wav"],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path.cwd(),
    )  # fmt: skip
    assert ran.stdout == "32000\n", ran.stderr
