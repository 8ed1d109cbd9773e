"""Pairing between two hosts, as network namespaces, and a turn after it, with a listener on the wire; attacks: tests/attacks."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.daemons import Daemon
from tests.pairing import near_pairing
from tests.two_hosts import FAR, FAR_ADDRESS, NEAR, on_host, two_hosts
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.commands.demo import RECORDING

ROOT = Path(__file__).parents[2]
DAEMONS = {"vad": 10450, "asr": 10300, "intent": 10550, "tts": 10200}
SLICE_BYTES = 32


@pytest.fixture(scope="module", autouse=True)
def _hosts() -> Iterator[None]:
    with two_hosts():
        yield


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@asynccontextmanager
async def recorded_wire(file: Path) -> AsyncIterator[None]:
    """Record what crosses the cable during the block."""
    recorder = await asyncio.create_subprocess_exec(
        *on_host(NEAR), sys.executable, "-m", "tests.wire_recorder", "cable", str(file),
        stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert recorder.stdout is not None
    try:
        assert await recorder.stdout.readline()
        yield
    finally:
        recorder.send_signal(signal.SIGTERM)
        await recorder.wait()


async def start(
    stack: list[Daemon], role: str, *arguments: str, host: str, env: Mapping[str, str] | None = None
) -> Daemon:
    stack.append(await Daemon.start(role, *arguments, prefix=on_host(host), env=env))
    return stack[-1]


@pytest.mark.long
async def test_a_satellite_that_has_joined_talks_to_the_hub_and_nothing_is_plain_on_the_wire(
    house: Path, tmp_path: Path
) -> None:
    running: list[Daemon] = []
    wire = tmp_path / "wire"
    uris = {role: ("--uri", f"tcp://127.0.0.1:{port}") for role, port in DAEMONS.items()}
    try:
        await asyncio.gather(*(start(running, role, *uri, host=NEAR) for role, uri in uris.items()))
        hub = await start(running, "hub", "--data-dir", str(house), host=NEAR)
        async with recorded_wire(wire), near_pairing(house, "--room", "Kitchen") as (pair, invitation):
            devices = (
                "--mic",
                f"wav:{RECORDING}",
                "--snd",
                f"wav:{tmp_path}/reply.wav",
                "--uri",
                "tcp://0.0.0.0:10700",
            )
            code = {"WYOMING_ROSIE_SATELLITE_JOIN": str(invitation.code)}  # the hub is found by mDNS
            await start(running, "satellite", *devices, host=FAR, env=code)
            assert (await pair.event())["address"] == FAR_ADDRESS
            await hub.wait_for_line("turn", step="done")
    finally:
        assert await asyncio.gather(*(one.stop() for one in running)) == [0] * len(running)
    heard = await asyncio.to_thread(wire.read_bytes)
    assert b"rosie-pair" in heard
    assert len(heard) > 50_000
    _, pcm = await asyncio.to_thread(read_wav, RECORDING)
    slices = [pcm[at : at + SLICE_BYTES] for at in range(0, len(pcm) - SLICE_BYTES, 1000)]
    plain = [b'"type"', b"audio-chunk", b"run-pipeline", b"turn on the", b"Turned on", invitation.code.secret.encode()]
    assert not [one for one in (*plain, *(one for one in slices if any(one))) if one in heard]
