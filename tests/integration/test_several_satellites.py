"""Several satellites hear the same word: exactly one answers, and only that one chimes.

More satellites and calls, networks that lose packets, satellites of other makes and a stolen one: scripts/arbitration.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.fakes import FakeDaemon, FakeSatellite
from tests.integration.satellite_room import SAID
from tests.integration.several_satellites import (
    STAGES,
    House,
    furnish_alone,
    furnish_with_hub,
)
from tests.several_hosts import Lan, several_hosts, skip_without_hosts
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.wakeword.arbitration.decisions import LEAST_SUPPRESSION_SECONDS
from wyoming_rosie.wakeword.arbitration.events import LOST_CODE, VERDICT, WakeClaim, create_claim_event

NAMES = ("kitchen", "hall")
FAR = 0.1
WORD = "okay_nabu"


@pytest.fixture
def word(shared_data: Path) -> bytes:
    return read_wav(shared_data / "wake" / f"{SAID}.wav")[1]


async def _call_twice(house: House, word: bytes) -> list[list[str]]:
    return [await house.call(word, {name: 1.0 if name == near else FAR for name in NAMES}, {}) for near in NAMES]


def _check_chimes(house: House, answered: list[list[str]]) -> None:
    assert [len(names) for names in answered] == [1, 1]
    for name in NAMES:
        assert house.chimes(name) == house.answers(name)


@pytest.mark.timeout(180)
async def test_with_a_hub_one_satellite_answers_and_chimes(tmp_path: Path, word: bytes) -> None:
    async with furnish_with_hub(tmp_path, NAMES) as house:
        answered = await _call_twice(house, word)
        assert house.hub is not None
        for line in house.hub.lines("wake word decided"):  # none if the other one was too late to claim
            others = ", ".join(line["heard_too"])
            await house.hub.wait_for_line("turn", step="arbitrated", satellite=line["answers"], detail=others)
    _check_chimes(house, answered)


@pytest.mark.timeout(180)
async def test_on_a_network_without_ipv4_one_of_satellites_alone_answers_and_chimes(
    tmp_path: Path, word: bytes
) -> None:
    skip_without_hosts()
    with several_hosts(len(NAMES), Lan(has_ipv4=False)) as hosts:
        async with furnish_alone(tmp_path, NAMES, hosts) as house:
            answered = await _call_twice(house, word)
    _check_chimes(house, answered)


async def test_beside_satellites_of_other_makes_one_turn_goes_on_and_the_next_word_is_heard_after_it(
    daemon: StartDaemon, tmp_path: Path
) -> None:
    """The kitchen and the larder are of another make: they chime and stream by themselves. The office is one of ours."""
    kitchen, larder, office = FakeSatellite("kitchen"), FakeSatellite("larder"), FakeSatellite("office")
    async with AsyncExitStack() as stack:
        flags = []
        for satellite in (kitchen, larder, office):
            await stack.enter_async_context(satellite.serving(info=satellite.info))
            flags += ["--satellite", satellite.uri]
        for role, answer in STAGES.items():
            stage = FakeDaemon(answer)
            await stack.enter_async_context(stage.serving())
            flags += [f"--{role}-uri", stage.uri]
        hub = await daemon("hub", *flags, "--no-zeroconf", "--data-dir", str(tmp_path))
        for name in ("kitchen", "larder", "office"):
            await hub.wait_for_line("satellite connected", satellite=name)
        await kitchen.wake("first")
        await kitchen.wait_for("transcribe")
        await office.send(create_claim_event(WakeClaim("faint", WORD, score=0.9, snr_db=5.0)))
        await larder.wake("second")
        assert (await larder.wait_for("error")).data["code"] == LOST_CODE
        assert not await _wins(office, "faint")
        assert not kitchen.of_type("error")
        await asyncio.sleep(LEAST_SUPPRESSION_SECONDS)
        await kitchen.send(Event("user-event", {"name": "cancel"}))
        over = await kitchen.wait_for("error")
        assert over.data["code"] == "cancelled"
        await office.send(create_claim_event(WakeClaim("near", WORD, age_ms=1000, score=0.9, snr_db=30.0)))
        await kitchen.wake("third")
        assert await _wins(office, "near")
        await office.wake("near")
        await office.speak(1.6)
        await office.wait_for("audio-start")
        assert [error.data["code"] for error in kitchen.of_type("error")] == ["cancelled", LOST_CODE]
        assert not [event for satellite in (kitchen, larder) for event in satellite.of_type("audio-start")]


async def _wins(satellite: FakeSatellite, turn_id: str) -> bool:
    """Return the verdict on a satellite's claim."""
    while True:
        verdicts = [event.data for event in satellite.of_type("user-event") if event.data.get("name") == VERDICT]
        for verdict in verdicts:
            if verdict["turn_id"] == turn_id:
                return bool(verdict["wins"])
        await asyncio.sleep(0.01)
