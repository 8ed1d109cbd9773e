"""One connection of a member to the trust service."""

from typing import Protocol

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.protocol.connection import Send, peer_of
from wyoming_rosie.trust import messages
from wyoming_rosie.trust.group_key import GroupKey, encode_group_key
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.messages import data_of, message, name_of, text_of
from wyoming_rosie.trust.roster import SignedRoster, parse_signed
from wyoming_rosie.trust.tls import MemberCertificate


class HouseService(Protocol):
    """What the trust service does for a member."""

    @property
    def signed(self) -> SignedRoster:
        """The present roster."""

    @property
    def number(self) -> int:
        """Its number."""

    def find_group_key(self, handler: "TrustHandler") -> GroupKey | None:
        """Return the group key, if the member is a satellite that is not revoked."""

    def add(self, handler: "TrustHandler") -> None:
        """Send this member each new roster from now on."""

    def remove(self, handler: "TrustHandler") -> None:
        """Send it nothing any more."""

    def must_renew(self, handler: "TrustHandler") -> bool:
        """Return whether a member is to get another certificate now."""

    async def recover(self, signed: SignedRoster) -> None:
        """Take over a roster of this house that is newer than the registry. Raises RosieError."""

    async def renew(self, handler: "TrustHandler", request: str) -> None:
        """Send a member another certificate. Raises RosieError."""

    async def publish(self) -> None:
        """Send all members the present roster, if it is new."""


class TrustHandler:
    """Answers a member, and sends it each new roster."""

    is_busy = False

    def __init__(self, send: Send, service: HouseService) -> None:
        peer = peer_of(send)
        assert peer.member is not None
        assert peer.certificate is not None
        self.member: Member = peer.member
        self.certificate: MemberCertificate = peer.certificate
        self._send = send
        self._service = service
        self._sent_key: GroupKey | None = None

    async def on_event(self, event: Event) -> None:
        match name_of(event):
            case messages.ROSTER if "roster" in data_of(event):
                await self._take_roster(event)
            case messages.ROSTER:
                await self._greet(event)
            case messages.RENEW:
                await self._renew(event)

    async def close(self) -> None:
        self._service.remove(self)

    async def send_roster(self) -> None:
        """Send the present roster."""
        await self._send(message(messages.ROSTER, self._service.signed.document))

    async def send_group_key(self) -> None:
        """Send a satellite the group key, unless it has it."""
        key = self._service.find_group_key(self)
        if key is not None and key != self._sent_key:
            self._sent_key = key
            await self._send(message(messages.GROUP_KEY, encode_group_key(key)))

    async def request_renewal(self) -> None:
        """Ask for a certificate request, if the member is to get another certificate."""
        if self._service.must_renew(self):
            await self._send(message(messages.RENEW))

    async def send_certificate(self, certificate: str) -> None:
        """Send another certificate of the member, in PEM."""
        await self._send(message(messages.RENEWED, {"certificate": certificate}))

    async def _greet(self, event: Event) -> None:
        number = data_of(event).get("number")
        if not isinstance(number, int):
            raise BadEventError("'roster' needs the 'number' of the member's roster")
        self._service.add(self)
        if number > self._service.number:
            await self._send(message(messages.ROSTER_WANTED))
        else:
            await self.send_roster()
            await self.send_group_key()
            await self.request_renewal()

    async def _take_roster(self, event: Event) -> None:
        try:
            signed = parse_signed(data_of(event))
        except ValueError as err:
            raise BadEventError(str(err)) from err
        await self._service.recover(signed)

    async def _renew(self, event: Event) -> None:
        request = text_of(event, "request", messages.MAX_REQUEST_CHARACTERS)
        try:
            await self._service.renew(self, request)
        except RosieError as err:
            await self._send(message(messages.RENEWED, {"problem": str(err)}))
        else:
            await self._service.publish()
