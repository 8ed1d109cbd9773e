"""Health of installed daemons, as a monitor sees it."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from wyoming.event import Event
from wyoming.satellite import RunSatellite

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import Daemon, command
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.commands.demo import RECORDING

FORMAT = {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels}
AFTER_WORD = 1.1
SOUND = [Event("audio-start", FORMAT), Event("audio-chunk", FORMAT, bytes(3200)), Event("audio-stop")]


@dataclass(frozen=True)
class Request:
    """One request, the second from which the recording follows if it is about sound, and the event that ends its answer.

    Then each of the stages was counted once, and one turn with this outcome.
    """

    role: str
    event: Event
    heard_from: float | None
    answer: str
    stages: Sequence[str]
    outcome: str


REQUESTS = (
    Request("wake", Event("detect", {"names": ["okay_nabu"]}), 0, "detection", ["detect"], "detected"),
    Request("vad", Event("user-event", {"name": "turn"}), 0, "voice-stopped", [], "voice"),
    Request("asr", Event("transcribe"), AFTER_WORD, "transcript", ["decide"], "understood"),
    Request("intent", Event("transcript", {"text": "what time is it"}), None, "handled", ["understand"], "handled"),
    Request("tts", Event("synthesize", {"text": "Hi."}), None, "audio-stop", ["first-sound", "whole"], "spoken"),
)


async def spoken(since: float) -> list[Event]:
    """Return the demo's recording from this second on, then silence, as a peer sends it."""
    _, recording = await asyncio.to_thread(read_wav, RECORDING)
    pcm = recording[SPEECH.bytes_in(since) :] + bytes(SPEECH.bytes_in(1))
    step = SPEECH.bytes_in(0.1)
    chunks = [Event("audio-chunk", FORMAT, pcm[at : at + step]) for at in range(0, len(pcm), step)]
    return [Event("audio-start", FORMAT), *chunks, Event("audio-stop")]


async def metrics(daemon: Daemon) -> str:
    """Return what a daemon that was started with `--http-port 0` tells a monitor."""
    where = (await daemon.wait_for_line("health"))["uri"].removesuffix("/health")
    async with aiohttp.ClientSession(where) as monitor, monitor.get("/metrics") as answer:
        return await answer.text()


async def metrics_with(daemon: Daemon, line: str) -> str:
    """Return the metrics once they have this line: a turn may end after its last event is sent."""
    async with asyncio.timeout(60):
        while line not in (numbers := await metrics(daemon)).splitlines():
            await asyncio.sleep(0.05)
    return numbers


@pytest.mark.parametrize("asked_for", REQUESTS, ids=[one.role for one in REQUESTS])
async def test_one_request_is_counted_and_timed(daemon: StartDaemon, peer: OpenPeer, asked_for: Request) -> None:
    asked = await daemon(asked_for.role, "--http-port", "0")
    one = await peer(asked.uri)
    for event in [asked_for.event, *([] if asked_for.heard_from is None else await spoken(asked_for.heard_from))]:
        await one.send(event)
    await one.wait_for(asked_for.answer, seconds=60)
    numbers = await metrics_with(asked, f'wyoming_rosie_turns_total{{outcome="{asked_for.outcome}"}} 1.0')
    for stage in asked_for.stages:
        assert f'wyoming_rosie_stage_milliseconds_count{{stage="{stage}"}} 1.0' in numbers
    assert "wyoming_rosie_queue_depth 0.0" in numbers
    assert "wyoming_rosie_peers 1.0" in numbers


async def test_a_satellites_turn_is_counted_and_timed(daemon: StartDaemon, peer: OpenPeer, tmp_path: Path) -> None:
    devices = ("--mic", f"wav:{RECORDING}", "--snd", f"wav:{tmp_path}/reply.wav")
    satellite = await daemon("satellite", *devices, "--http-port", "0")
    conductor = await peer(satellite.uri)
    await conductor.send(RunSatellite().event())
    await conductor.wait_for("run-pipeline", seconds=60)
    await conductor.send(Event("transcript", {"text": ""}))
    for event in SOUND:
        await conductor.send(event)
    await conductor.wait_for("played", seconds=60)
    numbers = await metrics_with(satellite, 'wyoming_rosie_turns_total{outcome="answered"} 1.0')
    for stage in ("listen", "answer", "speak"):
        assert f'wyoming_rosie_stage_milliseconds_count{{stage="{stage}"}} 1.0' in numbers
    assert "wyoming_rosie_queue_depth 0.0" in numbers


async def test_a_daemon_tells_how_it_is(daemon: StartDaemon, peer: OpenPeer) -> None:
    vad = await daemon("vad", "--http-port", "0")
    one = await peer(vad.uri)
    await one.send(Event("describe"))
    await one.send(Event("ping"))
    assert {(await one.receive(60)).type for _ in range(2)} == {"info", "pong"}
    where = (await vad.wait_for_line("health"))["uri"]
    async with aiohttp.ClientSession() as monitor, monitor.get(where) as answer:
        assert (answer.status, (await answer.json())["status"]) == (200, "ok")
    numbers = await metrics(vad)
    assert "wyoming_rosie_peers 1.0" in numbers
    assert 'wyoming_rosie_sent_total{code="",type="pong"} 1.0' in numbers


async def test_a_daemon_whose_port_is_taken_says_so_and_ends() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        program = command("wyoming-rosie-vad")
        vad = await asyncio.create_subprocess_exec(
            program, "--uri", "tcp://127.0.0.1:0", "--http-port", port, stderr=asyncio.subprocess.PIPE
        )
        _, said = await asyncio.wait_for(vad.communicate(), 60)
    assert vad.returncode == 1
    assert b"--http-port: cannot listen" in said
