"""Microphones and speakers that are Wyoming services, over loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest
from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.snd import Played

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie.errors import ConfigError, UnreachableError
from wyoming_rosie_satellite.audio.devices.wyoming_devices import WyomingMicrophone, WyomingSpeaker

STEREO = AudioFormat(48_000, 2, 2)


@asynccontextmanager
async def service(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def saying(*formats: AudioFormat) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await async_write_event(AudioStart(48_000, 2, 2).event(), writer)
        for audio in formats:
            chunk = AudioChunk(audio.rate, audio.width, audio.channels, bytes(audio.bytes_in(0.02)) + b"x")
            await async_write_event(chunk.event(), writer)

    return serve


async def test_a_service_is_heard_in_its_own_format_until_it_is_gone() -> None:
    async with service(saying(STEREO, STEREO)) as uri:
        microphone = WyomingMicrophone(uri)
        async with aclosing(microphone.frames()) as frames:
            assert [await anext(frames), await anext(frames)] == [bytes(3840)] * 2
            assert microphone.format == STEREO
            with pytest.raises(UnreachableError):
                await anext(frames)


async def test_a_service_that_changes_its_format_is_begun_anew() -> None:
    async with service(saying(STEREO, SPEECH)) as uri, aclosing(WyomingMicrophone(uri).frames()) as frames:
        await anext(frames)
        with pytest.raises(DeviceError, match="has changed its format"):
            await anext(frames)


class Listener:
    """A speaker service that keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[Event] = []
        self.left = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await async_read_event(reader)) is not None:
            self.received.append(event)
            if event.type == "audio-stop":
                await async_write_event(Played().event(), writer)
        self.left += 1


async def test_each_sound_is_sent_and_over_when_the_service_says_so() -> None:
    listener = Listener()
    async with service(listener.serve) as uri:
        speaker = WyomingSpeaker(uri, SPEECH)
        for _ in range(2):
            await speaker.play(b"ab" * 320)
            await speaker.drain()
        await speaker.close()
    assert [event.type for event in listener.received] == ["audio-start", "audio-chunk", "audio-stop"] * 2
    assert listener.received[1].payload == b"ab" * 320


async def test_a_silenced_service_is_left() -> None:
    listener = Listener()
    async with service(listener.serve) as uri:
        speaker = WyomingSpeaker(uri, SPEECH)
        await speaker.play(b"ab" * 320)
        await speaker.stop()
        async with asyncio.timeout(60):
            while not listener.left:
                await asyncio.sleep(0.01)


async def test_a_service_that_is_not_there_is_an_error_each_time() -> None:
    speaker = WyomingSpeaker("tcp://127.0.0.1:9", SPEECH)
    for _ in range(2):
        with pytest.raises(UnreachableError):
            await speaker.play(b"ab")
    await speaker.close()


def test_no_address_is_refused() -> None:
    with pytest.raises(ConfigError):
        WyomingMicrophone("nowhere")
