"""The pairing server at the end of a code's time, and with peers that do not follow the exchange."""

import asyncio
import struct

import pytest

from tests.pairing import connected, create_exchange
from wyoming_rosie.trust.pairing.code import PORT, CodeEnd, Invitation, OfferedCode, create_code
from wyoming_rosie.trust.pairing.exchange import MAX_FRAME_BYTES, RefusedError
from wyoming_rosie.trust.pairing.messages import Application, Refusal, Welcome
from wyoming_rosie.trust.pairing.server import PairingServer


class NobodyJoins:
    """An admission that must not be asked."""

    def admit(self, application: Application) -> Welcome:
        raise AssertionError("nobody was to join")

    def take_back(self) -> None:
        raise AssertionError("nobody has joined")


def create_server(seconds: float) -> tuple[PairingServer, Invitation]:
    code = create_code()
    offered = OfferedCode(code, asyncio.get_running_loop().time() + seconds)
    return PairingServer(offered, "satellite", NobodyJoins(), print), Invitation(code, "127.0.0.1", PORT)


async def test_a_code_that_nobody_uses_ends() -> None:
    server, _ = create_server(0.1)
    async with server.listening("127.0.0.1", 0):
        assert await server.wait() is CodeEnd.EXPIRED


async def test_a_stolen_code_is_refused_after_its_time() -> None:
    server, invitation = create_server(-1)
    async with server.listening("127.0.0.1", 0) as port:
        late = Invitation(invitation.code, "127.0.0.1", port)
        async with connected(late) as stream:
            exchange = create_exchange(late)
            await stream.write([exchange.start()])
            with pytest.raises(RefusedError) as refused:
                exchange.receive(await stream.read())
            assert refused.value.refused.reason is Refusal.OVER


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\n\r\n", struct.pack(">I", MAX_FRAME_BYTES + 1), struct.pack(">I", 3) + b"\x01ab", b"\xff" * 9],
    ids=["HTTP", "too long", "no share", "huge"],
)
async def test_what_is_no_exchange_ends_its_connection_alone(sent: bytes) -> None:
    server, _ = create_server(60)
    async with server.listening("127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(30):
            assert await reader.read() == b""
        writer.close()
        async with connected(Invitation(create_code(), "127.0.0.1", port)) as stream:
            await stream.write([create_exchange(Invitation(create_code())).start()])
            assert (await stream.read())[:1] == b"S"
