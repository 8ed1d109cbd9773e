"""Membership of this process in a house: what it proves to its peers, and which of them it accepts."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from wyoming_rosie.errors import ConfigError, UntrustedPeerError
from wyoming_rosie.runtime import atomic_file
from wyoming_rosie.trust import group_key as group_keys
from wyoming_rosie.trust import roster as rosters
from wyoming_rosie.trust import tls
from wyoming_rosie.trust.group_key import GroupKey
from wyoming_rosie.trust.identity import FOLDER, Identity, IdentityFiles, house_id, load_identity, save_identity
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.roster import Roster, SignedRoster
from wyoming_rosie.trust.tls import MemberCertificate

_LOG = structlog.get_logger()
OnRevoked = Callable[[UntrustedPeerError], None]
OnGroupKey = Callable[[GroupKey], None]
RENEWAL_SHARE = 2 / 3
"""Share of its life after which a certificate is renewed."""
WARNING_DAYS = 14
"""Days before the end of a certificate from which its program warns: renewal has failed for two weeks then."""
DAY_SECONDS = 86_400


class Membership:
    """The identity and the roster of a process, and its open connections to members."""

    def __init__(self, identity: Identity, roster: Roster, clock: Callable[[], float] = time.time) -> None:
        self.identity = identity
        self.roster = roster
        self.server_context, self.client_context = _create_contexts(identity)
        self.group_key: GroupKey | None = None
        """The key of the house's satellites, if this is one and has got it."""
        self.on_group_key: OnGroupKey = lambda _: None
        """Called with each new group key."""
        self.refusal: str | None = None
        """Why the hub does not accept this process as a member any more."""
        self._clock = clock
        self._connections: dict[object, tuple[MemberCertificate, OnRevoked]] = {}

    @classmethod
    def load(cls, folder: Path, clock: Callable[[], float] = time.time) -> "Membership | None":
        """Return the membership whose files are in a folder, None if there are none; blocks. Raises ConfigError."""
        identity = load_identity(folder)
        if identity is None:
            return None
        loaded = cls(identity, rosters.load_roster(identity.files.roster), clock)
        loaded.group_key = group_keys.load_group_key(identity.files.group_key)
        return loaded

    @property
    def own(self) -> Member:
        """The member that this process is, as the roster knows it."""
        own = self.identity.certificate.member
        return self.roster.members.get(own.id, own)

    @property
    def house_id(self) -> str:
        """The id of the house, which stays when another authority takes the place of the first one."""
        return self.roster.house or house_id(self.identity.authorities)

    @property
    def renewal_due_at(self) -> float:
        """When the certificate is to be renewed, in Unix seconds."""
        certificate = self.identity.certificate
        return certificate.not_before + RENEWAL_SHARE * (certificate.not_after - certificate.not_before)

    def find_problem(self) -> str | None:
        """Return what is wrong with the membership and the next step, None if all is well."""
        if self.refusal is not None:
            return f"{self.refusal}; pair it again: `wyoming-rosie pair NAME` on the hub's machine"
        days = int((self.identity.certificate.not_after - self.now) // DAY_SECONDS)
        if days >= WARNING_DAYS:
            return None
        state = "has expired" if days < 0 else f"expires in {days} days"
        return (
            f"the certificate of this program {state}, and the hub has not renewed it; see that the hub runs and can be"
            " reached, or pair the program again"
        )

    @property
    def now(self) -> float:
        """The latest time that this process can be sure of, in Unix seconds: a board may start without a clock."""
        return max(self._clock(), self.roster.issued_at, self.identity.certificate.not_before)

    def verify(self, connection: ssl.SSLObject, role: str | None = None) -> MemberCertificate:
        """Return what a connection's peer has proved to be. Raises UntrustedPeerError."""
        shown = tls.read_certificate(connection.getpeercert())
        tls.verify_peer(shown, self.roster, self.now, role)
        return shown

    def member(self, shown: MemberCertificate) -> Member:
        """Return a verified member as the roster knows it now."""
        return self.roster.members.get(shown.member.id, shown.member)

    @contextmanager
    def watching(self, shown: MemberCertificate, on_revoked: OnRevoked) -> Iterator[None]:
        """Call `on_revoked` once if the member is revoked during the block."""
        key = object()
        self._connections[key] = shown, on_revoked
        try:
            yield
        finally:
            self._connections.pop(key, None)

    async def update_roster(self, signed: SignedRoster) -> None:
        """Take over a roster of the trust service, store it, and end the connections of revoked members.

        Raises UntrustedPeerError for one that the authority has not signed or that is older.
        """
        roster = await asyncio.to_thread(rosters.verify, signed, self.identity.authorities)
        if not rosters.check_newer(self.roster, roster):
            return
        self.roster = roster
        self._end_revoked()
        try:
            await asyncio.to_thread(rosters.save_roster, self.identity.files.roster, signed)
            await self._trust(roster.authorities)
        except OSError as err:
            _LOG.error("roster could not be stored", reason=err.strerror, file=str(self.identity.files.roster))

    async def update_group_key(self, key: GroupKey) -> None:
        """Use and store the group key that the trust service has sent."""
        if key == self.group_key:
            return
        self.group_key = key
        self.on_group_key(key)
        path = self.identity.files.group_key
        try:
            await asyncio.to_thread(group_keys.save_group_key, path, key)
        except OSError as err:  # the hub sends it again after a restart
            _LOG.error("group key could not be stored", reason=err.strerror, file=str(path))
        _LOG.info("group key", number=key.number)

    async def renew(self, key: bytes, certificate: bytes) -> None:
        """Store another key and certificate, in PEM, and use them for connections from now on. Raises ConfigError, OSError."""
        files = self.identity.files
        await asyncio.to_thread(save_identity, files.folder, key, certificate, self.identity.authorities)
        await self.reload_identity()

    async def _trust(self, authorities: Sequence[str]) -> None:
        """Trust these authorities alone from now on, if there are any. Raises ConfigError, OSError."""
        wanted = "".join(authorities).encode()
        if wanted and wanted != self.identity.authorities:
            await asyncio.to_thread(atomic_file.write, self.identity.files.house, wanted)
            await self.reload_identity()

    async def reload_identity(self) -> None:
        """Use the renewed certificate in the identity's files for connections from now on. Raises ConfigError."""
        files = self.identity.files
        identity = await asyncio.to_thread(load_identity, files.folder)
        if identity is None:
            raise ConfigError(f"there is no identity in {files.folder} any more")
        contexts = await asyncio.to_thread(_create_contexts, identity)
        self.identity, (self.server_context, self.client_context) = identity, contexts

    def _end_revoked(self) -> None:
        for key, (shown, on_revoked) in list(self._connections.items()):
            try:
                tls.check_member(shown, self.roster)
            except UntrustedPeerError as err:
                del self._connections[key]
                on_revoked(err)


def _create_contexts(identity: Identity) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    member, house = identity.files.member, identity.files.house
    return tls.server_context(member, house), tls.client_context(member, house)


_of_process: Membership | None = None
_problem: ConfigError | None = None


def current() -> Membership | None:
    """Return the membership of this process, None if it belongs to no house."""
    return _of_process


def find_problem() -> str | None:
    """Return what is wrong with the membership of this process, None if all is well or it belongs to no house."""
    return None if _of_process is None else _of_process.find_problem()


def require() -> Membership:
    """Return the membership of this process. Raises ConfigError if it belongs to no house."""
    if _problem is not None:
        raise _problem
    if _of_process is None:
        raise ConfigError(
            "tls:// is for members of a house, and this program is none; "
            "`wyoming-rosie pair NAME` on the hub's machine tells how to join"
        )
    return _of_process


def load_for_process(role: str, state: Path, given: Path | None = None) -> None:
    """Load the membership of this process from its state folder, or the `given` folder of --identity; blocks.

    Raises ConfigError for files that cannot be used, and for a given folder without an identity.
    """
    folder = given or state / FOLDER
    found = Membership.load(folder)
    if found is None:
        if given is not None:
            raise ConfigError(f"--identity {given}: there is no identity; `wyoming-rosie pair NAME` tells how to join")
        return
    own = found.identity.certificate.member
    if own.role != role:
        raise ConfigError(f"the identity in {folder} is that of {own}; give each program an identity of its own")
    _warn_if_expired(found)
    use(found)


def load_for_command(states: Iterable[Path]) -> None:
    """Load the membership of a command: that of the first of some state folders with one; blocks.

    What is wrong with its files is raised by `require`, since most commands need no membership.
    """
    global _problem
    folder = next((state / FOLDER for state in states if IdentityFiles(state / FOLDER).exist), None)
    try:
        use(None if folder is None else Membership.load(folder))
    except ConfigError as err:
        _problem = err


def use(membership: Membership | None) -> None:
    """Make this the membership of the process, for connections from now on."""
    global _of_process
    _of_process = membership


def _warn_if_expired(membership: Membership) -> None:
    certificate = membership.identity.certificate
    if certificate.not_after < membership.now:
        expired = time.strftime("%Y-%m-%d", time.gmtime(certificate.not_after))
        _LOG.warning(
            "this program's certificate has expired, or its clock is wrong",
            expired=expired,
            clock=time.strftime("%Y-%m-%d", time.gmtime(membership.now)),
            next="set the clock, or join the house again",
        )
