"""Roster client: keeps the roster and the certificate of this process current, by a connection to the trust service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from wyoming.event import Event
from wyoming.ping import Ping

from wyoming_rosie.errors import ConfigError, RosieError, UnreachableError, UntrustedPeerError
from wyoming_rosie.protocol.client import Client, PeerError, connect
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.tasks import run_beside, run_until_first_exit
from wyoming_rosie.trust import messages
from wyoming_rosie.trust import roster as rosters
from wyoming_rosie.trust.group_key import decode_group_key
from wyoming_rosie.trust.identity import load_service_uri, save_service_uri
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.messages import message, name_of

_LOG = structlog.get_logger()
PING_SECONDS = 20.0
SILENCE_SECONDS = 45.0
"""A service that answers no ping for so long is gone."""
RENEWAL_RETRY_SECONDS = 1800.0
CLOCK_CHECK_SECONDS = 600.0
"""Time between two looks at the clock, which may be set meanwhile."""
FAILURES_BEFORE_SEARCH = 2
SEARCH_SECONDS = 4.0


@asynccontextmanager
async def following(membership: Membership | None, *, searches: bool) -> AsyncIterator[None]:
    """Keep the membership current during the block; with `searches`, a hub at another address is found by mDNS."""
    if membership is None:
        yield
        return
    async with run_beside(RosterClient(membership, searches=searches).run()):
        yield


class RosterClient:
    """Takes over each new roster, and renews the certificate when it is due or the hub asks for it."""

    def __init__(self, membership: Membership, *, searches: bool) -> None:
        self._membership = membership
        self._searches = searches
        self._folder = membership.identity.files.folder
        self._uri: str | None = None
        self._renewal = asyncio.Event()
        self._key: bytes | None = None  # of the certificate request that was sent
        self._backoff = Backoff()

    async def run(self) -> None:
        """Follow the trust service until cancelled; while it is away, the membership stays as it is."""
        self._uri = await asyncio.to_thread(load_service_uri, self._folder)
        while True:
            try:
                await self._connect()
            except RosieError as err:
                self._log_failure(err)
            except OSError as err:  # a file cannot be written
                self._log_failure(ConfigError(f"{err.filename or self._folder}: {err.strerror}"))
            await self._backoff.sleep()
            if self._searches and (self._uri is None or self._backoff.failures > FAILURES_BEFORE_SEARCH):
                await self._search()

    def _log_failure(self, reason: RosieError) -> None:
        if self._backoff.failures == 0:
            problem = self._membership.find_problem()
            _LOG.warning("trust service is away", reason=str(reason), **({"problem": problem} if problem else {}))

    async def _connect(self) -> None:
        if self._uri is None:
            raise UnreachableError("the address of the trust service is not known; is the hub running?")
        async with connect(self._uri, role="hub", membership=self._membership) as client:
            await client.send(message(messages.ROSTER, {"number": self._membership.roster.number}))
            await run_until_first_exit(self._receive(client), _ping(client), self._renew_when_due(client))

    async def _receive(self, client: Client) -> None:
        """Receive until the certificate is renewed, with which to connect again."""
        while True:
            event = await client.receive(SILENCE_SECONDS)
            if event.type == "error":
                self._refuse(event)
            match name_of(event):
                case messages.ROSTER:
                    await self._update_roster(event)
                case messages.ROSTER_WANTED:
                    await self._send_roster(client)
                case messages.GROUP_KEY:
                    await self._update_group_key(event)
                case messages.RENEW:
                    self._renewal.set()
                case messages.RENEWED if self._key is not None:
                    if await self._take_certificate(event, self._key):
                        return

    async def _take_certificate(self, event: Event, key: bytes) -> bool:
        """Use the certificate of an answer; return whether there is one. Raises BadEventError, ConfigError, OSError."""
        problem = messages.data_of(event).get("problem")
        if problem is not None:
            _LOG.error("certificate is not renewed", reason=str(problem), again_seconds=RENEWAL_RETRY_SECONDS)
            return False
        text = messages.text_of(event, "certificate", messages.MAX_CERTIFICATE_CHARACTERS)
        self._key = None
        await self._membership.renew(key, text.encode())
        until = datetime.fromtimestamp(self._membership.identity.certificate.not_after, UTC).date().isoformat()
        _LOG.info("certificate renewed", until=until)
        return True

    def _refuse(self, event: Event) -> None:
        """Raise what an `error` event says. Raises UntrustedPeerError if this process is no member any more; PeerError."""
        text, code = str(event.data.get("text", "")), event.data.get("code")
        if code == UntrustedPeerError.code:
            self._membership.refusal = "this program was revoked"
            raise UntrustedPeerError(f"the hub refuses this program: {text}")
        raise PeerError(text, code)

    async def _update_roster(self, event: Event) -> None:
        try:
            signed = rosters.parse_signed(messages.data_of(event))
        except ValueError as err:
            raise UntrustedPeerError(f"the trust service sent no roster: {err}") from err
        await self._membership.update_roster(signed)
        self._membership.refusal = None
        self._backoff.reset()
        _LOG.info("roster", number=self._membership.roster.number, members=len(self._membership.roster.members))

    async def _update_group_key(self, event: Event) -> None:
        try:
            key = decode_group_key(messages.data_of(event))
        except ValueError as err:
            raise UntrustedPeerError(f"the trust service sent no group key: {err}") from err
        await self._membership.update_group_key(key)

    async def _send_roster(self, client: Client) -> None:
        signed = await asyncio.to_thread(rosters.load_signed, self._membership.identity.files.roster)
        if signed is not None:
            await client.send(message(messages.ROSTER, signed.document))

    async def _renew_when_due(self, client: Client) -> None:
        while True:
            await self._wait_until_due()
            self._renewal.clear()
            self._key, request = await asyncio.to_thread(_create_request)
            await client.send(message(messages.RENEW, {"request": request.decode()}))
            await asyncio.sleep(RENEWAL_RETRY_SECONDS)  # the answer ends this connection

    async def _wait_until_due(self) -> None:
        while not self._renewal.is_set() and self._membership.now < self._membership.renewal_due_at:
            pause = min(CLOCK_CHECK_SECONDS, self._membership.renewal_due_at - self._membership.now)
            try:
                async with asyncio.timeout(pause):
                    await self._renewal.wait()
            except TimeoutError:
                continue

    async def _search(self) -> None:
        """Look for the trust service by mDNS, and remember its address once it has proved to be the house's hub."""
        from wyoming_rosie.protocol.service_browser import find_services

        found = await find_services(
            SEARCH_SECONDS, "hub", membership=self._membership, service_type=messages.SERVICE_TYPE
        )
        if found and found[0].uri != self._uri:
            self._uri = found[0].uri
            await asyncio.to_thread(save_service_uri, self._folder, self._uri)


async def _ping(client: Client) -> None:
    while True:
        await asyncio.sleep(PING_SECONDS)
        await client.send(Ping().event())


def _create_request() -> tuple[bytes, bytes]:
    from wyoming_rosie.trust import authority  # 10 MB of memory

    return authority.create_request()
