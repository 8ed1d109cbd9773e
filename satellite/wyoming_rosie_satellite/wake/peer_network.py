"""Peer network: carries the packets of a peer node over UDP, by multicast on the local network and to single satellites."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.network_interfaces import InterfaceKind, interface_addresses, interface_kind
from wyoming_rosie.runtime.secrets import read_secret_file
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.wakeword.arbitration.key_ring import KeyRing
from wyoming_rosie.wakeword.arbitration.packets import MAX_PACKET_BYTES, SESSION_BYTES, PacketCodec
from wyoming_rosie.wakeword.arbitration.peer_arbiter import Decided
from wyoming_rosie.wakeword.arbitration.peer_node import Outgoing, PeerNode
from wyoming_rosie.wakeword.arbitration.rules import Claim
from wyoming_rosie_satellite.config import SatelliteConfig

_LOG = structlog.get_logger()
GROUP_V4 = "239.255.114.111"
GROUP_V6 = "ff15::726f:7369"
"""Groups of the site (RFC 2365, RFC 4291); packets do not leave the local network, since no router passes on a TTL of 1."""
KEY_FILE_FLAG = "--arbitration.key-file"
MIN_SECRET_CHARACTERS = 22
"""Those of 128 random bits in base64."""
INTERFACES_SECONDS = 30.0
"""Time after which a new network interface takes part."""
MAX_READ = 256
"""Packets that are read at once; the kernel keeps fewer."""


class PeerNetwork:
    """Decides with the other satellites of the network who answers a wake word.

    What has come is read before anything is claimed or decided: after a stall of the process the decision may be among it.
    """

    def __init__(self, name: str, port: int, key: bytes | None = None) -> None:
        keys = KeyRing(None if key is None else PacketCodec(key))
        self._node = PeerNode(keys, name, os.urandom(SESSION_BYTES), on_found=_log_found)
        self._has_key = asyncio.Event()
        if key is not None:
            self._has_key.set()
        self._port = port
        self._groups: dict[socket.socket, set[str]] = {}  # interfaces on which a socket has joined its group
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: dict[str, Callable[[Decided], None]] = {}  # by word

    @property
    def is_alone(self) -> bool:
        """Whether no other satellite was heard within a day."""
        return self._node.is_alone(loop_time())

    def change_key(self, key: bytes) -> None:
        """Sign with another key from now on; the one before counts for a minute more."""
        self._node.change_key(PacketCodec(key), loop_time())
        self._has_key.set()
        if self._groups:
            self._carry_out()

    def claim(self, claim: Claim, on_decided: Callable[[Decided], None]) -> None:
        """Claim a wake word; `on_decided` is called once, perhaps at once."""
        self._read_all()
        self._waiting[claim.word] = on_decided
        self._tell(self._node.claim(claim, loop_time()))
        self._carry_out()

    def end_turn(self) -> None:
        """Let the words that this satellite has won be claimed anew, as its turn is over."""
        if self._groups:
            self._node.end_turn(loop_time())
            self._carry_out()

    async def run(self) -> None:
        """Take part until cancelled, once there is a key."""
        await self._has_key.wait()
        sockets = [one for one in (_open_v4(self._port), _open_v6(self._port)) if one is not None]
        try:
            for one in sockets:
                self._groups[one] = set()
                asyncio.get_running_loop().add_reader(one, self._on_readable, one)
            while True:
                await self._join_new_interfaces()
                await asyncio.sleep(INTERFACES_SECONDS)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._groups.clear()
            for one in sockets:
                asyncio.get_running_loop().remove_reader(one)
                one.close()

    def _on_readable(self, one: socket.socket) -> None:
        self._read(one)
        self._carry_out()

    def _read_all(self) -> None:
        for one in self._groups:
            self._read(one)

    def _read(self, one: socket.socket) -> None:
        for _ in range(MAX_READ):
            try:
                data, address = one.recvfrom(MAX_PACKET_BYTES + 1)
            except OSError:  # there is no more
                return
            self._tell(self._node.receive(data, address, loop_time()))

    async def _join_new_interfaces(self) -> None:
        found = await asyncio.to_thread(_find_interfaces)
        has_joined = False
        for one, joined in self._groups.items():
            joined &= found
            for interface in found - joined:
                with suppress(OSError):  # it has no address of this family, or is just going down
                    _join(one, socket.if_nametoindex(interface))
                    joined.add(interface)
                    has_joined = True
        if has_joined:
            self._node.greet(loop_time())
        self._carry_out()

    def _advance(self) -> None:
        self._read_all()
        self._tell(self._node.advance(loop_time()))
        self._carry_out()

    def _tell(self, decisions: list[Decided]) -> None:
        for decided in decisions:
            if (on_decided := self._waiting.pop(decided.word, None)) is not None:
                on_decided(decided)

    def _carry_out(self) -> None:
        outgoing, self._node.outgoing = self._node.outgoing, []
        for packet in outgoing:
            self._send(packet)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(self._node.deadline, self._advance)

    def _send(self, packet: Outgoing) -> None:
        assert len(packet.data) <= MAX_PACKET_BYTES
        for one, joined in self._groups.items() if packet.is_for_all else ():
            group = GROUP_V4 if one.family is socket.AF_INET else GROUP_V6
            for interface in joined:
                with suppress(OSError):  # the interface has gone down
                    _select_interface(one, socket.if_nametoindex(interface))
                    one.sendto(packet.data, (group, self._port))
        for address in packet.addresses:
            self._send_to(packet.data, address)

    def _send_to(self, data: bytes, address: Hashable) -> None:
        assert isinstance(address, tuple)
        family = socket.AF_INET6 if len(address) > 2 else socket.AF_INET
        for one in self._groups:
            if one.family is family:
                with suppress(OSError):  # the network is down, or the buffer is full: the packet counts as lost
                    one.sendto(data, address)


def _log_found(name: str) -> None:
    _LOG.info("another satellite found", name=name)


def create_peer_network(settings: SatelliteConfig, membership: Membership | None) -> PeerNetwork | None:
    """Create the network of satellites that decide among themselves, if there is or will be a key. Raises ConfigError.

    A member of a house has the house's group key, others have a file with a key.
    """
    key_file = settings.arbitration.key_file
    if settings.arbitration.port == 0 or (membership is None and key_file is None):
        return None
    peers = PeerNetwork(
        settings.name or socket.gethostname(), settings.arbitration.port, _find_key(key_file, membership)
    )
    if membership is not None:
        membership.on_group_key = lambda key: peers.change_key(key.secret)
    return peers


def _find_key(key_file: Path | None, membership: Membership | None) -> bytes | None:
    """Return the present key, None for a member that has not got it yet. Raises ConfigError."""
    if membership is None:
        return None if key_file is None else _read_key(key_file)
    if key_file is not None:
        _LOG.warning(
            "a member of the house needs no key file, so that it is not used",
            file=str(key_file),
            next=f"remove {KEY_FILE_FLAG}",
        )
    return None if membership.group_key is None else membership.group_key.secret


def _read_key(key_file: Path) -> bytes:
    secret = read_secret_file(key_file, KEY_FILE_FLAG)
    if len(secret) < MIN_SECRET_CHARACTERS:
        raise ConfigError(
            f"{KEY_FILE_FLAG}: the key in {key_file} has fewer than {MIN_SECRET_CHARACTERS} characters and could be guessed;"
            f" make another: head -c 32 /dev/urandom | base64 > {key_file}"
        )
    return secret.encode()


def _find_interfaces() -> set[str]:
    """Return the interfaces of the local network: not those of containers and tunnels."""
    names = {address.interface for address in interface_addresses()} - {"lo"}
    return {name for name in names if interface_kind(name) is not InterfaceKind.VIRTUAL}


def _open_v4(port: int) -> socket.socket | None:
    return _open(socket.AF_INET, ("", port), socket.IPPROTO_IP, socket.IP_MULTICAST_TTL)


def _open_v6(port: int) -> socket.socket | None:
    return _open(socket.AF_INET6, ("::", port), socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS)


def _open(family: socket.AddressFamily, address: tuple[str, int], level: int, hops: int) -> socket.socket | None:
    """Return a socket that shares its port with other satellites of this machine, None where that is impossible."""
    one = None
    try:
        one = socket.socket(family, socket.SOCK_DGRAM)
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(level, hops, 1)
        one.bind(address)
    except OSError as err:
        _LOG.warning("no arbitration over this family", family=family.name, reason=str(err))
        if one is not None:
            one.close()
        return None
    return one


def _join(one: socket.socket, index: int) -> None:
    if one.family is socket.AF_INET:
        request = socket.inet_aton(GROUP_V4) + bytes(4) + struct.pack("@i", index)
        one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    else:
        request = socket.inet_pton(socket.AF_INET6, GROUP_V6) + struct.pack("@I", index)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)


def _select_interface(one: socket.socket, index: int) -> None:
    """Send multicast over an interface from now on."""
    if one.family is socket.AF_INET:
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + struct.pack("@i", index))
    else:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
