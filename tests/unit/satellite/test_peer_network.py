"""Peer network: what has come is read before anything is decided."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from tests.brokers import free_port
from wyoming_rosie.wakeword.arbitration.packets import (
    Content,
    Packet,
    PacketCodec,
    PeerAnswer,
    PeerPresence,
    PeerReceipt,
)
from wyoming_rosie.wakeword.arbitration.peer_arbiter import Decided
from wyoming_rosie.wakeword.arbitration.rules import WINDOW_SECONDS, Claim
from wyoming_rosie_satellite.wake.peer_network import PeerNetwork

KEY, WORD = b"a key of this house, for tests", "okay_nabu"
HALL = b"the hall"


class Hall:
    """Another satellite, which sends what the test says to a satellite of this machine."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sent = 0

    def sends(self, *contents: Content) -> None:
        for content in contents:
            self._socket.sendto(PacketCodec(KEY).encode(Packet(HALL, self._sent, content)), self._address)
            self._sent += 1

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
async def port() -> int:
    return free_port()


@pytest.fixture
async def kitchen(port: int) -> AsyncIterator[PeerNetwork]:
    network = PeerNetwork("kitchen", port, KEY)
    running = asyncio.create_task(network.run())
    yield network
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture
async def hall(kitchen: PeerNetwork, port: int) -> AsyncIterator[Hall]:
    neighbour = Hall(port)
    async with asyncio.timeout(10):
        while kitchen.is_alone:
            neighbour.sends(PeerPresence("hall", (kitchen._node.session,)))
            await asyncio.sleep(0.02)
    yield neighbour
    neighbour.close()


async def test_after_a_stall_of_the_process_the_decision_of_another_one_is_read_first(
    kitchen: PeerNetwork, hall: Hall
) -> None:
    decided: list[Decided] = []
    kitchen.claim(Claim("", WORD, 950, 300), decided.append)
    hall.sends(PeerReceipt(WORD))
    await asyncio.sleep(0.02)
    hall.sends(*[PeerReceipt(WORD)] * 5, PeerAnswer(WORD))
    time.sleep(2 * WINDOW_SECONDS)  # noqa: ASYNC251 - the stall
    await asyncio.sleep(0.1)
    assert [(one.wins, one.winner) for one in decided] == [(False, "hall")]


async def test_a_word_that_is_heard_after_a_stall_is_not_claimed_any_more(kitchen: PeerNetwork, hall: Hall) -> None:
    decided: list[Decided] = []
    hall.sends(*[PeerReceipt(WORD)] * 5, PeerAnswer(WORD))
    kitchen.claim(Claim("", WORD, 950, 300), decided.append)
    assert [(one.wins, one.winner) for one in decided] == [(False, "hall")]
