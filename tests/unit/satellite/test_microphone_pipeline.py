"""The microphone pipeline."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie_satellite.audio import microphone_pipeline
from wyoming_rosie_satellite.audio.devices.microphones import Microphone
from wyoming_rosie_satellite.audio.microphone_pipeline import MicrophonePipeline


class FakeMicrophone:
    """Hears pieces of sound."""

    def __init__(self, audio: AudioFormat, *pieces: bytes) -> None:
        self.format = audio
        self._pieces = pieces

    async def frames(self) -> AsyncGenerator[bytes, None]:
        for piece in self._pieces:
            yield piece


async def read_frames(microphone: Microphone) -> list[bytes]:
    async with aclosing(microphone.frames()) as frames:
        return [frame async for frame in frames]


@st.composite
def _recordings(draw: st.DrawFn) -> tuple[AudioFormat, bytes, list[int]]:
    audio = AudioFormat(16_000, draw(st.sampled_from([1, 2, 3, 4])), draw(st.integers(1, 8)))
    count = draw(st.integers(0, 20)) * audio.frame_bytes
    chosen = draw(st.lists(st.integers(0, audio.channels - 1), min_size=1, max_size=4))
    return audio, draw(st.binary(min_size=count, max_size=count)), chosen


@given(_recordings())
def test_chosen_channels_are_every_frames_samples_in_the_order_given(
    recording: tuple[AudioFormat, bytes, list[int]],
) -> None:
    audio, pcm, chosen = recording
    samples = [pcm[start : start + audio.width] for start in range(0, len(pcm), audio.width)]
    frames = [samples[start : start + audio.channels] for start in range(0, len(samples), audio.channels)]
    assert microphone_pipeline.select_channels(pcm, audio, chosen) == b"".join(
        frame[channel] for frame in frames for channel in chosen
    )


@pytest.mark.parametrize(("chosen", "expected"), [((), 200), ((1,), 200), ((0, 2), 200), ((2,), 300)])
async def test_a_channel_alone_or_several_mixed_are_heard(chosen: Sequence[int], expected: int) -> None:
    pcm = np.tile(np.array([100, 200, 300], "<i2"), 320).tobytes()
    (frame,) = await read_frames(MicrophonePipeline(FakeMicrophone(AudioFormat(16_000, 2, 3), pcm), chosen))
    assert set(np.frombuffer(frame, "<i2").tolist()) == {expected}


async def test_a_channel_that_the_microphone_does_not_have_is_a_device_error() -> None:
    with pytest.raises(DeviceError, match="has 2 channels; name one from 0 to 1"):
        await read_frames(MicrophonePipeline(FakeMicrophone(AudioFormat(16_000, 2, 2), bytes(1280)), [2]))


@given(st.lists(st.integers(0, 2000), max_size=8))
async def test_frames_are_20_ms_however_the_sound_comes(lengths: list[int]) -> None:
    pieces = [bytes([number, 1]) * length for number, length in enumerate(lengths)]
    frames = await read_frames(MicrophonePipeline(FakeMicrophone(SPEECH, *pieces)))
    said = b"".join(pieces)
    assert b"".join(frames) == said[: len(said) // 640 * 640]
    assert {len(frame) for frame in frames} <= {640}


async def test_another_rate_is_heard_as_long_as_it_is() -> None:
    wave = (np.sin(np.arange(44_100) * 2 * np.pi * 440 / 44_100) * 10_000).astype("<i2")
    pieces = [wave[start : start + 882].tobytes() for start in range(0, len(wave), 882)]
    pcm = np.frombuffer(
        b"".join(await read_frames(MicrophonePipeline(FakeMicrophone(AudioFormat(44_100, 2, 1), *pieces)))), "<i2"
    )
    assert len(pcm) == pytest.approx(16_000, abs=640)
    assert np.argmax(np.abs(np.fft.rfft(pcm))) * 16_000 / len(pcm) == pytest.approx(440, abs=2)


async def test_cleaners_work_one_after_the_other() -> None:
    cleaners = [lambda frame: frame.replace(b"a", b"b"), lambda frame: frame.replace(b"b", b"c")]
    assert await read_frames(MicrophonePipeline(FakeMicrophone(SPEECH, b"ab" * 320), (), cleaners)) == [b"cc" * 320]
