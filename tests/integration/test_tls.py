"""TLS between members of a house, over real sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event
from wyoming.info import Info

from tests.echo_daemon import EchoHandler, create_handler
from tests.houses import House, write_self_signed
from tests.waiting import wait_until
from wyoming_rosie.errors import ConfigError, UnreachableError, UntrustedPeerError
from wyoming_rosie.protocol.address import Tls
from wyoming_rosie.protocol.client import Client, PeerError, connect
from wyoming_rosie.protocol.server import ConnectionHandler, DaemonServer
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie.trust.members import Registry
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.peer import Peer, PeerKind
from wyoming_rosie.trust.roster import SignedRoster
from wyoming_rosie.trust.tls import member_host

NOW = datetime.now(UTC)
SECONDS = 60.0


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house")


@pytest.fixture
def asr(house: House) -> Membership:
    return house.member("asr", "Küche.asr")


@pytest.fixture
def hub(house: House, asr: Membership) -> Membership:
    return house.member("hub", "hub")


@pytest.fixture
def stranger(tmp_path: Path) -> Membership:
    return House(tmp_path / "other").member("hub", "hub")


@pytest.fixture
async def service() -> AsyncIterator[DaemonServer]:
    EchoHandler.released = asyncio.Event()
    one = DaemonServer("echo", Info(), create_handler)
    yield one
    await one.drain(0)


@pytest.fixture
async def uri(service: DaemonServer, asr: Membership) -> AsyncIterator[str]:
    async with service.listening("tls://127.0.0.1:0", asr) as where:
        yield str(where)


async def echo(peer: Client, payload: bytes = b"") -> Event:
    await peer.send(Event("x", {}, payload))
    return await peer.wait_for("x", seconds=SECONDS)


async def test_members_exchange_events_of_any_size_and_know_each_other(uri: str, hub: Membership) -> None:
    async with connect(uri, SECONDS, role="asr", membership=hub) as peer:
        for size in (0, 1, 640, 16_384, 65_536, 65_537, 1_000_000):
            payload = bytes(range(256)) * (size // 256 + 1)
            assert (await echo(peer, payload[:size])).payload == (payload[:size] or None)
        assert peer.member is not None
        assert (peer.member.name, peer.member.role) == ("Küche.asr", "asr")


async def test_a_handler_knows_its_peer(hub: Membership, asr: Membership) -> None:
    peers: list[Peer] = []

    def create(send: Any) -> ConnectionHandler:
        peers.append(send.peer)
        return EchoHandler(send)

    service = DaemonServer("echo", Info(), create)
    async with AsyncExitStack() as stack:
        for uri in ("tls://127.0.0.1:0", "tcp://127.0.0.1:0"):
            where = await stack.enter_async_context(service.listening(uri, asr))
            await echo(await stack.enter_async_context(connect(str(where), SECONDS, membership=hub)))
    await service.drain(0)
    assert [peer.kind for peer in peers] == [PeerKind.MEMBER, PeerKind.LOCAL]
    assert peers[0].member is not None
    assert peers[0].member.id == hub.own.id
    assert str(peers[0]) == "hub (hub)"


async def test_both_directions_are_busy_at_once(uri: str, hub: Membership) -> None:
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(connect(uri, SECONDS, membership=hub)) for _ in range(8)]
        await asyncio.gather(*(echo(peer, bytes([number]) * 300_000) for number, peer in enumerate(peers)))


async def test_another_role_than_the_wanted_one_hears_nothing(uri: str, hub: Membership) -> None:
    started = EchoHandler.closed
    with pytest.raises(UntrustedPeerError, match=r"Küche\.asr \(asr\) is there, which is no intent"):
        async with connect(uri, SECONDS, role="intent", membership=hub):
            pass
    await wait_until(lambda: EchoHandler.closed > started)


async def test_a_house_next_door_is_refused_by_both_ends(uri: str, stranger: Membership, service: DaemonServer) -> None:
    with pytest.raises(UntrustedPeerError, match="not from this house"):
        async with connect(uri, SECONDS, membership=stranger):
            pass
    reply = await talk(uri, client_of(stranger))
    assert reply == b""


async def test_a_program_without_an_identity_does_not_connect(uri: str) -> None:
    with pytest.raises(ConfigError, match="wyoming-rosie pair"):
        async with connect(uri, SECONDS):
            pass
    with pytest.raises(ConfigError, match="needs an identity"):
        async with DaemonServer("echo", Info(), create_handler).listening("tls://127.0.0.1:0"):
            pass


def client_of(member: Membership | None = None) -> ssl.SSLContext:
    """Return a client that accepts any server; with a member's certificate, if given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if member is not None:
        context.load_cert_chain(member.identity.files.member)
    return context


def old_client_of(member: Membership) -> ssl.SSLContext:
    context = client_of(member)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


async def talk(uri: str, context: ssl.SSLContext | None, sent: bytes = b'{"type":"describe"}\n') -> bytes:
    """Send bytes, and return what comes back before the end of the connection."""
    port = int(uri.rpartition(":")[2])
    hostname = None if context is None else ""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=hostname)
    try:
        writer.write(sent)
        async with asyncio.timeout(SECONDS):
            return await reader.read()
    except OSError:
        return b""
    finally:
        writer.transport.abort()


async def test_without_a_certificate_nothing_is_served(uri: str) -> None:
    assert await talk(uri, client_of()) == b""


@pytest.fixture
def impostor(tmp_path: Path, hub: Membership) -> ssl.SSLContext:
    """A client whose certificate has a member's names, and is signed by itself."""
    file = tmp_path / "impostor.pem"
    own = hub.identity.certificate.member
    write_self_signed(file, own.name, member_host(own.id, own.role))
    context = client_of()
    context.load_cert_chain(file)
    return context


async def test_a_certificate_that_is_signed_by_itself_is_refused(uri: str, impostor: ssl.SSLContext) -> None:
    assert await talk(uri, impostor) == b""


async def test_tls_1_2_is_refused(uri: str, hub: Membership) -> None:
    with pytest.raises((ConnectionError, ssl.SSLError)):
        await talk(uri, await asyncio.to_thread(old_client_of, hub))


@pytest.fixture
def expired(house: House, asr: Membership) -> Membership:
    return house.member("satellite", "old", NOW - timedelta(days=91))


async def test_an_expired_certificate_is_told_so(uri: str, expired: Membership) -> None:
    async with connect(uri, SECONDS, membership=expired) as peer:
        with pytest.raises(PeerError, match="has expired") as refusal:
            await echo(peer)
    assert refusal.value.code == "untrusted"


@pytest.mark.parametrize("year", [1970, 2036], ids=["a clock of 1970", "a clock of 2036"])
async def test_a_wrong_clock(uri: str, hub: Membership, year: int) -> None:
    at = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    wrong = await asyncio.to_thread(Membership, hub.identity, hub.roster, lambda: at)
    if year == 1970:
        async with connect(uri, SECONDS, membership=wrong) as peer:
            await echo(peer)
    else:
        with pytest.raises(UntrustedPeerError, match="clock says 2036-01-01"):
            async with connect(uri, SECONDS, membership=wrong):
                pass


async def test_a_revoked_member_is_cut_off_and_stays_out(
    uri: str, house: House, asr: Membership, hub: Membership
) -> None:
    async with connect(uri, SECONDS, membership=hub) as peer:
        await echo(peer)
        await asr.update_roster(await asyncio.to_thread(house.revoke, "hub"))
        with pytest.raises(PeerError, match="was revoked"):
            await peer.wait_for("x", seconds=SECONDS)
    async with connect(uri, SECONDS, membership=hub) as peer:
        with pytest.raises(PeerError, match="was revoked"):
            await echo(peer)


async def test_a_revoked_server_gets_nothing_more(uri: str, house: House, hub: Membership) -> None:
    async with connect(uri, SECONDS, role="asr", membership=hub) as peer:
        await echo(peer)
        await hub.update_roster(await asyncio.to_thread(house.revoke, "Küche.asr"))
        with pytest.raises(UntrustedPeerError, match="was revoked"):
            await peer.receive(SECONDS)
        with pytest.raises(UnreachableError):
            await peer.send(Event("x"))
    with pytest.raises(UntrustedPeerError, match="was revoked"):
        async with connect(uri, SECONDS, role="asr", membership=hub):
            pass


async def test_the_newest_roster_is_kept_across_a_restart(house: House, asr: Membership, hub: Membership) -> None:
    signed = await asyncio.to_thread(house.revoke, "hub")
    await asr.update_roster(signed)
    again = await asyncio.to_thread(Membership.load, asr.identity.files.folder)
    assert again is not None
    assert again.roster == asr.roster
    with pytest.raises(UntrustedPeerError, match="older"):
        await asr.update_roster(await asyncio.to_thread(older, house))


def older(house: House) -> SignedRoster:
    return house.sign(Registry(number=1))


async def test_a_peer_without_tls_at_the_tls_port_is_told_so(uri: str) -> None:
    reply = await talk(uri, None)
    assert b'"error"' in reply
    assert b"this port speaks TLS" in reply
    with pytest.raises(PeerError, match="speaks TLS"):
        async with connect(uri.replace("tls:", "tcp:"), SECONDS) as peer:
            await echo(peer)


async def test_tls_at_a_plain_port_is_told_so_and_never_falls_back(service: DaemonServer, hub: Membership) -> None:
    started = EchoHandler.closed
    async with service.listening("tcp://127.0.0.1:0") as plain:
        with pytest.raises(UntrustedPeerError, match="does not speak TLS there"):
            async with connect(str(plain).replace("tcp:", "tls:"), SECONDS, membership=hub):
                pass
    await wait_until(lambda: EchoHandler.closed > started)


async def test_half_open_handshakes_neither_hold_up_describe_nor_stay(
    asr: Membership, hub: Membership, service: DaemonServer
) -> None:
    service.handshake_seconds = 3.0
    listening = service.listening("tls://127.0.0.1:0", asr)
    async with listening as secured, service.listening("tcp://127.0.0.1:0") as plain:
        uri = str(secured)
        port = int(uri.rpartition(":")[2])
        half_open = [await asyncio.open_connection("127.0.0.1", port) for _ in range(300)]
        try:
            async with connect(str(plain), SECONDS) as peer:
                await echo(peer)
            await asyncio.gather(*(read_to_end(reader) for reader, _ in half_open))
        finally:
            for _, writer in half_open:
                writer.transport.abort()
        async with connect(uri, SECONDS, membership=hub) as peer:
            await echo(peer)


async def read_to_end(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(SECONDS):
        try:
            assert await reader.read() == b""
        except ConnectionError:
            return


async def test_half_a_hello_ends_in_time(asr: Membership, service: DaemonServer) -> None:
    service.handshake_seconds = 0.5
    async with service.listening("tls://127.0.0.1:0", asr) as where:
        assert await talk(str(where), None, b"\x16\x03\x01\x02\x00\x01") == b""


async def test_a_member_that_leaves_with_its_last_handshake_message_leaves_no_warning(
    uri: str, hub: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(uri.rpartition(":")[2]))
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = hub.client_context.wrap_bio(received, sent)
    with pytest.raises(ssl.SSLWantReadError):
        near.do_handshake()
    writer.write(sent.read())
    while near.version() is None or not sent.pending:
        received.write(await reader.read(65_536))
        with suppress(ssl.SSLWantReadError):
            near.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        near.unwrap()
    writer.write(sent.read())  # the certificate and the end in one piece
    async with asyncio.timeout(SECONDS):
        await reader.read()
    writer.close()
    assert "eof_received" not in caplog.text


async def test_a_recorded_conversation_cannot_be_replayed(uri: str, hub: Membership) -> None:
    recorded: list[bytes] = []
    target = int(uri.rpartition(":")[2])

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)

        async def forward(
            source: asyncio.StreamReader, sink: asyncio.StreamWriter, keep: Callable[[bytes], None]
        ) -> None:
            while received := await source.read(65_536):
                keep(received)
                sink.write(received)
            sink.close()

        await asyncio.gather(
            forward(reader, far_writer, recorded.append),
            forward(far_reader, writer, lambda _: None),
            return_exceptions=True,
        )

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as middle:
        where = Tls("127.0.0.1", middle.sockets[0].getsockname()[1])
        async with connect(str(where), SECONDS, role="asr", membership=hub) as peer:
            await peer.send(Event("x", {"text": "the secret sentence"}))
            await peer.wait_for("x", seconds=SECONDS)
    assert b"secret sentence" not in b"".join(recorded)
    assert b"Event" not in b"".join(recorded)
    before = EchoHandler.closed
    answered = await talk(uri, None, b"".join(recorded))
    assert b"secret" not in answered
    assert EchoHandler.closed == before


class HeldHandler(EchoHandler):
    """Keeps the stream of its peer, which a scheduler would hold back."""

    source: EventStream | None = None

    def on_audio_nowait(self, event: Event) -> bool:
        return True

    def coalesce(self, source: EventStream) -> None:
        HeldHandler.source = source


async def test_a_peer_that_leaves_while_it_is_held_back_is_no_error(asr: Membership, hub: Membership) -> None:
    service, closed = DaemonServer("echo", Info(), HeldHandler), EchoHandler.closed
    async with service.listening("tls://127.0.0.1:0", asr) as where:
        async with connect(str(where), SECONDS, membership=hub) as peer:
            await echo(peer)
            await peer.send(Event("audio-chunk", {}, bytes(640)))
            await wait_until(lambda: HeldHandler.source is not None)
            peer.abort()
        source = HeldHandler.source
        assert source is not None
        async with asyncio.timeout(SECONDS):
            while EchoHandler.closed == closed:
                source.hold()
                source.release()
                await asyncio.sleep(0)
    await service.drain(0)


async def test_the_error_is_told_before_the_connection_of_a_stopping_daemon_ends(
    uri: str, hub: Membership, service: DaemonServer
) -> None:
    async with connect(uri, SECONDS, membership=hub) as peer:
        await echo(peer)
        await peer.send(Event("work"))
        draining = asyncio.create_task(service.drain(0.1))
        with pytest.raises(PeerError, match="stopping"):
            await peer.wait_for("nothing", seconds=SECONDS)
        await draining
