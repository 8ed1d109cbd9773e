import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import pytest
from wyoming.event import Event

from wyoming_rosie.audio.formats import PIECE_SECONDS, SPEECH, AudioFormat
from wyoming_rosie.audio.receiver import AudioReceiver
from wyoming_rosie.errors import BadEventError

P = ParamSpec("P")
T = TypeVar("T")
STEREO = AudioFormat(48_000, 2, 2)


class CountingThread:
    """Runs calls in a thread and counts them."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        self.calls += 1
        return asyncio.to_thread(function, *args, **kwargs)


def event(kind: str, pcm: bytes | None = None, audio: AudioFormat = SPEECH) -> Event:
    return Event(kind, {"rate": audio.rate, "width": audio.width, "channels": audio.channels}, pcm)


async def test_audio_of_the_target_format_needs_no_thread() -> None:
    thread = CountingThread()
    receiver = AudioReceiver(thread)
    assert receiver.read_nowait(event("audio-chunk", bytes(4))) is None
    await receiver.start(event("audio-start"))
    assert receiver.read_nowait(event("audio-chunk", b"1234")) == b"1234"
    assert [pcm async for pcm in receiver.read(event("audio-chunk", b"5678"))] == [b"5678"]
    assert (receiver.stop(Event("audio-stop")), receiver.is_started, thread.calls) == (b"", False, 0)


async def test_other_audio_is_converted_in_a_thread_piece_by_piece() -> None:
    thread = CountingThread()
    receiver = AudioReceiver(thread)
    await receiver.start(event("audio-start", audio=STEREO))
    pcm = bytes(STEREO.bytes_in(2 * PIECE_SECONDS))
    assert receiver.read_nowait(event("audio-chunk", pcm, STEREO)) is None
    pieces = [piece async for piece in receiver.read(event("audio-chunk", pcm, STEREO))]
    assert len(b"".join(pieces) + receiver.stop(Event("audio-stop"))) == SPEECH.bytes_in(2 * PIECE_SECONDS)
    assert thread.calls == 1 + len(pieces)
    assert len(pieces) > 1


async def test_after_bad_audio_nothing_comes_until_the_next_start() -> None:
    receiver = AudioReceiver(CountingThread())
    await receiver.start(event("audio-start"))
    with pytest.raises(BadEventError):
        [pcm async for pcm in receiver.read(event("audio-chunk", b"123"))]
    assert [pcm async for pcm in receiver.read(event("audio-chunk", b"1234"))] == [b""]
    assert not receiver.is_started
    await receiver.start(event("audio-start"))
    assert receiver.read_nowait(event("audio-chunk", b"1234")) == b"1234"
