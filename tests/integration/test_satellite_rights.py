"""The rights of satellites that are members: what the hub says of them, and what it lets them do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.fakes import FakeDaemon, FakeSatellite
from tests.houses import House
from tests.integration.test_hub import asr, intent, tts, vad
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.scopes import Scope

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
