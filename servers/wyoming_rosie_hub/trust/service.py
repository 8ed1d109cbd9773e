"""Trust service: gives members the roster and each change of it, and renews their certificates. Needs cryptography."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from wyoming.info import Info

from wyoming_rosie.errors import BadEventError, ConfigError, RosieError, UntrustedPeerError
from wyoming_rosie.http.rate_limit import Rate, RateLimit
from wyoming_rosie.protocol import discovery
from wyoming_rosie.protocol.address import Address, Tcp, Tls
from wyoming_rosie.protocol.discovery import ServiceAnnouncement
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.json_store import JsonWriter
from wyoming_rosie.runtime.tasks import loop_time, run_until_first_exit
from wyoming_rosie.trust import authority as authorities
from wyoming_rosie.trust import group_key, issuing, member_status, rollover
from wyoming_rosie.trust import roster as rosters
from wyoming_rosie.trust.authority import Authority, AuthorityFiles, read_request
from wyoming_rosie.trust.group_key import GroupKey
from wyoming_rosie.trust.member_status import MemberStatus
from wyoming_rosie.trust.members import Member, Registry, load_registry, new_id
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.messages import SERVICE_TYPE
from wyoming_rosie.trust.roster import Roster, SignedRoster
from wyoming_rosie.trust.tls import MemberCertificate
from wyoming_rosie_hub.trust.group_key_store import IssuedGroupKey, load_issued, renew_if_revoked, save_issued
from wyoming_rosie_hub.trust.handler import TrustHandler
from wyoming_rosie_hub.trust.settings import TrustSettings

_LOG = structlog.get_logger()
RELOAD_SECONDS = 0.25
"""Time between two looks at the registry, which commands change: revoked means cut off within a second."""
SEEN_SECONDS = 300.0
RENEWAL_RATE = Rate(per_second=1 / 600, burst=3)
"""Renewals of one member."""


class TrustService:
    """Serves the members of the house whose authority is in the hub's state."""

    def __init__(self, settings: TrustSettings, membership: Membership) -> None:
        self._settings = settings
        self._house = settings.house
        self._membership = membership
        self._handlers: set[TrustHandler] = set()
        self._renewals = RateLimit(RENEWAL_RATE)
        self._group_key: IssuedGroupKey | None = None
        self._group_key_file = self._house / group_key.FILE_NAME
        self._changing = asyncio.Lock()
        self._registry = Registry()
        self._signed = SignedRoster("", b"")
        self._issuer = ""  # serial of the authority that signs certificates
        self._own_issuer = ""  # the same of the hub's own certificate, which all members must trust
        self._statuses: dict[str, MemberStatus] = {}
        status_file = self._house / member_status.FILE_NAME
        self._status_writer = JsonWriter(status_file, lambda: member_status.encode_statuses(self._statuses))
        self._has_changed = False
        self._registry_problem: str | None = None
        self._listening_problem: str | None = None

    @property
    def signed(self) -> SignedRoster:
        return self._signed

    @property
    def number(self) -> int:
        return self._registry.number

    def find_problem(self) -> str | None:
        """Return what is wrong and the next step, None if all is well."""
        return self._registry_problem or self._listening_problem

    async def run(self) -> None:
        """Serve until cancelled."""
        status_file = self._house / member_status.FILE_NAME
        self._statuses = await asyncio.to_thread(member_status.load_statuses, status_file)
        self._group_key = await asyncio.to_thread(load_issued, self._group_key_file)
        await self.publish()
        await self._maintain()
        await run_until_first_exit(self._listen(), self._watch(), self._note_connected(), self._status_writer.run())

    def find_group_key(self, handler: TrustHandler) -> GroupKey | None:
        member = self._registry.find(handler.member.id)
        is_holder = member is not None and member.role == group_key.HOLDER
        return self._group_key.key if is_holder and self._group_key is not None else None

    def add(self, handler: TrustHandler) -> None:
        self._handlers.add(handler)
        self._note_seen(handler)
        self._has_changed = True  # it may be the last one with a certificate of the authority before

    def remove(self, handler: TrustHandler) -> None:
        if handler in self._handlers:
            self._handlers.discard(handler)
            self._note_seen(handler)

    def must_renew(self, handler: TrustHandler) -> bool:
        is_foreign = handler.certificate.issuer != self._issuer
        return is_foreign or handler.member.id in self._registry.rotating

    async def recover(self, signed: SignedRoster) -> None:
        roster = await asyncio.to_thread(rosters.verify, signed, self._membership.identity.authorities)
        async with self._changing:
            await asyncio.to_thread(self._change, lambda registry: _recovered(registry, roster, time.time()))
        await self.publish()

    async def renew(self, handler: TrustHandler, request: str) -> None:
        if self._renewals.take(handler.member.id, loop_time()):
            raise BadEventError(
                "this member has renewed its certificate too often; it may again in ten minutes", "busy"
            )
        key = await asyncio.to_thread(read_request, request.encode())

        def issue() -> tuple[Member, bytes]:
            registry = load_registry(AuthorityFiles(self._house).registry)
            member = registry.get(handler.member.id)
            if member.id in registry.rotating:
                changed = replace(member, id=new_id())
                self._change(lambda now: now.rotate(member.id, changed.id, self._membership.now))
                member = changed
            return member, authorities.find_authority(self._house).issue_member(member, key, self._now())

        async with self._changing:  # a rotated member has its certificate before its former id counts no longer
            member, certificate = await asyncio.to_thread(issue)
            await handler.send_certificate(certificate.decode())
        _LOG.info("audit", action="certificate renewed", member=str(member), rotated=member.id != handler.member.id)

    async def publish(self) -> None:
        """Read the registry, and send all members its roster if it is new. Raises nothing."""
        async with self._changing:
            known = self._registry.number
            try:
                await self._renew_roster()
                await self._renew_group_key()
                self._registry_problem = None
            except (ConfigError, UntrustedPeerError) as err:
                if self._registry_problem is None:
                    _LOG.error("members stay as they are", reason=str(err))
                self._registry_problem = str(err)
                return
        is_new = self._registry.number > known
        if is_new:
            _LOG.info("roster", number=self._registry.number, members=len(self._registry.members))
        await asyncio.gather(*(_inform(handler, is_new=is_new) for handler in list(self._handlers)))

    async def _renew_roster(self) -> None:
        registry = await asyncio.to_thread(load_registry, AuthorityFiles(self._house).registry)
        known = self._membership.roster
        if registry.number < known.number:  # restored from a backup, or written by another hub
            registry = await asyncio.to_thread(
                self._change, lambda registry: _recovered(registry, known, self._membership.now)
            )
        signed = await asyncio.to_thread(issuing.sign_roster, self._house, registry, self._now())
        signer, issuer = await asyncio.to_thread(self._find_issuers)
        self._own_issuer, self._issuer = signer.serial, issuer.serial
        await self._membership.update_roster(signed)
        self._registry, self._signed = registry, signed

    async def _renew_group_key(self) -> None:
        """Make another group key if a member that has the present one was revoked."""
        renewed = renew_if_revoked(self._group_key, self._registry)
        if renewed == self._group_key:
            return
        self._group_key = renewed
        _LOG.info("group key", number=renewed.key.number)
        try:
            await asyncio.to_thread(save_issued, self._group_key_file, renewed)
        except OSError as err:  # another one is made after a restart
            _LOG.error("group key could not be stored", reason=err.strerror, file=str(self._group_key_file))

    def _find_issuers(self) -> tuple[Authority, Authority]:
        return rollover.find_signer(self._house), authorities.find_authority(self._house)

    def _change(self, change: "issuing.Change") -> Registry:
        return issuing.change_registry(self._house, change)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._membership.now, UTC)

    async def _watch(self) -> None:
        """Publish each change of the registry, and renew the hub's own certificate."""
        seen = await asyncio.to_thread(self._stamp)
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            if (stamp := await asyncio.to_thread(self._stamp)) != seen:
                seen = stamp
                await self.publish()
                self._has_changed = True
            if self._has_changed:
                self._has_changed = False
                await self._maintain()

    async def _maintain(self) -> None:
        """Renew the hub's own certificate, and finish a change of the authority, if it is time."""
        try:
            await self._renew_own()
            self._note(self._membership.own.id, self._membership.identity.certificate)
            await self._finish_rollover()
        except (RosieError, OSError) as err:
            _LOG.error("the hub's certificate is not renewed", reason=str(err))

    def _stamp(self) -> tuple[tuple[int, int] | None, ...]:
        files = AuthorityFiles(self._house)
        found: list[tuple[int, int] | None] = []
        for path in (files.registry, files.certificate):
            try:
                stat = os.stat(path)  # noqa: PTH116 - in a thread
                found.append((stat.st_mtime_ns, stat.st_ino))
            except OSError:
                found.append(None)
        return tuple(found)

    async def _renew_own(self) -> None:
        own, certificate = self._membership.own, self._membership.identity.certificate
        is_due = self._membership.now >= self._membership.renewal_due_at or certificate.issuer != self._own_issuer
        is_rotating = own.id in self._registry.rotating
        if not is_due and not is_rotating:
            return
        renewed = replace(own, id=new_id()) if is_rotating else own
        key, request = await asyncio.to_thread(authorities.create_request)
        signer = await asyncio.to_thread(rollover.find_signer, self._house)
        await self._membership.renew(key, signer.issue_member(renewed, read_request(request), self._now()))
        if is_rotating:
            now = self._membership.now
            await asyncio.to_thread(self._change, lambda registry: registry.rotate(own.id, renewed.id, now))
            await self.publish()
        _LOG.info("certificate renewed", until=_date(self._membership.identity.certificate.not_after))

    async def _finish_rollover(self) -> None:
        """Trust the authority before no longer, once no member has a certificate of it that counts."""
        if self._own_issuer == self._issuer or not all(map(self._has_crossed_over, self._registry.members)):
            return
        await asyncio.to_thread(rollover.finish, self._house)
        self._own_issuer = self._issuer
        await self._renew_own()
        await asyncio.to_thread(self._change, lambda registry: replace(registry, number=registry.number + 1))
        _LOG.info("audit", action="authority replaced", members=len(self._registry.members))
        await self.publish()

    def _has_crossed_over(self, member: Member) -> bool:
        status = self._statuses.get(member.id)
        is_own = member.id == self._membership.own.id
        is_over = status is not None and (status.issuer == self._issuer or status.certificate_until < time.time())
        return is_own or is_over

    async def _listen(self) -> None:
        server = DaemonServer("hub", Info(), lambda send: TrustHandler(send, self))
        backoff = Backoff()
        while True:
            try:
                async with server.listening(self._settings.uri, self._membership) as bound, self._announcing(bound):
                    self._listening_problem = None
                    _LOG.info("trust service", uri=str(bound), members=len(self._registry.members))
                    await asyncio.Event().wait()
            except ConfigError as err:
                if self._listening_problem is None:
                    _LOG.error("trust service cannot listen", reason=str(err))
                self._listening_problem = f"--trust-uri: {err}"
            await backoff.sleep()

    @asynccontextmanager
    async def _announcing(self, bound: Address) -> AsyncIterator[None]:
        if not self._settings.announces or not isinstance(bound, Tls) or bound.is_loopback:
            yield
            return
        records = {"role": "hub", "tls": str(bound.port), "house": self._membership.house_id}
        service = ServiceAnnouncement(discovery.instance_name("hub"), records, SERVICE_TYPE)
        async with discovery.announce_service(service, Tcp(bound.host, bound.port)):
            yield

    async def _note_connected(self) -> None:
        while True:
            await asyncio.sleep(SEEN_SECONDS)
            for handler in self._handlers:
                self._note_seen(handler)
            self._has_changed = (
                True  # the hub's certificate may be due, or that of a member that is away may have expired
            )

    def _note_seen(self, handler: TrustHandler) -> None:
        self._note(handler.member.id, handler.certificate)

    def _note(self, member_id: str, shown: MemberCertificate) -> None:
        self._statuses[member_id] = MemberStatus(time.time(), shown.not_after, shown.issuer)
        known = {one.id for one in self._registry.members} | {member_id}
        self._statuses = {key: one for key, one in self._statuses.items() if key in known}
        self._status_writer.schedule()


def _recovered(registry: Registry, roster: Roster, now: float) -> Registry:
    return registry.recovered(roster.number, roster.members.values(), roster.revoked, now, roster.house)


async def _inform(handler: TrustHandler, *, is_new: bool) -> None:
    with suppress(ConnectionError):  # its member learns of it when it connects again
        if is_new:
            await handler.send_roster()
        await handler.send_group_key()
        await handler.request_renewal()


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
