"""Whoever is on the wire between two members learns nothing, and changes nothing unnoticed."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.attacks.home import TLS_PORTS, AttackedHouse, attack, attacking, outcome, sentence
from tests.two_hosts import FAR_ADDRESS, NEAR, NEAR_ADDRESS

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="session")]
RELAY_PORT = 11_998
THROUGH_HIM = f"tls://{FAR_ADDRESS}:{RELAY_PORT}"
SWITCH_ON = sentence("turn on the stove lamp")
END_BYTES = 19  # of a sealed alert, which ends a session
HANDSHAKE = 22  # as the type of a record


async def talk_through(home: AttackedHouse, file: Path, side: str, number: int) -> tuple[dict[str, Any], Counter[str]]:
    """Give a command through a man in the middle, who alters a record; return the answer, and the numbers of records."""
    await home.switch("stove", "off")
    middle_of = ("relay", NEAR_ADDRESS, TLS_PORTS["intent"], RELAY_PORT, side, number, file)
    async with attacking(*middle_of) as middle:
        answer = await home.ask("hub", SWITCH_ON, at=THROUGH_HIM, host=NEAR, role="intent")
        records = await outcome(middle, stops=True)
    return answer, Counter(sender for sender, size in records if size != END_BYTES)


@dataclass(frozen=True)
class Recording:
    """A session that a man in the middle has recorded in a file; the numbers of records by side."""

    file: Path
    records: Counter[str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recording(home: AttackedHouse, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    file = tmp_path_factory.mktemp("wire") / "recording"
    answer, records = await talk_through(home, file, "none", 0)
    assert answer["type"] == "handled", answer
    assert (await home.states())["light.stove"] == "on"
    return Recording(file, records)


async def test_who_listens_between_two_members_reads_nothing(recording: Recording) -> None:
    recorded = json.loads(recording.file.read_text())
    passed = bytes.fromhex("".join(recorded["client"] + recorded["server"]))
    assert len(passed) > 1000
    words = (b"stove", b"lamp", b"Turned on", b"transcript", b"handled", b"thinker", b"rosie.internal")
    assert [word for word in words if word in passed] == []


async def test_a_man_in_the_middle_who_alters_a_byte_of_the_client_ends_the_session_before_the_command(
    home: AttackedHouse, recording: Recording, tmp_path: Path
) -> None:
    for number in range(recording.records["client"]):
        answer, _ = await talk_through(home, tmp_path / "frames", "client", number)
        assert answer["type"] == "error", (number, answer)
        assert (await home.states())["light.stove"] == "off", number


async def test_a_man_in_the_middle_who_alters_a_byte_of_the_server_is_not_believed(
    home: AttackedHouse, recording: Recording, tmp_path: Path
) -> None:
    for number in range(recording.records["server"]):
        answer, _ = await talk_through(home, tmp_path / "frames", "server", number)
        assert answer["type"] == "error", (number, answer)


async def test_a_recorded_session_that_is_sent_again_changes_nothing(home: AttackedHouse, recording: Recording) -> None:
    await home.switch("stove", "off")
    types = await attack("replay", NEAR_ADDRESS, TLS_PORTS["intent"], recording.file)
    assert types[0] == HANDSHAKE  # the server says hello, with another random number
    assert (await home.states())["light.stove"] == "off"
    assert (await home.ask("hub", SWITCH_ON, host=NEAR, role="intent"))["type"] == "handled"


async def test_a_recorded_server_that_answers_again_is_not_believed(home: AttackedHouse, recording: Recording) -> None:
    async with attacking("pose", RELAY_PORT, recording.file) as stranger:
        answer = await home.ask("hub", SWITCH_ON, at=THROUGH_HIM, host=NEAR, role="intent")
        received = await outcome(stranger, stops=True)
    assert answer["type"] == "error", answer
    assert received > 0
