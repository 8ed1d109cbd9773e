"""Bad input to every daemon: it answers with an error or as required, does not crash, and serves the next client."""

import asyncio
import socket
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio
from wyoming.event import Event

from tests.daemons import Daemon, describe
from tests.hostile import BYTES, ROLES, InvalidBytes, InvalidEvents, encode_events, invalid_events
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError, connect
from wyoming_rosie.protocol.wire import EventStream, encode

EVENT_COMMANDS = ("--transcript-command", "cat", "--error-command", "cat", "--timer-started-command", "cat")
FLAGS = {"satellite": ("--mic-command", "sleep 600", "--snd-command", "cat", *EVENT_COMMANDS)}
ANSWER_SECONDS = 60.0
PEERS = 500
MEGABYTES = 1_048_576


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemons() -> AsyncIterator[dict[str, Daemon]]:
    """The daemons that tests have started, by role; none may have crashed at the end."""
    started: dict[str, Daemon] = {}
    yield started
    assert {role: await daemon.stop() for role, daemon in started.items()} == dict.fromkeys(started, 0)
    lines = [line for daemon in started.values() for line in daemon.log]
    assert [line for line in lines if line.get("event") == "request failed" or "Traceback" in str(line)] == []


@pytest_asyncio.fixture(loop_scope="module")
async def target(role: str, daemons: dict[str, Daemon]) -> Daemon:
    if role not in daemons:
        daemons[role] = await Daemon.start(role, *FLAGS.get(role, ()))
    return daemons[role]


async def answers_to(uri: str, raw: bytes, *, half_close: bool = False) -> list[Event]:
    """Send bytes and return what comes back until the end."""
    found: list[Event] = []
    async with connect(uri) as peer:
        stream: EventStream = peer._stream
        stream.transport.write(raw)
        if half_close:
            stream.transport.write_eof()
        async with asyncio.timeout(ANSWER_SECONDS):
            while (event := await stream.read()) is not None:
                found.append(event)
    return found


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("case", BYTES, ids=lambda case: case.name)
async def test_bytes_that_are_no_events_are_told_before_the_end(target: Daemon, case: InvalidBytes) -> None:
    found = await answers_to(target.uri, case.raw, half_close=case.ends)
    assert [event.type for event in found] == ["error"]
    assert found[0].data["code"] == case.code
    assert found[0].data["text"]
    await describe(target.uri)


@pytest.mark.parametrize(
    ("role", "case"),
    [pytest.param(role, case, id=f"{role}-{case.name}") for role in ROLES for case in invalid_events(role)],
    indirect=["role"],
)
async def test_events_that_make_no_sense_get_an_answer(target: Daemon, case: InvalidEvents) -> None:
    async with connect(target.uri) as peer:
        for event in case.events:
            await peer.send(event)
        answer = await _first(peer, case.answers)
        if answer.type == "error":
            assert answer.data["text"]
            assert answer.data["code"]
    await describe(target.uri)


async def _first(peer: Client, types: frozenset[str], *, or_error: bool = False) -> Event:
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            event = await peer.receive()
            if event.type in types:
                return event
            assert or_error or event.type != "error", event.data


HALVES = rb"half \ud800 a \udfff character"
TEXTS = (
    b'{"type":"run-satellite"}',
    b'{"type":"transcript","data":{"text":"%s","context":{"area":"%s"}}}' % (HALVES, HALVES),
    b'{"type":"error","data":{"text":"%s","code":"%s"}}' % (HALVES, HALVES),
    b'{"type":"timer-started","data":{"id":"%s","total_seconds":9,"name":"%s"}}' % (HALVES, HALVES),
    b'{"type":"synthesize","data":{"text":"%s","voice":{"name":"%s"}}}' % (HALVES, HALVES),
    b'{"type":"synthesize-start","data":{}}',
    b'{"type":"synthesize-chunk","data":{"text":"%s"}}' % HALVES,
    b'{"type":"synthesize-stop","data":{}}',
    b'{"type":"detect","data":{"names":["%s"],"context":{"turn_id":"%s"}}}' % (HALVES, HALVES),
    b'{"type":"transcribe","data":{"name":"%s","transcript_names":["%s"]}}' % (HALVES, HALVES),
    b'{"type":"user-event","data":{"name":"turn","data":{"%s":1},"context":{"turn_id":"%s"}}}' % (HALVES, HALVES),
    b'{"type":"ping","data":{"text":"%s"}}' % HALVES,
)


async def test_half_a_character_harms_no_daemon(target: Daemon) -> None:
    async with connect(target.uri) as peer:
        stream: EventStream = peer._stream
        stream.transport.write(b"\n".join(TEXTS) + b"\n")
        pong = await _first(peer, frozenset({"pong"}), or_error=True)
    assert pong.data["text"] == "half \ufffd a \ufffd character"
    await describe(target.uri)


async def test_a_peer_that_stops_reading_holds_nobody_up(target: Daemon) -> None:
    async with connect(target.uri) as stuck:
        stream: EventStream = stuck._stream
        stream.transport.pause_reading()
        question = encode(Event("describe"))
        for _ in range(200):
            stream.transport.write(question * 50)
            await asyncio.sleep(0)
        await describe(target.uri)
    await describe(target.uri)


async def test_memory_stays_bounded_while_a_peer_sends_without_end(target: Daemon) -> None:
    process = psutil.Process(target.process.pid)
    before = process.memory_info().rss
    async with connect(target.uri) as peer:
        stream: EventStream = peer._stream
        piece = encode_events([Event("no-such-event", {}, bytes(MEGABYTES))])
        for _ in range(60):
            stream.transport.write(piece)
            while stream.transport.get_write_buffer_size() > MEGABYTES:
                await asyncio.sleep(0.01)
    assert process.memory_info().rss - before < 40 * MEGABYTES


SLOW = {"rate": 1000, "width": 2, "channels": 1}
"""At the lowest rate a payload within the limits is minutes of audio, sixteen times as much as speech."""
FIRST = {"wake": [Event("detect")], "asr": [Event("transcribe")], "satellite": [Event("run-satellite")]}


@pytest.mark.long
@pytest.mark.parametrize("role", [role for role in ROLES if role in ("wake", "vad", "asr", "satellite")], indirect=True)
async def test_audio_that_grows_when_it_is_converted_is_taken_in_pieces(target: Daemon, role: str) -> None:
    process = psutil.Process(target.process.pid)
    async with connect(target.uri) as warm:
        for event in [*FIRST.get(role, []), Event("audio-start", SLOW), Event("audio-chunk", SLOW, bytes(2000))]:
            await warm.send(event)
        await describe(target.uri)
    before = most = process.memory_info().rss
    async with connect(target.uri) as peer:
        for event in [*FIRST.get(role, []), Event("audio-start", SLOW)]:
            await peer.send(event)
        for _ in range(2):
            await peer.send(Event("audio-chunk", SLOW, bytes(range(256)) * 4000), seconds=ANSWER_SECONDS)
        for _ in range(100):
            await describe(target.uri)
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.01)
    assert most - before < 40 * MEGABYTES


async def test_500_idle_peers_leave_room_for_one_more_from_elsewhere(target: Daemon) -> None:
    port = int(target.uri.rpartition(":")[2])
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(PEERS)]
    try:
        await asyncio.sleep(0.5)
        elsewhere = socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
        elsewhere.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(elsewhere, encode(Event("describe")))
        async with asyncio.timeout(ANSWER_SECONDS):
            assert b'"info"' in await loop.sock_recv(elsewhere, 65536)
        elsewhere.close()
    finally:
        for one in idle:
            one.close()
    async with asyncio.timeout(ANSWER_SECONDS):
        while not await _is_served(target.uri):
            await asyncio.sleep(0.05)


async def _is_served(uri: str) -> bool:
    """Tell whether there is a place; a daemon that has much to do notices later who has left.

    Until then it refuses, and beyond a number of refused connections it closes others without a word.
    """
    try:
        await describe(uri)
    except PeerError as err:
        assert err.code == "busy"
        return False
    except UnreachableError:
        return False
    return True
