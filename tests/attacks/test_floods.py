"""Whoever sends too much slows nobody but himself."""

import json
import sys
from typing import Any

import pytest

from tests.attacks.home import ATTACKER, TLS_PORTS, AttackedHouse, attacking, outcome, run_near, sentence, tls
from tests.two_hosts import NEAR_ADDRESS

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="session")]
SECONDS_OF_AUDIO = 40
CONNECTIONS = 16
MANY = 5_000
"""Connections of a flood, however slow the machine is."""
SWITCH_ON = sentence("turn on the stove lamp")


async def transcribe(home: AttackedHouse) -> Any:
    """Return what the hub gets for a spoken sentence."""
    spoken = ("-m", "tests.flood", tls("asr"), "utterances", "1", "1", str(home.identity("hub")))
    return json.loads(await run_near(sys.executable, *spoken))


@pytest.mark.parametrize(
    "ports",
    [(10550,), (11550,), (10550, *TLS_PORTS.values())],
    ids=["at the plain port", "at the TLS port", "at all programs"],
)
async def test_10_000_connections_a_second_let_members_connect(ports: tuple[int, ...], home: AttackedHouse) -> None:
    async with attacking("connects", NEAR_ADDRESS, ATTACKER, *ports) as flood:
        answers = [await home.ask("küche.1", SWITCH_ON) for _ in range(2)]
        flooded = await outcome(flood, stops=True)
    assert [answer["type"] for answer in answers] == ["handled"] * 2, answers
    assert flooded["connections"] > MANY, flooded
    assert 'wyoming_rosie_refused_total{code="flood"}' in await home.metrics()


async def test_a_flood_of_audio_of_a_stolen_satellite_lets_the_hub_be_understood(home: AttackedHouse) -> None:
    stolen = home.identity("microphone")
    asr = home.daemons["asr"]
    async with attacking("audio", tls("asr"), stolen, SECONDS_OF_AUDIO, CONNECTIONS) as flood:
        await asr.wait_for_line("a client is over its budget", client="microphone (satellite)")
        assert await transcribe(home) == {"transcript": 1, "whole": 1}
        assert flood.returncode is None, "the flood ended before the answer"
    assert "hub (hub)" not in [line["client"] for line in asr.lines("a client is over its budget")]


async def test_handshakes_that_never_end_let_members_connect(home: AttackedHouse) -> None:
    async with attacking("linger", NEAR_ADDRESS, ATTACKER, 1_000, 11550):
        assert (await home.ask("küche.1", SWITCH_ON))["type"] == "handled"
