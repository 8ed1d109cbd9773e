"""The adapter to PortAudio, on a library that stands in for it."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.satellite.test_player import until
from wyoming_rosie.audio import SPEECH, AudioFormat
from wyoming_rosie_satellite.errors import DeviceError
from wyoming_rosie_satellite.sounddevices import DeviceMicrophone, DeviceSpeaker


class PortAudioError(Exception):
    pass


class Stream:
    """Notes what is done to it; an input hears two frames at once."""

    def __init__(self, callback: Callable[..., None] | None = None, **how: Any) -> None:
        self.how = how
        self.done: list[str] = []
        self.written = b""
        self._callback = callback

    def start(self) -> None:
        self.done.append("start")
        if self._callback is not None:
            for frame in (b"\x01\x00" * 320, b"\x02\x00" * 320):
                threading.Thread(target=self._callback, args=(frame, 320, None, None)).start()

    def write(self, pcm: bytes) -> None:
        self.written += pcm

    def stop(self) -> None:
        self.done.append("stop")

    def abort(self) -> None:
        self.done.append("abort")

    def close(self) -> None:
        self.done.append("close")


class PortAudio:
    """A machine with one device for 48 kHz stereo; `rates` is what it takes."""

    PortAudioError = PortAudioError

    def __init__(self, *rates: int) -> None:
        self.rates = rates
        self.streams: list[Stream] = []

    def check_input_settings(self, samplerate: int, **_: Any) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")

    check_output_settings = check_input_settings

    def query_devices(self, device: str | None, kind: str) -> dict[str, Any]:
        if device == "nothing":
            raise ValueError("No input device matching 'nothing'")
        return {"default_samplerate": 48_000.0, "max_input_channels": 2, "max_output_channels": 2}

    def RawInputStream(self, **how: Any) -> Stream:  # noqa: N802 - the library's name
        self.streams.append(Stream(**how))
        return self.streams[-1]

    RawOutputStream = RawInputStream


async def test_a_microphone_that_offers_speech_is_heard_as_it_is() -> None:
    library = PortAudio(16_000)
    microphone = DeviceMicrophone(library, "default", SPEECH)
    frames = microphone.frames()
    assert {await anext(frames), await anext(frames)} == {b"\x01\x00" * 320, b"\x02\x00" * 320}
    await frames.aclose()
    (stream,) = library.streams
    assert (stream.how["device"], stream.how["samplerate"], stream.how["blocksize"]) == (None, 16_000, 320)
    assert stream.done == ["start", "close"]


async def test_a_microphone_with_another_rate_is_heard_in_its_own() -> None:
    microphone = DeviceMicrophone(PortAudio(48_000), "usb", SPEECH)
    frames = microphone.frames()
    await anext(frames)
    await frames.aclose()
    assert microphone.format == AudioFormat(48_000, 2, 1)


async def test_a_microphone_that_is_not_there_is_a_device_error_and_leaves_no_thread() -> None:
    with pytest.raises(DeviceError, match=r"'nothing': No input device matching"):
        await anext(DeviceMicrophone(PortAudio(), "nothing", SPEECH).frames())
    await until(lambda: not [one for one in threading.enumerate() if one.name.startswith("microphone")])


async def test_a_sound_is_stopped_after_its_last_sample() -> None:
    library = PortAudio(16_000)
    speaker = DeviceSpeaker(library, "default", SPEECH)
    await speaker.play(b"ab" * 320)
    await speaker.drain()
    (stream,) = library.streams
    assert (stream.written, stream.done) == (b"ab" * 320, ["start", "stop", "close"])
    await speaker.close()


async def test_a_silenced_sound_is_aborted() -> None:
    library = PortAudio(16_000)
    speaker = DeviceSpeaker(library, "default", SPEECH)
    await speaker.play(b"ab" * 320)
    await speaker.silence()
    assert library.streams[0].done == ["start", "abort", "close"]
    await speaker.close()


async def test_a_speaker_with_another_rate_gets_converted_sound() -> None:
    library = PortAudio(48_000)
    speaker = DeviceSpeaker(library, "default", AudioFormat(24_000, 2, 1))
    await speaker.play(bytes(4800))
    await speaker.drain()
    assert len(library.streams[0].written) == pytest.approx(9600, abs=200)
    await speaker.close()


async def test_a_speaker_that_is_not_there_is_a_device_error() -> None:
    speaker = DeviceSpeaker(PortAudio(), "nothing", SPEECH)
    with pytest.raises(DeviceError, match="cannot use the speaker 'nothing'"):
        await speaker.play(b"ab")
    await speaker.close()
