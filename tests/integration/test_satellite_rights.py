"""The rights of satellites that are members: what the hub says of them, and what it lets them do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from wyoming.event import Event
from wyoming.info import Info

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.echo_daemon import create_handler
from tests.fakes import FakeDaemon, FakeSatellite
from tests.houses import House
from tests.integration.test_hub import asr, intent, tts, vad
from wyoming_rosie.protocol.client import PeerError, connect
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.trust.issuing import change_registry
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.roster import SignedRoster
from wyoming_rosie.trust.scopes import Scope

SECONDS = 60.0
ROLES = {"vad": vad, "asr": asr, "intent": intent, "tts": tts}
Turn: TypeAlias = Callable[..., Coroutine[Any, Any, tuple[Daemon, FakeDaemon]]]


def create_members(folder: Path, room: str | None, scopes: Sequence[Scope]) -> tuple[Membership, Path]:
    """Return the satellite of a house, and the folder of its hub's identity."""
    house = House(folder)
    satellite = Membership.load(house.add("satellite", "kitchen", room=room, scopes=frozenset(scopes)))
    assert satellite is not None
    return satellite, house.add("hub", "hub")


@pytest.fixture
async def run_turn(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[Turn]:
    """Run a turn of a satellite with these rights; return the hub, and the intent daemon that it asked."""
    async with AsyncExitStack() as stack:

        async def run(room: str | None, *scopes: Scope) -> tuple[Daemon, FakeDaemon]:
            member, hub_identity = await asyncio.to_thread(create_members, tmp_path / "house", room, scopes)
            satellite = FakeSatellite()
            await stack.enter_async_context(satellite.serving(info=satellite.info, membership=member))
            stages = {role: FakeDaemon(answer) for role, answer in ROLES.items()}
            for stage in stages.values():
                await stack.enter_async_context(stage.serving())
            uris = [part for role, stage in stages.items() for part in (f"--{role}-uri", stage.uri)]
            identity = ("--identity", str(hub_identity), "--data-dir", str(tmp_path / "state"))
            hub = await daemon("hub", "--satellite", satellite.uri, *uris, "--no-zeroconf", *identity)
            if Scope.AUDIO not in scopes:
                await hub.wait_for_line("satellite unreachable")
                return hub, stages["intent"]
            await hub.wait_for_line("satellite connected")
            await satellite.wake()
            await satellite.speak(1.6)
            await satellite.wait_for("audio-stop")
            return hub, stages["intent"]

        yield run


def context_of(asked: FakeDaemon) -> dict[str, Any]:
    [transcript] = [event for event in asked.heard if event.type == "transcript"]
    return dict(transcript.data["context"])


async def test_the_room_of_a_satellite_is_that_of_the_roster(run_turn: Turn) -> None:
    _, asked = await run_turn("Pantry", Scope.AUDIO, Scope.TEXT, Scope.ACT)
    context = context_of(asked)
    assert (context["area"], context["caller"]) == ("Pantry", "kitchen (satellite)")
    assert "allow_tools" not in context


async def test_a_satellite_without_a_room_in_the_roster_names_its_own(run_turn: Turn) -> None:
    _, asked = await run_turn(None, Scope.AUDIO, Scope.TEXT, Scope.ACT)
    assert context_of(asked)["area"] == FakeSatellite().info.satellite.area  # type: ignore[union-attr]


async def test_a_satellite_that_may_not_act_is_answered_and_changes_nothing(run_turn: Turn) -> None:
    _, asked = await run_turn("Pantry", Scope.AUDIO, Scope.TEXT)
    assert context_of(asked)["allow_tools"] is False


async def test_a_satellite_without_audio_is_not_conducted_and_the_log_says_why(run_turn: Turn) -> None:
    hub, asked = await run_turn("Pantry", Scope.TEXT)
    assert "may send no audio" in hub.lines("satellite unreachable")[0]["reason"]
    assert asked.heard == []


async def test_a_change_of_the_list_holds_on_a_connection_that_is_open(tmp_path: Path) -> None:
    def create() -> tuple[House, Membership, Membership]:
        house = House(tmp_path / "house")
        member = house.member("satellite", "kitchen")
        return house, member, house.member("asr", "listener")

    house, member, listener = await asyncio.to_thread(create)
    server = DaemonServer("asr", Info(), create_handler)
    async with (
        server.listening("tls://127.0.0.1:0", listener) as where,
        connect(str(where), membership=member) as client,
    ):
        await client.send(Event("transcribe"))
        await client.wait_for("transcribe", seconds=SECONDS)
        changed = replace(member.own, scopes=frozenset({Scope.TEXT}))
        await listener.update_roster(await asyncio.to_thread(sign_change, house, changed))
        await client.send(Event("transcribe"))
        with pytest.raises(PeerError, match="lacks the scope 'audio'"):
            await client.wait_for("transcribe", seconds=SECONDS)
    await server.drain(0)


def sign_change(house: House, member: Member) -> SignedRoster:
    return house.sign(change_registry(house.authority, lambda registry: registry.change(member)))
