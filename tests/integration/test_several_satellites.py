"""Several satellites hear the same word: exactly one answers, and only that one chimes."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.fakes import FakeDaemon, FakeSatellite
from tests.houses import House as TrustHouse
from tests.integration.satellite_room import SAID
from tests.integration.several_satellites import (
    STAGES,
    House,
    furnish_alone,
    furnish_with_hub,
    furnish_with_members,
    wait_until_found,
)
from tests.several_hosts import address_of, can_have_hosts, several_hosts
from tests.two_hosts import on_host
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.trust.identity import save_service_uri
from wyoming_rosie.wakeword.arbitration.events import LOST_CODE

NAMES = ("kitchen", "hall")
FAR = 0.1
FOUND = "another satellite found"


@pytest.fixture
def word(shared_data: Path) -> bytes:
    return read_wav(shared_data / "wake" / f"{SAID}.wav")[1]


async def _call_twice(house: House, word: bytes) -> list[list[str]]:
    return [await house.call(word, {name: 1.0 if name == near else FAR for name in NAMES}, {}) for near in NAMES]


def _check_chimes(house: House, answered: list[list[str]]) -> None:
    assert [len(names) for names in answered] == [1, 1]
    for name in NAMES:
        assert house.chimes(name) == answered.count([name])


@pytest.mark.timeout(180)
async def test_with_a_hub_one_satellite_answers_and_chimes(tmp_path: Path, word: bytes) -> None:
    async with furnish_with_hub(tmp_path, NAMES) as house:
        answered = await _call_twice(house, word)
        assert house.hub is not None
        step = await house.hub.wait_for_line("turn", step="arbitrated", satellite=answered[0][0])
        assert [step["detail"]] == [name for name in NAMES if [name] != answered[0]]
    _check_chimes(house, answered)


@pytest.mark.timeout(180)
async def test_among_themselves_one_satellite_answers_and_chimes(tmp_path: Path, word: bytes) -> None:
    if not can_have_hosts():
        pytest.skip("network namespaces need root and the ip command (apt install iproute2)")
    with several_hosts(len(NAMES)) as hosts:
        async with furnish_alone(tmp_path, NAMES, hosts) as house:
            answered = await _call_twice(house, word)
    _check_chimes(house, answered)


@pytest.mark.timeout(240)
async def test_members_need_no_key_file_and_a_revoked_one_disturbs_nobody(tmp_path: Path, word: bytes) -> None:
    if not can_have_hosts():
        pytest.skip("network namespaces need root and the ip command (apt install iproute2)")
    members, everybody = TrustHouse(tmp_path / "house"), (*NAMES, "stolen")
    loudest = {"kitchen": 0.3, "hall": 0.1, "stolen": 1.0}
    with several_hosts(len(everybody) + 1) as hosts:
        uri = f"tls://{address_of(len(everybody))}:10900"
        for name in everybody:
            folder = await asyncio.to_thread(members.add, "satellite", name)
            await asyncio.to_thread(save_service_uri, folder, uri)
        flags = ("--data-dir", str(members.folder), "--trust-uri", uri, "--no-zeroconf")
        hub = await Daemon.start("hub", *flags, prefix=on_host(hosts[-1]))
        try:
            async with furnish_with_members(tmp_path / "before", everybody, members, hosts) as house:
                await wait_until_found(house, everybody)
                assert await house.call(word, loudest, {}) == ["stolen"]
                number = (await house.satellites["hall"].wait_for_line("group key"))["number"]
                await asyncio.to_thread(members.revoke, "stolen")
                for name in NAMES:
                    await house.satellites[name].wait_for_line("group key", number=number + 1)
            async with furnish_with_members(tmp_path / "after", everybody, members, hosts) as house:
                await wait_until_found(house, NAMES)
                assert sorted(await house.call(word, loudest, {})) == ["kitchen", "stolen"]
                found = [line["name"] for name in NAMES for line in house.satellites[name].lines(FOUND)]
                assert "stolen" not in found
                assert not house.satellites["stolen"].lines(FOUND)
        finally:
            await hub.stop()


async def test_of_satellites_of_other_makes_the_hub_ends_all_runs_but_one(daemon: StartDaemon, tmp_path: Path) -> None:
    kitchen, hall = FakeSatellite("kitchen"), FakeSatellite("hall", "Hall")
    async with AsyncExitStack() as stack:
        flags = []
        for satellite in (kitchen, hall):
            await stack.enter_async_context(satellite.serving(info=satellite.info))
            flags += ["--satellite", satellite.uri]
        for role, answer in STAGES.items():
            stage = FakeDaemon(answer)
            await stack.enter_async_context(stage.serving())
            flags += [f"--{role}-uri", stage.uri]
        hub = await daemon("hub", *flags, "--no-zeroconf", "--data-dir", str(tmp_path))
        for name in ("kitchen", "hall"):
            await hub.wait_for_line("satellite connected", satellite=name)
        await kitchen.wake("first")
        await asyncio.sleep(0.03)
        await hall.wake("second")
        refusal = await hall.wait_for("error")
        assert refusal.data["code"] == LOST_CODE
        await kitchen.speak(1.6)
        await kitchen.wait_for("audio-stop")
        assert "error" not in [event.type for event in kitchen.heard]
        assert "audio-start" not in [event.type for event in hall.heard]
