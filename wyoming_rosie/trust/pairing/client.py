"""Pairing client: finds the hub that shows a code, and makes this program a member of its house."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie import __version__
from wyoming_rosie.errors import BadEventError, ConfigError, RosieError, UnreachableError
from wyoming_rosie.protocol.address import Tls
from wyoming_rosie.trust import authority as authorities
from wyoming_rosie.trust import roster as rosters
from wyoming_rosie.trust.identity import IdentityFiles, load_identity, save_identity, save_service_uri
from wyoming_rosie.trust.pairing.code import Invitation
from wyoming_rosie.trust.pairing.discovery import FoundHub, find_hubs
from wyoming_rosie.trust.pairing.exchange import JoinerExchange, RefusedError, WrongCodeError
from wyoming_rosie.trust.pairing.explanations import explain
from wyoming_rosie.trust.pairing.frames import ClosedError, FrameStream
from wyoming_rosie.trust.pairing.messages import Application, Refusal, Refused, Welcome

CONNECT_SECONDS = 5.0
SEARCH_SECONDS = 20.0
NEXT_HUB_SECONDS = 3.0
"""Wait for another hub with the same nameplate when one has refused."""
MAX_HUBS = 3
"""Hubs that may be tried: each exchange allows whoever is there one guess of the code."""
MAX_BUSY_TRIES = 10
BUSY_SECONDS = 1.0


@dataclass(frozen=True)
class Joined:
    """What this program is in the house now. `hub` is the hub's address."""

    name: str
    room: str | None
    hub: str


async def join(invitation: Invitation, role: str, folder: Path) -> Joined:
    """Become a member with this role, and store the identity in a folder. Raises RosieError with the next step."""
    await asyncio.to_thread(check_folder, folder)
    key, request = await asyncio.to_thread(authorities.create_request)
    application = Application(request, role, socket.gethostname(), __version__)
    failures: list[RosieError] = []
    async with aclosing(_find_hubs(invitation)) as hubs:
        async for hub in hubs:
            try:
                return await _join_at(hub, NewIdentity(invitation, application, key, folder))
            except (RefusedError, WrongCodeError, UnreachableError, BadEventError) as err:
                failures.append(err)
                if len(failures) >= MAX_HUBS:
                    break
    raise explain(failures, invitation, role)


def check_folder(folder: Path) -> None:
    """Raise ConfigError if an identity cannot be stored in a folder: before a code is used up for nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as err:
        raise ConfigError(f"the identity cannot be stored in {folder}: {err.strerror}") from err
    if not is_writable:
        raise ConfigError(f"the identity cannot be stored in {folder}: this user may not write there")


@dataclass(frozen=True)
class NewIdentity:
    """What a program joins with, and where it stores what it gets."""

    invitation: Invitation
    application: Application
    key: bytes
    folder: Path

    def store(self, welcome: Welcome, hub: str) -> None:
        """Store the identity, once the roster has proved to be of the same house; blocks. Raises ConfigError, UnreachableError."""
        files = IdentityFiles(self.folder)
        rosters.verify(welcome.roster, welcome.authorities)
        try:
            rosters.save_roster(files.roster, welcome.roster)
            save_service_uri(self.folder, str(Tls(hub, welcome.service_port)))
            save_identity(self.folder, self.key, welcome.certificate, welcome.authorities)
        except OSError as err:
            raise ConfigError(f"the identity cannot be stored in {self.folder}: {err.strerror}") from err
        load_identity(self.folder)


async def _find_hubs(invitation: Invitation) -> AsyncGenerator[FoundHub, None]:
    """Yield the hub of the invitation, or those on the network whose code has the same nameplate."""
    nameplate, now = invitation.code.nameplate, asyncio.get_running_loop().time
    if invitation.host is not None:
        yield FoundHub(invitation.host, nameplate, [invitation.host], invitation.port)
        return
    names, deadline = set[str](), now() + SEARCH_SECONDS
    async with find_hubs() as found:
        while True:
            try:
                async with asyncio.timeout(deadline - now()):
                    hub = await found.get()
            except TimeoutError:
                return
            if hub.nameplate == nameplate and hub.name not in names:
                names.add(hub.name)
                yield hub
                deadline = now() + NEXT_HUB_SECONDS


async def _join_at(hub: FoundHub, identity: NewIdentity) -> Joined:
    """Join at a hub, again and again while it is busy. Raises RefusedError, WrongCodeError, UnreachableError, BadEventError."""
    for _ in range(MAX_BUSY_TRIES):
        stream = await _connect(hub)
        try:
            return await _exchange(stream, identity)
        except RefusedError as err:
            if err.refused.reason is not Refusal.BUSY:
                raise
        finally:
            stream.close()
        await asyncio.sleep(BUSY_SECONDS)
    raise UnreachableError("it serves too many others; run `wyoming-rosie pair` again when the network is quiet")


async def _connect(hub: FoundHub) -> FrameStream:
    for host in hub.hosts:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return FrameStream(*await asyncio.open_connection(host, hub.port))
        except OSError:  # TimeoutError is one
            continue
    raise UnreachableError(f"nothing answers at {' or '.join(hub.hosts)}, port {hub.port}")


async def _exchange(stream: FrameStream, identity: NewIdentity) -> Joined:
    exchange = JoinerExchange(identity.invitation.code, identity.application)
    frame = await _begin(stream, exchange)
    while True:
        received = await asyncio.to_thread(exchange.receive, frame)
        if isinstance(received, Welcome):
            await asyncio.to_thread(identity.store, received, stream.address)
            await stream.write([exchange.stored()])
            return Joined(received.name, received.room, stream.address)
        if received is not None:
            await stream.write([received])
        frame = await stream.read()


async def _begin(stream: FrameStream, exchange: JoinerExchange) -> bytes:
    """Return the hub's first frame. A hub that is busy may close before it is told anything."""
    first = await asyncio.to_thread(exchange.start)
    try:
        await stream.write([first])
        return await stream.read()
    except ClosedError as err:
        raise RefusedError(Refused(Refusal.BUSY)) from err
