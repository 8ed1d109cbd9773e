"""The rights of satellites that are members: what the hub says of them, and what it lets them do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
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
from wyoming_rosie.text.sentences import format_sentence
from wyoming_rosie.trust.issuing import change_registry
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.roster import SignedRoster
from wyoming_rosie.trust.scopes import Scope

SECONDS = 60.0
ROLES = {"vad": vad, "asr": asr, "intent": intent, "tts": tts}


@dataclass(frozen=True)
class RanTurn:
    """What took part in a turn."""

    hub: Daemon
    satellite: FakeSatellite
    stages: Mapping[str, FakeDaemon]


RunTurn: TypeAlias = Callable[..., Coroutine[Any, Any, RanTurn]]


def create_members(folder: Path, room: str | None, scopes: Sequence[Scope]) -> tuple[Membership, Path]:
    """Return the satellite of a house, and the folder of its hub's identity."""
    house = House(folder)
    satellite = Membership.load(house.add("satellite", "kitchen", room=room, scopes=frozenset(scopes)))
    assert satellite is not None
    return satellite, house.add("hub", "hub")


@pytest.fixture
async def run_turn(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[RunTurn]:
    """Run a turn of a satellite with these rights."""
    async with AsyncExitStack() as stack:

        async def run(room: str | None, *scopes: Scope) -> RanTurn:
            member, hub_identity = await asyncio.to_thread(create_members, tmp_path / "house", room, scopes)
            satellite = FakeSatellite()
            await stack.enter_async_context(satellite.serving(info=satellite.info, membership=member))
            stages = {role: FakeDaemon(answer) for role, answer in ROLES.items()}
            for stage in stages.values():
                await stack.enter_async_context(stage.serving())
            uris = [part for role, stage in stages.items() for part in (f"--{role}-uri", stage.uri)]
            identity = ("--identity", str(hub_identity), "--data-dir", str(tmp_path / "state"))
            hub = await daemon("hub", "--satellite", satellite.uri, *uris, "--no-zeroconf", *identity)
            await hub.wait_for_line("satellite connected")
            await satellite.wake()
            await satellite.speak(1.6)
            await satellite.wait_for("audio-stop")
            return RanTurn(hub, satellite, stages)

        yield run


def context_of(turn: RanTurn) -> dict[str, Any]:
    [transcript] = [event for event in turn.stages["intent"].heard if event.type == "transcript"]
    return dict(transcript.data["context"])


async def test_the_room_of_a_satellite_is_that_of_the_roster(run_turn: RunTurn) -> None:
    turn = await run_turn("Pantry", Scope.AUDIO, Scope.TEXT, Scope.ACT)
    context = context_of(turn)
    assert (context["area"], context["caller"]) == ("Pantry", "kitchen (satellite)")
    assert "allow_tools" not in context


async def test_a_satellite_without_a_room_in_the_roster_names_its_own(run_turn: RunTurn) -> None:
    turn = await run_turn(None, Scope.AUDIO, Scope.TEXT, Scope.ACT)
    assert context_of(turn)["area"] == FakeSatellite().info.satellite.area  # type: ignore[union-attr]


async def test_a_satellite_that_may_not_act_is_answered_and_changes_nothing(run_turn: RunTurn) -> None:
    turn = await run_turn("Pantry", Scope.AUDIO, Scope.TEXT)
    assert context_of(turn)["allow_tools"] is False


@pytest.mark.parametrize("scopes", [(Scope.TEXT, Scope.ACT), (Scope.AUDIO, Scope.ACT)], ids=["no audio", "no text"])
async def test_a_satellite_that_may_not_ask_is_told_so_aloud_and_nothing_it_sends_is_passed_on(
    run_turn: RunTurn, scopes: tuple[Scope, ...]
) -> None:
    turn = await run_turn("Pantry", *scopes)
    [said] = [event.data["text"] for event in turn.satellite.heard if event.type == "synthesize"]
    assert said == format_sentence("failures.forbidden", "en")
    asked = [event.type for role in ("vad", "asr", "intent") for event in turn.stages[role].heard]
    assert set(asked) <= {"user-event", "describe"}
    await turn.hub.wait_for_line("audit")
    [audit] = turn.hub.lines("audit")
    assert (audit["caller"], audit["room"], audit["outcome"]) == ("kitchen (satellite)", "Pantry", "refused")


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
