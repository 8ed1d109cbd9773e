"""The PortAudio adapter, on a fake library."""

import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from tests.unit.satellite.test_player import until
from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie_satellite.audio.devices.portaudio import REFRESH_SECONDS, PortAudio
from wyoming_rosie_satellite.audio.devices.portaudio_devices import (
    FIRST_SILENCE_SECONDS,
    DeviceMicrophone,
    DeviceSpeaker,
)

FRAMES = {b"\x01\x00" * 320, b"\x02\x00" * 320}


class PortAudioError(Exception):
    pass


class Stream:
    """Notes what is done to it; an input hears two frames at once."""

    def __init__(
        self,
        callback: Callable[..., None] | None = None,
        finished_callback: Callable[[], None] | None = None,
        **how: Any,
    ) -> None:
        self.how = how
        self.done: list[str] = []
        self.written = b""
        self.latency = 0.1
        self.broken = False
        self._callback = callback
        self._finished = finished_callback

    def start(self) -> None:
        self.done.append("start")
        if self._callback is not None:
            for frame in sorted(FRAMES):
                _on_a_thread(self._callback, frame, 320, None, None)

    def write(self, pcm: bytes) -> None:
        if self.broken:
            raise PortAudioError("Unanticipated host error")
        self.written += pcm

    def stop(self) -> None:
        self.done.append("stop")

    def abort(self) -> None:
        self.done.append("abort")

    def close(self) -> None:
        self.done.append("close")
        self.is_unplugged()

    def is_unplugged(self) -> None:
        if self._finished is not None:
            _on_a_thread(self._finished)


class Library:
    """A machine with devices of two channels at most; it sees those that are plugged in only when it begins anew."""

    PortAudioError = PortAudioError

    def __init__(self, *rates: int, own: float = 48_000, plugged: set[str | None] | None = None) -> None:
        self.rates = rates
        self.own = own
        self.plugged: set[str | None] = {None} if plugged is None else plugged
        self.streams: list[Stream] = []
        self.seen = set(self.plugged)

    @property
    def _lib(self) -> "Library":
        return self

    def _check(self, status: int) -> None:
        assert status == 0

    def Pa_Terminate(self) -> int:  # noqa: N802 - the library's name
        assert all("close" in stream.done for stream in self.streams)
        self.seen = set()
        return 0

    def Pa_Initialize(self) -> int:  # noqa: N802
        self.seen = set(self.plugged)
        return 0

    def check_input_settings(self, samplerate: int, **_: Any) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")

    check_output_settings = check_input_settings

    def query_devices(self, device: str | None = None, kind: str | None = None) -> Any:
        about = {"default_samplerate": self.own, "max_input_channels": 2, "max_output_channels": 2}
        if kind is None:
            return [{**about, "name": one} for one in self.seen if one]
        if device not in self.seen:
            raise ValueError(f"No {kind} device matching '{device}'")
        return about

    def RawInputStream(self, **how: Any) -> Stream:  # noqa: N802 - the library's name
        self.streams.append(Stream(**how))
        return self.streams[-1]

    RawOutputStream = RawInputStream


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def _on_a_thread(function: Callable[..., None], *args: object) -> None:
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


async def first_two(frames: AsyncGenerator[bytes, None]) -> set[bytes]:
    return {await anext(frames), await anext(frames)}


async def test_a_microphone_is_heard_in_its_own_rate() -> None:
    library = Library(16_000, 44_100, own=44_100)
    microphone = DeviceMicrophone(PortAudio(library), "default")
    async with aclosing(microphone.frames()) as frames:
        assert await first_two(frames) == FRAMES
    (stream,) = library.streams
    assert (stream.how["device"], stream.how["samplerate"], stream.how["blocksize"]) == (None, 44_100, 1764)
    assert stream.done == ["start", "close"]
    assert microphone.format == AudioFormat(44_100, 2, 1)


@pytest.mark.parametrize(
    ("taken", "wanted", "opened"),
    [((16_000, 48_000), 16_000, 16_000), ((16_000,), None, 16_000), ((44_100,), 96_000, 44_100)],
    ids=["as asked for", "not its own", "not what was asked for"],
)
async def test_a_microphone_that_refuses_a_rate_is_opened_with_another(
    taken: tuple[int, ...], wanted: int | None, opened: int
) -> None:
    microphone = DeviceMicrophone(PortAudio(Library(*taken)), "default", rate=wanted)
    async with aclosing(microphone.frames()) as frames:
        await anext(frames)
    assert microphone.format.rate == opened


async def test_a_microphone_that_lies_about_its_rate_is_heard_at_the_true_one() -> None:
    library = Library(44_100, own=44_100)
    microphone = DeviceMicrophone(PortAudio(library), "default", channels=2, true_rate=22_050)
    async with aclosing(microphone.frames()) as frames:
        await anext(frames)
    assert microphone.format == AudioFormat(22_050, 2, 2)
    assert (library.streams[0].how["samplerate"], library.streams[0].how["blocksize"]) == (44_100, 882)


async def test_a_microphone_that_is_not_there_is_a_device_error_and_leaves_no_thread() -> None:
    with pytest.raises(DeviceError, match=r"'nothing': no microphone is named 'nothing'"):
        await anext(DeviceMicrophone(PortAudio(Library()), "nothing").frames())
    await until(lambda: not [one for one in threading.enumerate() if one.name.startswith("microphone")])


async def test_an_unplugged_microphone_is_a_device_error_at_once() -> None:
    library = Library(48_000)
    frames = DeviceMicrophone(PortAudio(library), "default").frames()
    await first_two(frames)
    library.streams[0].is_unplugged()
    with pytest.raises(DeviceError, match="is it still plugged in"):
        await anext(frames)
    assert library.streams[0].done == ["start", "close"]


async def test_a_microphone_that_is_plugged_in_later_is_found_but_not_looked_for_all_the_time() -> None:
    library, clock = Library(48_000), Clock()
    microphone = DeviceMicrophone(PortAudio(library, clock), "usb")
    for seconds, plugged, found in (
        (0.0, False, False),
        (REFRESH_SECONDS / 2, True, False),
        (REFRESH_SECONDS, True, True),
    ):
        clock.now += seconds
        library.plugged = {"usb"} if plugged else set()
        try:
            async with aclosing(microphone.frames()) as frames:
                await anext(frames)
        except DeviceError:
            assert not found
        else:
            assert found


async def test_looking_for_a_speaker_does_not_end_what_is_heard() -> None:
    library = Library(48_000, plugged={"mic"})
    portaudio = PortAudio(library)
    speaker = DeviceSpeaker(portaudio, "usb", SPEECH)
    async with aclosing(DeviceMicrophone(portaudio, "mic").frames()) as frames:
        await first_two(frames)
        library.plugged.add("usb")
        await speaker.play(b"ab" * 320)
        assert await first_two(frames) == FRAMES
    assert len(library.streams) == 3
    await speaker.close()


async def test_nothing_is_looked_for_while_a_sound_is_played() -> None:
    library = Library(48_000, plugged={"spk"})
    portaudio = PortAudio(library)
    speaker = DeviceSpeaker(portaudio, "spk", SPEECH)
    await speaker.play(b"ab" * 320)
    with pytest.raises(DeviceError):
        await anext(DeviceMicrophone(portaudio, "usb").frames())
    assert library.streams[0].done == ["start"]
    await speaker.close()


async def test_a_sound_is_stopped_when_its_last_sample_has_left_the_buffer() -> None:
    library = Library(16_000)
    speaker = DeviceSpeaker(PortAudio(library), "default", SPEECH)
    await speaker.play(b"ab" * 320)
    await speaker.drain()
    (stream,) = library.streams
    before, sound, after = stream.written.partition(b"ab" * 320)
    assert (sound, stream.done) == (b"ab" * 320, ["start", "stop", "close"])
    assert SPEECH.seconds(len(before)) == FIRST_SILENCE_SECONDS
    assert SPEECH.seconds(len(after)) >= stream.latency
    assert not any(before + after)
    await speaker.close()


async def test_a_silenced_sound_is_aborted() -> None:
    library = Library(16_000)
    speaker = DeviceSpeaker(PortAudio(library), "default", SPEECH)
    await speaker.play(b"ab" * 320)
    await speaker.stop()
    assert library.streams[0].done == ["start", "abort", "close"]
    await speaker.close()


async def test_a_speaker_with_another_rate_gets_converted_sound() -> None:
    library = Library(48_000)
    speaker = DeviceSpeaker(PortAudio(library), "default", AudioFormat(24_000, 2, 1))
    await speaker.play(b"ab" * 2400)
    await speaker.drain()
    assert len(library.streams[0].written.strip(b"\0")) == pytest.approx(9600, abs=200)
    await speaker.close()


async def test_a_speaker_that_is_not_there_is_tried_again_with_the_next_sound() -> None:
    library, clock = Library(48_000, plugged=set()), Clock()
    speaker = DeviceSpeaker(PortAudio(library, clock), "usb", SPEECH)
    for _ in range(2):
        with pytest.raises(DeviceError, match="cannot use the speaker 'usb'"):
            await speaker.play(b"ab")
    await speaker.drain()
    library.plugged = {"usb"}
    clock.now += REFRESH_SECONDS
    await speaker.play(b"ab")
    await speaker.close()


async def test_a_speaker_that_breaks_is_let_go_of() -> None:
    library = Library(48_000)
    speaker = DeviceSpeaker(PortAudio(library), "default", SPEECH)
    await speaker.play(b"ab")
    library.streams[0].broken = True
    for _ in range(2):
        with pytest.raises(DeviceError, match="Unanticipated host error"):
            await speaker.play(b"ab")
    await speaker.drain()
    assert library.streams[0].done == ["start", "close"]
    await speaker.play(b"ab")
    await speaker.close()
