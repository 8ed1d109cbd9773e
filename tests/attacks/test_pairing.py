"""Attacks on pairing: men in the middle, guessers, and thieves of codes."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.attacks import home
from tests.attacks.home import ATTACKER, outcome
from tests.daemons import command
from tests.pairing import Pairing, near_pairing
from tests.two_hosts import FAR, FAR_ADDRESS, NEAR_ADDRESS, on_host
from wyoming_rosie.trust.members import load_registry
from wyoming_rosie.trust.pairing.code import Invitation

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("old_code")]
MODULE = "tests.attacks.pairing_attacker"
AT_HUB = (NEAR_ADDRESS, 10901, ATTACKER)
OLD_PORT = 10911
RELAY_PORT = 10901


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """The folder of a hub, which has no members yet."""
    return tmp_path / "hub"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def old_code(hosts: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Pairing, Invitation]]:
    """A code that is shown from before the first test of this module."""
    async with near_pairing(tmp_path_factory.mktemp("old"), "--port", str(OLD_PORT)) as shown:
        yield shown


async def join(state: Path, code: str, program: str = "satellite") -> subprocess.CompletedProcess[str]:
    """Join from the far host."""
    line = [*on_host(FAR), command("wyoming-rosie"), "join", code, "--program", program, "--state", str(state)]
    return await asyncio.to_thread(subprocess.run, line, capture_output=True, text=True, timeout=120, check=False)


async def members(house: Path) -> list[str]:
    registry = await asyncio.to_thread(load_registry, house / "tls" / "members.json")
    return [member.name for member in registry.members]


def attacking(name: str, *arguments: object) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    return home.attacking(name, *AT_HUB, *arguments, module=MODULE)


async def test_a_man_in_the_middle_of_pairing_a_replay_and_a_guesser_get_nobody_in_and_the_owner_is_told(
    house: Path, tmp_path: Path
) -> None:
    async with near_pairing(house) as (pair, invitation):
        through_him = f"{invitation.code}@{FAR_ADDRESS}"
        async with attacking("relay", RELAY_PORT, 3, tmp_path / "frames"):  # he changes the hub's confirmation
            ran = await join(tmp_path / "satellite", through_him)
            assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1)
            assert "does not know the code" in ran.stderr
        async with attacking("relay", RELAY_PORT, -1, tmp_path / "frames") as relay:  # he only records
            ran = await join(tmp_path / "asr", through_him, "asr")
            assert "the code is for a program of the role satellite" in ran.stderr  # so that it still counts
            await outcome(relay)
        assert await home.attack("replay", *AT_HUB, tmp_path / "frames", module=MODULE) == ["Ewrong-code"]
        outcomes = await home.attack("guess", *AT_HUB, invitation.code.nameplate, 10, module=MODULE)
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


async def test_a_flood_and_a_stranger_that_poses_as_the_hub_keep_nobody_out_who_has_the_code(
    house: Path, tmp_path: Path
) -> None:
    async with near_pairing(house) as (pair, invitation), attacking("pose", invitation.code.nameplate) as stranger:
        async with attacking("flood", 1000):
            ran = await join(tmp_path / "satellite", str(invitation.code))
        assert ran.returncode == 0, ran.stderr
        assert f"the hub at {NEAR_ADDRESS}" in ran.stdout
        assert await outcome(stranger) in (0, 1)  # which of the two is asked first is chance
        assert (await pair.event())["event"] == "joined"
        assert await members(house) == ["kitchen"]


async def test_a_stolen_code_lets_nobody_in_after_its_use(house: Path, tmp_path: Path) -> None:
    async with near_pairing(house) as (pair, invitation):
        stolen = f"{invitation.code}@{NEAR_ADDRESS}"
        assert (await join(tmp_path / "satellite", stolen)).returncode == 0
        thief = await join(tmp_path / "thief", stolen)
        assert thief.returncode in (1, 2)
        assert (await pair.end())[0] == 0
        again = await join(tmp_path / "thief", stolen)
    assert (again.returncode, "nothing answers" in again.stderr) == (1, True), again.stderr
    assert await members(house) == ["kitchen"]
    assert not (tmp_path / "thief" / "identity" / "member.pem").exists()


async def test_a_stolen_code_lets_nobody_in_after_two_minutes(
    old_code: tuple[Pairing, Invitation], tmp_path: Path
) -> None:
    pair, invitation = old_code
    status, said = await pair.end(seconds=150)
    assert (status, "nobody has used the code in time" in said) == (1, True), said
    thief = await join(tmp_path / "thief", f"{invitation.code}@{NEAR_ADDRESS}:{OLD_PORT}")
    assert (thief.returncode, "nothing answers" in thief.stderr) == (1, True), thief.stderr
    assert not (tmp_path / "thief" / "identity" / "member.pem").exists()
