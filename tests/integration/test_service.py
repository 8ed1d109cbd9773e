"""Life cycle of a daemon, over real sockets."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping

from tests.conftest import OpenPeer
from tests.daemons import describe
from tests.echo_daemon import EchoHandler, create_handler
from tests.waiting import wait_until
from wyoming_rosie.errors import ConfigError, UnreachableError
from wyoming_rosie.protocol import admission
from wyoming_rosie.protocol.admission import parse_networks
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.protocol.service_config import ServiceConfig
from wyoming_rosie.protocol.wire import Decoder

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def service() -> AsyncIterator[DaemonServer]:
    EchoHandler.released = asyncio.Event()
    one = DaemonServer("echo", Info(), create_handler)
    yield one
    await one.drain(0)


@pytest.fixture
async def uri(service: DaemonServer) -> AsyncIterator[str]:
    async with service.listening("tcp://127.0.0.1:0") as where:
        yield str(where)


async def ends(peer: Client) -> bool:
    try:
        await peer.receive(60)
    except UnreachableError as err:
        return "closed" in str(err)
    return False


async def test_status_is_told_while_a_request_is_under_way(service: DaemonServer, uri: str, peer: OpenPeer) -> None:
    service.health.add_check("roof", lambda: "it leaks")
    one = await peer(uri)
    await one.send(Event("work"))
    await one.send(Event("user-event", {"name": "status"}))
    answer = (await one.wait_for("user-event", seconds=60)).data
    assert answer["name"] == "status"
    assert answer["data"]["problems"] == {"roof": "it leaks"}
    assert answer["data"]["streams"] == 1
    assert answer["data"]["memory_mb"] > 1
    assert {"cpu_percent", "queued", "uptime_seconds"} <= set(answer["data"])
    EchoHandler.released.set()


async def test_describe_and_ping_are_answered_while_a_request_is_under_way(uri: str, peer: OpenPeer) -> None:
    one = await peer(uri)
    await one.send(Event("work"))
    await one.send(Ping("x").event())
    await one.send(Describe().event())
    assert [(await one.receive(60)).type for _ in range(2)] == ["pong", "info"]
    EchoHandler.released.set()
    assert (await one.receive(60)).type == "work"


async def test_the_wyoming_package_is_served(uri: str) -> None:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("x", {"text": "grüß"}, b"123"))
        answer = await client.read_event()
    assert answer is not None
    assert (answer.type, answer.data["text"], answer.payload) == ("x", "grüß", b"123")


async def test_the_turn_that_a_peer_names_is_kept_and_one_is_made_otherwise(uri: str, peer: OpenPeer) -> None:
    one, other = await peer(uri), await peer(uri)
    await one.send(Event("x", {"context": {"turn_id": "t1"}}))
    await one.send(Event("x"))
    await other.send(Event("x"))
    ids = [(await who.receive(60)).data["context"]["turn_id"] for who in (one, one, other)]
    assert ids[:2] == ["t1", "t1"]
    assert ids[2] not in ("", "t1")


async def test_an_engine_error_is_told_and_the_connection_goes_on(uri: str, peer: OpenPeer) -> None:
    one = await peer(uri)
    await one.send(Event("fail"))
    assert (await one.receive(60)).data == {"text": "the engine is out of order", "code": "engine"}
    await one.send(Event("x"))
    assert (await one.receive(60)).type == "x"


async def test_a_bug_is_told_and_the_next_peer_is_served(uri: str, peer: OpenPeer) -> None:
    one, other = await peer(uri), await peer(uri)
    await one.send(Event("crash"))
    assert (await one.receive(60)).data["code"] == "internal"
    assert await ends(one)
    await other.send(Event("x"))
    assert (await other.receive(60)).type == "x"


async def test_a_peer_that_leaves_ends_its_work(uri: str) -> None:
    begun, ended, closed = EchoHandler.started, EchoHandler.ended, EchoHandler.closed
    async with connect(uri) as one:
        await one.send(Event("work"))
        await wait_until(lambda: EchoHandler.started > begun)
    await wait_until(lambda: EchoHandler.closed > closed)
    EchoHandler.released.set()
    await describe(uri)
    assert EchoHandler.ended == ended


async def test_an_idle_peer_is_told_and_let_go(service: DaemonServer, peer: OpenPeer) -> None:
    service.idle_seconds = 0.4
    async with service.listening("tcp://127.0.0.1:0") as where:
        one = await peer(str(where))
        assert (await one.receive(60)).data["code"] == "idle"
        assert await ends(one)


async def test_a_peer_whose_request_takes_long_is_not_idle(service: DaemonServer, peer: OpenPeer) -> None:
    service.idle_seconds = 0.4
    async with service.listening("tcp://127.0.0.1:0") as where:
        one = await peer(str(where))
        await one.send(Event("work", {"seconds": 1.2}))  # three times as long as a peer may be idle
        assert (await one.receive(60)).type == "work"


async def test_more_peers_than_an_address_may_have_are_told_busy_and_the_rest_is_served(
    uri: str, peer: OpenPeer
) -> None:
    peers = [await peer(uri) for _ in range(ServiceConfig.peers_per_address)]
    await peers[-1].send(Ping().event())
    await peers[-1].receive(60)
    over = await peer(uri)
    assert (await over.receive(60)).data["code"] == "busy"
    assert await ends(over)
    await peers[-1].send(Event("x"))
    assert (await peers[-1].receive(60)).type == "x"


async def test_a_place_that_was_left_can_be_taken(uri: str, peer: OpenPeer) -> None:
    for _ in range(ServiceConfig.peers_per_address + 5):
        async with connect(uri) as one:
            await one.send(Event("x"))
            await one.receive(60)
    assert (await describe(uri)) == Info()


async def test_a_network_that_is_not_allowed_is_told_so(service: DaemonServer, peer: OpenPeer) -> None:
    service.allowed = parse_networks(("10.0.0.0/8",))
    async with service.listening("tcp://127.0.0.1:0") as where:
        one = await peer(str(where))
        assert (await one.receive(60)).data["code"] == "forbidden"
        assert await ends(one)


async def test_a_stopping_daemon_lets_a_request_finish_and_ends_idle_peers(
    service: DaemonServer, peer: OpenPeer
) -> None:
    async with service.listening("tcp://127.0.0.1:0") as where:
        busy, idle = await peer(str(where)), await peer(str(where))
        begun = EchoHandler.started
        await busy.send(Event("work"))
        await wait_until(lambda: EchoHandler.started > begun)
        draining = asyncio.create_task(service.drain(60))
        assert (await idle.receive(60)).data["code"] == "stopping"
        EchoHandler.released.set()
        assert (await busy.receive(60)).type == "work"
        assert (await busy.receive(60)).data["code"] == "stopping"
        await draining


async def test_a_request_that_outlives_the_drain_is_told(service: DaemonServer, peer: OpenPeer) -> None:
    async with service.listening("tcp://127.0.0.1:0") as where:
        busy = await peer(str(where))
        begun = EchoHandler.started
        await busy.send(Event("work"))
        await wait_until(lambda: EchoHandler.started > begun)
        await service.drain(0.1)
        assert (await busy.receive(60)).data["code"] == "stopping"


async def test_a_peer_that_stops_reading_holds_nobody_else_up(uri: str, peer: OpenPeer) -> None:
    stuck, other = await peer(uri), await peer(uri)
    await stuck.send(Event("flood"))
    await asyncio.sleep(0.3)
    await other.send(Event("x"))
    assert (await other.receive(60)).type == "x"


async def test_a_unix_socket_serves_and_is_gone_afterwards(
    service: DaemonServer, tmp_path: Path, peer: OpenPeer
) -> None:
    path = tmp_path / "echo.sock"
    async with service.listening(f"unix://{path}"):
        one = await peer(f"unix://{path}")
        await one.send(Event("x"))
        assert (await one.receive(60)).type == "x"
    assert not path.exists()


async def test_a_port_in_use_is_an_error_that_names_the_address(uri: str) -> None:
    with pytest.raises(ConfigError, match=uri):
        async with DaemonServer("echo", Info(), create_handler).listening(uri):
            pass


def run_on_stdio(stdin: int | None, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tests.echo_daemon", "--uri", "stdio://"],
        stdin=stdin,
        input=given,
        capture_output=True,
        timeout=60,
        cwd=ROOT,
        check=False,
    )


REQUESTS = b'{"type":"describe"}\n{"type":"work","data":{"seconds":0.2}}\n{"type":"x","payload_length":3}\nabc'


def types(stdout: bytes) -> list[str]:
    decoder = Decoder()
    decoder.feed(stdout)
    return [event.type for event in iter(decoder.next, None)]


def test_stdio_serves_a_pipe_to_its_end_and_exits_well() -> None:
    ran = run_on_stdio(None, REQUESTS)
    assert (ran.returncode, types(ran.stdout)) == (0, ["info", "work", "x"])
    assert ran.stdout.endswith(b"abc")


def test_stdio_serves_a_regular_file(tmp_path: Path) -> None:
    (tmp_path / "events").write_bytes(REQUESTS)
    with (tmp_path / "events").open("rb") as file:
        ran = run_on_stdio(file.fileno())
    assert (ran.returncode, types(ran.stdout)) == (0, ["info", "work", "x"])


def test_stdio_with_an_empty_input_exits_well_and_says_nothing() -> None:
    ran = run_on_stdio(subprocess.DEVNULL)
    assert (ran.returncode, ran.stdout) == (0, b"")


def test_a_terminated_daemon_says_when_it_is_ready_and_exits_well() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.echo_daemon", "--uri", "tcp://127.0.0.1:0"], stderr=subprocess.PIPE, cwd=ROOT
    )
    assert process.stderr is not None
    line = json.loads(process.stderr.readline())
    assert line["event"] == "ready"
    assert line["uri"].startswith("tcp://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0


def test_public_addresses_are_not_in_the_default_networks() -> None:
    allowed = parse_networks(admission.PRIVATE_NETWORKS)
    inside = [
        "127.0.0.1",
        "192.168.1.9",
        "10.1.2.3",
        "172.31.0.1",
        "::1",
        "fd00::1",
        "fe80::1%eth0",
        "::ffff:192.168.1.9",
    ]
    outside = ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::ffff:8.8.8.8"]
    assert [admission.is_allowed(one, allowed) for one in inside + outside] == [True] * len(inside) + [False] * len(
        outside
    )
