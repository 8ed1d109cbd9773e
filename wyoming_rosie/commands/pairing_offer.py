"""The time in which a pairing code is shown and counts. Needs the extra [tls]."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from wyoming_rosie.commands.pairing_display import PairingDisplay
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol import hosts
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.protocol.network_interfaces import addresses
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.pairing import discovery
from wyoming_rosie.trust.pairing.code import CODE_SECONDS, CodeEnd, Invitation, OfferedCode, create_code
from wyoming_rosie.trust.pairing.explanations import explain_end
from wyoming_rosie.trust.pairing.server import Admission, PairingServer

_ALL_ADDRESSES = "::"


async def offer(
    admission: Admission, member: Member, host: str | None, port: int, display: PairingDisplay
) -> dict[str, Any]:
    """Show a code until a program has joined with it; return what is known of it. Raises RosieError, such as for a code that has ended."""
    shown_host = await asyncio.to_thread(_find_own_address) if host is None else host
    now = asyncio.get_running_loop().time
    offered = OfferedCode(create_code(), now() + CODE_SECONDS)
    server = PairingServer(offered, member.role, admission, display.show_wrong_try)
    async with AsyncExitStack() as stack:
        used_port = await stack.enter_async_context(server.listening(host, port))
        if not hosts.is_loopback(shown_host):
            bound = Tcp(host or _ALL_ADDRESSES, used_port)
            await stack.enter_async_context(discovery.announce(offered.code.nameplate, bound))
        display.show_code(Invitation(offered.code, shown_host, used_port), member.role, CODE_SECONDS)
        await stack.enter_async_context(run_beside(display.count_down(CODE_SECONDS)))
        joined = await server.wait()
    if isinstance(joined, CodeEnd):
        raise ConfigError(explain_end(joined))
    return {"address": joined.address, "host": joined.host, "version": joined.version}


def _find_own_address() -> str:
    """Return the address of this machine that others reach best; blocks for a moment. Raises ConfigError without one."""
    found = [address for address in addresses() if not hosts.is_loopback(address)]
    if not found:
        raise ConfigError(
            "this machine has no address that others reach: connect it to the network; --local ROLE makes a program of this"
            " machine a member without one"
        )
    return min(found, key=lambda address: ":" in address)
