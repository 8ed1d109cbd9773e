"""Turn runner: what reaches the daemons, byte by byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from wyoming.audio import AudioChunk

from tests.waiting import wait_until
from wyoming_rosie.protocol.wire import encode
from wyoming_rosie.timers.model import DelayedCommand, HubTimer
from wyoming_rosie.timers.requests import SatelliteIdentity, SpokenAnswer
from wyoming_rosie.timers.service import TimerCallbacks, TimerService
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.announcements import AnnouncementQueue
from wyoming_rosie_hub.directory import DaemonDirectory
from wyoming_rosie_hub.fallback_audio import FallbackAudio
from wyoming_rosie_hub.turn_runner import HubContext, TurnRunner
from wyoming_rosie_hub.voice_selection import VoiceSelector
from wyoming_rosie_hub.volume.service import VolumeService


@asynccontextmanager
async def recording_server() -> AsyncIterator[tuple[str, bytearray]]:
    """Accept connections and record what they send; yields the address and the bytes."""
    received = bytearray()

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            received.extend(data)
        writer.close()

    async with await asyncio.start_server(record, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"tcp://{host}:{port}", received


async def run_nothing(timer: HubTimer, command: DelayedCommand) -> SpokenAnswer:
    return SpokenAnswer("")


def create_context(folder: Path, uris: dict[str, str]) -> HubContext:
    def tts_uri() -> str:
        return uris["tts"]

    voices = VoiceSelector(tts_uri)
    callbacks = TimerCallbacks(lambda *_: True, list, run_nothing, lambda *_: None)
    return HubContext(
        DaemonDirectory(uris, (), lambda _: [], list),
        FallbackAudio(folder, tts_uri, voices),
        TimerService(folder / "timers.json", callbacks),
        VolumeService(dict, lambda *_: True),
        voices,
        AnnouncementQueue(lambda *_: True),
    )


async def test_vad_and_asr_receive_the_same_bytes_for_each_chunk(tmp_path: Path) -> None:
    chunks = [bytes([number, 0]) * 320 for number in range(3)]
    async with AsyncExitStack() as stack:
        servers = {
            role: await stack.enter_async_context(recording_server())
            for role in ("wake", "vad", "asr", "intent", "tts")
        }
        context = create_context(tmp_path, {role: uri for role, (uri, _) in servers.items()})
        runner = TurnRunner(context, SatelliteIdentity("kitchen"), lambda _: None)
        runner.process(m.RunRequested("turn-1"))
        for pcm in chunks:
            runner.process(m.AudioReceived(pcm))
        expected = b"".join(encode(AudioChunk(16_000, 2, 1, pcm).event()) for pcm in chunks)
        await wait_until(lambda: all(servers[role][1].endswith(expected) for role in ("vad", "asr")))
        assert expected not in servers["intent"][1]
        await runner.close()
