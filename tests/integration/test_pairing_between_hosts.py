"""Pairing between two hosts, as network namespaces, with listeners and attackers on the network between them."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.daemons import Daemon, command
from tests.pairing import Pairing, pairing
from tests.two_hosts import FAR, FAR_ADDRESS, NEAR, NEAR_ADDRESS, ip, on_host, two_hosts
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.trust.members import load_registry
from wyoming_rosie.trust.pairing.code import Invitation

ROOT = Path(__file__).parents[2]
ATTACKER = "10.99.7.66"
SECONDS = 60.0
DAEMONS = {"vad": 10450, "asr": 10300, "intent": 10550, "tts": 10200}
SLICE_BYTES = 32


@pytest.fixture(scope="module", autouse=True)
def _hosts() -> Iterator[None]:
    with two_hosts():
        ip("-n", FAR, "addr", "add", f"{ATTACKER}/24", "dev", "cable")
        yield


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@asynccontextmanager
async def near_pairing(house: Path, *arguments: str) -> AsyncIterator[tuple[Pairing, Invitation]]:
    """Show a code on the near host."""
    async with pairing(house, "kitchen", *arguments, prefix=on_host(NEAR)) as pair:
        yield pair, await pair.invitation()


@asynccontextmanager
async def attack(*arguments: object, waits: bool = True) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run an attack on the far host during the block, once it has begun."""
    name, *others = map(str, arguments)
    attacker = await asyncio.create_subprocess_exec(
        *on_host(FAR), sys.executable, "-m", "tests.pairing_attacker", name, NEAR_ADDRESS, "10901", ATTACKER, *others,
        stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert attacker.stdout is not None
    try:
        if waits:
            async with asyncio.timeout(SECONDS):
                assert await attacker.stdout.readline()
        yield attacker
    finally:
        if attacker.returncode is None:
            attacker.kill()
        await attacker.wait()


async def outcome(attacker: asyncio.subprocess.Process) -> object:
    assert attacker.stdout is not None
    async with asyncio.timeout(SECONDS):
        return json.loads(await attacker.stdout.readline())


async def join(state: Path, code: str, program: str = "satellite") -> subprocess.CompletedProcess[str]:
    """Join from the far host."""
    line = [*on_host(FAR), command("wyoming-rosie"), "join", code, "--program", program, "--state", str(state)]
    return await asyncio.to_thread(subprocess.run, line, capture_output=True, text=True, timeout=120, check=False)


async def members(house: Path) -> list[str]:
    registry = await asyncio.to_thread(load_registry, house / "tls" / "members.json")
    return [member.name for member in registry.members]


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
            assert (await pair.event())["address"] in (FAR_ADDRESS, ATTACKER)
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


async def test_attackers_on_the_network_get_nobody_in_and_the_owner_is_told(house: Path, tmp_path: Path) -> None:
    """A man in the middle, who also records; then a replay of the recording; then a guesser."""
    async with near_pairing(house) as (pair, invitation):
        through_him = f"{invitation.code}@{FAR_ADDRESS}"
        async with attack("relay", 10901, 3, tmp_path / "frames"):  # he changes the hub's confirmation
            ran = await join(tmp_path / "satellite", through_him)
            assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1)
            assert "does not know the code" in ran.stderr
        async with attack("relay", 10901, -1, tmp_path / "frames") as relay:  # he only records
            ran = await join(tmp_path / "asr", through_him, "asr")
            assert "the code is for a program of the role satellite" in ran.stderr  # so that it still counts
            await outcome(relay)
        async with attack("replay", tmp_path / "frames", waits=False) as replay:
            assert await outcome(replay) == ["Ewrong-code"]
        async with attack("guess", invitation.code.nameplate, 10, waits=False) as guesser:
            outcomes = await outcome(guesser)
        assert isinstance(outcomes, list)
        assert outcomes[:2] == ["wrong-code"] * 2
        assert set(outcomes[2:]) <= {"over", "closed", "busy"}
        assert [await pair.event() for _ in range(3)] == [{"event": "wrong-try", "address": ATTACKER}] * 3
        status, said = await pair.end()
        assert status == 1
        assert "somebody on this network tries to join" in said
        assert await members(house) == []
        late = await join(tmp_path / "satellite", f"{invitation.code}@{NEAR_ADDRESS}")
        assert late.returncode == 1
        assert "nothing answers" in late.stderr


async def test_who_has_the_code_joins_beside_a_flood_and_a_stranger_who_poses_as_the_hub(
    house: Path, tmp_path: Path
) -> None:
    async with near_pairing(house) as (pair, invitation), attack("pose", invitation.code.nameplate) as stranger:
        async with attack("flood", 1000):
            ran = await join(tmp_path / "satellite", str(invitation.code))
        assert ran.returncode == 0, ran.stderr
        assert f"the hub at {NEAR_ADDRESS}" in ran.stdout
        guesses = await outcome(stranger)
        assert guesses in (0, 1)  # which of the two is asked first is chance
        assert (await pair.event())["event"] == "joined"
        thief = await join(tmp_path / "thief", f"{invitation.code}@{NEAR_ADDRESS}")
        assert thief.returncode in (1, 2)
        assert await members(house) == ["kitchen"]
