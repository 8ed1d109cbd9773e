"""WAV streams: any split gives the same audio, and what is no WAV is refused."""

import io
import wave
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie_satellite.esphome.media import MediaError, parse_wav

PCM = bytes(range(1, 201))


def wav(pcm: bytes = PCM, rate: int = 22_050, width: int = 2, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setframerate(rate)
        out.setsampwidth(width)
        out.setnchannels(channels)
        out.writeframes(pcm)
    return file.getvalue()


async def pieces(data: bytes, cuts: Sequence[int] = ()) -> AsyncIterator[bytes]:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    for start, end in pairwise(places):
        yield data[start:end]


async def heard(data: bytes, cuts: Sequence[int] = ()) -> tuple[set[AudioFormat], bytes]:
    audio = [piece async for piece in parse_wav(pieces(data, cuts))]
    return {piece.format for piece in audio}, b"".join(piece.pcm for piece in audio)


def of_unknown_length(data: bytes, size: bytes) -> bytes:
    return data[:40] + size + data[44:]


@given(st.lists(st.integers(0, 500), max_size=12), st.sampled_from([(2, 1), (2, 2), (4, 1), (3, 1)]))
async def test_any_split_gives_the_same_audio(cuts: list[int], shape: tuple[int, int]) -> None:
    width, channels = shape
    frame = width * channels
    expected = PCM[: len(PCM) // frame * frame]
    formats, pcm = await heard(wav(expected, 44_100, width, channels), cuts)
    assert (formats, pcm) == ({AudioFormat(44_100, width, channels)}, expected)


@pytest.mark.parametrize("size", [b"\0\0\0\0", b"\xff\xff\xff\xff"], ids=["zero", "largest"])
async def test_a_stream_of_unknown_length_lasts_to_its_end(size: bytes) -> None:
    assert (await heard(of_unknown_length(wav(), size)))[1] == PCM


async def test_what_follows_the_audio_is_not_played() -> None:
    assert (await heard(wav() + b"LIST\x04\0\0\0abcd", [80, 200, 300]))[1] == PCM


async def test_chunks_before_the_audio_are_skipped() -> None:
    data = wav()
    assert (await heard(data[:12] + b"LIST\x05\0\0\0abcde\0" + data[12:], [20, 30]))[1] == PCM


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"ID3 is the beginning of an mp3 file",
        b"RIFF\0\0\0\0AVI LIST",
        wav()[:12] + b"data\x04\0\0\0abcd",
        wav()[:20] + b"\x03\0" + wav()[22:],
        wav()[:24] + b"\0\0\0\0" + wav()[28:],
        wav()[:12] + b"junk\xff\xff\xff\x7f" + bytes(100),
        wav()[:12] + (b"junk\0\x80\0\0" + bytes(0x8000)) * 4,
    ],
    ids=["nothing", "cut", "mp3", "avi", "no format", "float", "no rate", "huge chunk", "many chunks"],
)
async def test_what_is_no_wav_file_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        await heard(data, [3, 50])


@given(st.binary(max_size=200))
async def test_no_bytes_raise_anything_but_a_media_error(data: bytes) -> None:
    for beginning in (b"", wav()[:12], wav()[:36]):
        try:
            await heard(beginning + data, [13, 60])
        except MediaError:
            continue
