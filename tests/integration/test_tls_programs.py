"""Installed programs of one house, which talk to each other over TLS."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from wyoming.event import Event
from wyoming.info import Info
from wyoming.ping import Ping

from tests.conftest import StartDaemon
from tests.daemons import command
from tests.echo_daemon import create_handler
from tests.fakes import FakeDaemon, FakeSatellite
from tests.houses import House
from tests.integration.test_hub import asr, intent, tts, types, vad
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.protocol.client import PeerError, connect
from wyoming_rosie.protocol.discovery import announce
from wyoming_rosie.protocol.network_interfaces import addresses
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.protocol.service_browser import ServiceBrowser
from wyoming_rosie.trust.membership import Membership

SECONDS = 60.0
LOOPBACK = ["127.0.0.1"]
ROLES = {"vad": vad, "asr": asr, "intent": intent, "tts": tts}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house")


@pytest.fixture
def members(house: House) -> dict[str, Membership]:
    return {role: house.member(role, f"{role}.süd") for role in ("hub", "satellite", "wake", *ROLES)}


@pytest.fixture
def own_address() -> str:
    """An address of this machine that is not loopback."""
    found = [address for address in addresses() if ":" not in address and not address.startswith(("127.", "169.254."))]
    if not found:
        pytest.skip("this machine has no address of a network")
    return found[0]


def identity(member: Membership) -> tuple[str, str]:
    return "--identity", str(member.identity.files.folder)


async def test_a_whole_turn_runs_over_tls(daemon: StartDaemon, members: dict[str, Membership], tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        satellite = FakeSatellite()
        await stack.enter_async_context(satellite.serving(info=satellite.info, membership=members["satellite"]))
        uris = []
        for role, answer in ROLES.items():
            stage = await stack.enter_async_context(FakeDaemon(answer).serving(membership=members[role]))
            uris += [f"--{role}-uri", stage.uri]
        assert satellite.uri.startswith("tls://")
        flags = ("--satellite", satellite.uri, *uris, "--no-zeroconf", "--data-dir", str(tmp_path / "state"))
        hub = await daemon("hub", *flags, *identity(members["hub"]))
        await hub.wait_for_line("satellite connected")
        await satellite.wake()
        await satellite.speak(1.6)
        await satellite.wait_for("audio-stop")
        await satellite.send(Event("played"))
        await hub.wait_for_line("turn", step="done")
        assert "audio-chunk" in types(satellite.heard)


async def test_a_daemon_of_another_role_gets_no_audio(
    daemon: StartDaemon, members: dict[str, Membership], tmp_path: Path
) -> None:
    """A satellite that was taken over announces that it is the asr."""
    async with AsyncExitStack() as stack:
        satellite = FakeSatellite()
        await stack.enter_async_context(satellite.serving(info=satellite.info, membership=members["satellite"]))
        impostor = await stack.enter_async_context(FakeDaemon(asr).serving(membership=members["wake"]))
        flags = ("--satellite", satellite.uri, "--asr-uri", impostor.uri, "--no-zeroconf")
        hub = await daemon("hub", *flags, "--data-dir", str(tmp_path / "state"), *identity(members["hub"]))
        await hub.wait_for_line("satellite connected")
        await satellite.wake()
        await satellite.speak(0.5)
        await satellite.wait_for("error", "audio-stop")
        assert impostor.heard == []


async def test_the_satellite_and_its_wake_daemon(daemon: StartDaemon, members: dict[str, Membership]) -> None:
    wake = await daemon("wake", "--uri", "tls://127.0.0.1:0", *identity(members["wake"]))
    assert wake.uri.startswith("tls://")
    satellite = await daemon(
        "satellite", "--uri", "tls://127.0.0.1:0", "--wake-uri", wake.uri, "--mic-command", "sleep 600",
        "--snd", "wav:/dev/null", *identity(members["satellite"]),
    )  # fmt: skip
    async with connect(satellite.uri, SECONDS, role="satellite", membership=members["hub"]) as peer:
        await peer.send(Event("describe"))
        assert (await peer.wait_for("info", seconds=SECONDS)).data["satellite"]
    assert not satellite.lines("wake daemon is unreachable")


async def test_other_machines_need_tls_or_to_be_named(
    daemon: StartDaemon, members: dict[str, Membership], own_address: str
) -> None:
    everywhere = (
        "--uri",
        "tcp://0.0.0.0:0",
        "--no-zeroconf",
        "--tls-port",
        "0",
        "--allow",
        "0.0.0.0/0",
        *identity(members["wake"]),
    )
    closed, opened = await daemon("wake", *everywhere), await daemon("wake", *everywhere, "--plain", own_address)
    plain, secured = (closed.lines("ready")[0][key].rpartition(":")[2] for key in ("uri", "tls"))
    async with connect(f"tls://{own_address}:{secured}", SECONDS, role="wake", membership=members["hub"]) as peer:
        await peer.send(Ping().event())
        await peer.wait_for("pong", seconds=SECONDS)
    async with connect(f"tcp://127.0.0.1:{plain}", SECONDS) as peer:
        await peer.send(Ping().event())
        await peer.wait_for("pong", seconds=SECONDS)
    async with connect(f"tcp://{own_address}:{plain}", SECONDS) as peer:
        with pytest.raises(PeerError, match="see --plain"):
            await peer.wait_for("pong", seconds=SECONDS)
    async with connect(f"tcp://{own_address}:{opened.uri.rpartition(':')[2]}", SECONDS) as peer:
        await peer.send(Ping().event())
        await peer.wait_for("pong", seconds=SECONDS)


async def ended(role: str, *arguments: str) -> tuple[int, str]:
    """Run a program that cannot start; return its exit status and its complaint."""
    process = await asyncio.create_subprocess_exec(
        command(f"wyoming-rosie-{role}"), *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    return process.returncode or 0, err.decode()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--uri", "tls://127.0.0.1:0"), "TLS needs an identity"),
        (("--uri", "tcp://0.0.0.0:0", "--tls-port", "0"), "TLS needs an identity"),
        (("--identity", "/nowhere"), "there is no identity"),
    ],
    ids=["tls without an identity", "a TLS port without one", "a folder without one"],
)
async def test_a_program_without_an_identity_says_how_to_get_one(arguments: tuple[str, ...], reason: str) -> None:
    status, complaint = await ended("vad", *arguments)
    assert status == 1
    assert reason in complaint
    assert "wyoming-rosie pair" in complaint
    assert complaint.count("\n") == 1


async def test_a_broken_identity_ends_the_program_instead_of_a_plain_port(members: dict[str, Membership]) -> None:
    files = members["vad"].identity.files
    await asyncio.to_thread(files.member.write_bytes, b"-----BEGIN PRIVATE KEY-----\n")
    status, complaint = await ended("vad", "--uri", "tcp://0.0.0.0:0", "--no-zeroconf", *identity(members["vad"]))
    assert status == 1
    assert "join the house again" in complaint


async def run_command(*arguments: str, state: Path) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), *arguments, env={**os.environ, "XDG_STATE_HOME": str(state)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.long
async def test_commands_use_the_identity_of_this_users_programs(
    daemon: StartDaemon, house: House, members: dict[str, Membership], tmp_path: Path
) -> None:
    vad_daemon = await daemon("vad", "--uri", "tls://127.0.0.1:0", *identity(members["vad"]))
    state = tmp_path / "command"
    status, _, complaint = await run_command("check", vad_daemon.uri, state=state)
    assert (status, "wyoming-rosie pair" in complaint) == (1, True)
    target = state / "wyoming-rosie" / "hub" / "identity"
    await asyncio.to_thread(os.makedirs, target.parent)
    await asyncio.to_thread(os.rename, members["hub"].identity.files.folder, target)
    status, out, complaint = await run_command("check", vad_daemon.uri, "--json", state=state)
    verdicts = {one["check"]: one for one in map(json.loads, out.splitlines())}
    assert verdicts, complaint
    assert not [one for one in verdicts.values() if one["verdict"] == "failed"]
    status, _, complaint = await run_command("transcribe", "/dev/null", "--uri", vad_daemon.uri, state=state)
    assert status != 0


@pytest.fixture
async def browser(members: dict[str, Membership]) -> AsyncIterator[ServiceBrowser]:
    async with ServiceBrowser(LOOPBACK, members["hub"]) as one:
        yield one


@pytest.fixture
def stranger(tmp_path: Path) -> Membership:
    return House(tmp_path / "stranger").member("asr", "stranger")


async def test_what_is_announced_is_used_once_it_has_proved_role_and_house(
    browser: ServiceBrowser, members: dict[str, Membership], stranger: Membership, own_address: str
) -> None:
    """The stranger announces our house, and the wake daemon another role."""
    name = f"rosie-test-{uuid4().hex[:8]}"
    ours = members["asr"].house_id
    claims = {"a-stranger": stranger, "a-wake": members["wake"], "own": members["asr"]}
    async with AsyncExitStack() as stack:
        for suffix, member in claims.items():
            service = DaemonServer("echo", Info(), create_handler)
            stack.push_async_callback(service.drain, 0)
            where = await stack.enter_async_context(service.listening(f"tls://{own_address}:0", member))
            port = str(where).rpartition(":")[2]
            records = {"tls": port, "house": ours}
            await stack.enter_async_context(
                announce("asr", f"{name}-{suffix}", Tcp(own_address, int(port)), LOOPBACK, properties=records)
            )
        plain = Tcp(own_address, 10300)
        await stack.enter_async_context(announce("asr", f"{name}-plain", plain, LOOPBACK))
        async with asyncio.timeout(SECONDS):
            while not browser.services("asr"):
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)  # what is wrong would be found by now
        [found] = [service for service in browser.services() if service.name.startswith(name)]
        assert found.name == f"{name}-own"
        assert found.uri.startswith("tls://")


async def test_a_server_that_cannot_be_reached_says_so_with_the_port_rule(members: dict[str, Membership]) -> None:
    with pytest.raises(UnreachableError, match="nothing answers at tls://"):
        async with connect("tls://127.0.0.1:9", SECONDS, membership=members["hub"]):
            pass
