"""Ports on which programs of the suite listen, from the kernel's tables, and what answers there."""

import asyncio
import re
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wyoming_rosie import config
from wyoming_rosie.commands.diagnostics.security.report import Listener, Protection
from wyoming_rosie.errors import RosieError
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.protocol.admission import PRIVATE_NETWORKS
from wyoming_rosie.protocol.wire import TLS_HANDSHAKE

TABLES = {"/proc/net/tcp": socket.AF_INET, "/proc/net/tcp6": socket.AF_INET6}
LISTENING = "0A"
PROBE_SECONDS = 2.0
PROBE = b'{"type":"describe"}\n'
TLS_ALERT = b"\x15\x03"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_COMMAND = re.compile(r"wyoming-rosie-([a-z]+)$")


@dataclass(frozen=True)
class RunningProgram:
    """A program of the suite that runs on this machine."""

    role: str
    arguments: tuple[str, ...]
    sockets: frozenset[str] | None  # inodes; None if this user may not see them

    def setting(self, key: str) -> tuple[str, ...] | None:
        """Return the values of a setting: from the command line, else from the environment or a file; None without any."""
        if given := tuple(_flag_values(self.arguments, f"--{key.replace('_', '-')}")):
            return given
        value = _read_setting(self.role, key)
        if value is None:
            return None
        return tuple(map(str, value)) if isinstance(value, list | tuple) else tuple(str(value).split())

    @property
    def is_debugging(self) -> bool:
        return "--debug" in self.arguments or _read_setting(self.role, "debug") in (True, "true", "1")


def find_programs(proc: Path = Path("/proc")) -> list[RunningProgram]:
    """Return the programs of the suite that run; blocks."""
    return [program for folder in proc.glob("[0-9]*") if (program := _read_program(folder)) is not None]


async def find_listeners(programs: Sequence[RunningProgram]) -> tuple[Listener, ...]:
    """Return the ports of the programs and what answers there."""
    open_ports = await asyncio.to_thread(lambda: list(_read_open_ports()))
    found = await asyncio.gather(*(_probe_program(program, open_ports) for program in programs))
    return tuple(listener for listeners in found for listener in listeners)


async def _probe_program(program: RunningProgram, open_ports: Sequence[tuple[str, int, str]]) -> list[Listener]:
    found = [
        Listener(program.role, host, port, Protection.UNKNOWN, _allowed(program))
        for host, port, inode in open_ports
        if inode in (program.sockets or ())
    ]
    return _restrict_plain(await asyncio.gather(*map(_probe, found)), program.setting("plain") or ())


def _restrict_plain(listeners: Iterable[Listener], machines: tuple[str, ...]) -> list[Listener]:
    """Note whom the plain ports of a program admit that listens by TLS, too: it is a member of a house."""
    known = list(listeners)
    if not any(one.protection is Protection.TLS and one.allow is not None for one in known):
        return known
    return [replace(one, plain=machines) if one.protection is Protection.PLAIN else one for one in known]


def _allowed(program: RunningProgram) -> tuple[str, ...] | None:
    if BY_ROLE[program.role].port is None:  # the hub and the bridge
        return None
    return program.setting("allow") or PRIVATE_NETWORKS


async def _probe(listener: Listener) -> Listener:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.host, listener.host)  # noqa: S104 - what is open is asked
    answer = b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(host, listener.port)
            try:
                writer.write(PROBE)
                answer = await reader.read(4096)
            finally:
                writer.close()
    protection = _classify(answer)
    is_wyoming = protection in (Protection.PLAIN, Protection.TLS)
    return replace(listener, protection=protection, allow=listener.allow if is_wyoming else None)


def _classify(answer: bytes) -> Protection:
    if answer.startswith((TLS_ALERT, TLS_HANDSHAKE)) or (answer.startswith(b"{") and b'"code": "tls"' in answer):
        return Protection.TLS
    if answer.startswith(b"HTTP/"):
        return Protection.HTTP
    return Protection.PLAIN if answer.startswith(b"{") else Protection.UNKNOWN


def _read_program(folder: Path) -> RunningProgram | None:
    try:
        arguments = (folder / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:  # it has ended
        return None
    role = next((found[1] for word in arguments[:3] if (found := _COMMAND.search(word))), None)
    if role not in BY_ROLE:
        return None
    try:
        sockets = frozenset(_read_sockets(folder / "fd"))
    except OSError:  # another user's program
        return RunningProgram(role, tuple(arguments), None)
    return RunningProgram(role, tuple(arguments), sockets)


def _read_sockets(folder: Path) -> Iterator[str]:
    for link in folder.iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if found := _SOCKET.match(str(link.readlink())):
                yield found[1]


def _read_open_ports() -> Iterator[tuple[str, int, str]]:
    """Yield host, port and inode of each listening TCP socket."""
    for table, family in TABLES.items():
        try:
            lines = Path(table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == LISTENING:
                address, port = columns[1].split(":")
                yield _decode_host(address, family), int(port, 16), columns[9]


def _decode_host(digits: str, family: socket.AddressFamily) -> str:
    """Return an address that the kernel writes as 32-bit words in the machine's byte order."""
    raw = bytes.fromhex(digits)
    words = struct.unpack(f"={len(raw) // 4}I", raw)
    return socket.inet_ntop(family, struct.pack(f">{len(words)}I", *words))


def _read_setting(role: str, key: str) -> Any:
    with suppress(RosieError):  # the report tells of settings that cannot be read, without a line of them
        return config.read_setting(role, key)
    return None


def _flag_values(arguments: Sequence[str], flag: str) -> Iterator[str]:
    for at, word in enumerate(arguments):
        if word.startswith(f"{flag}="):
            yield word.partition("=")[2]
        elif word == flag:
            for value in arguments[at + 1 :]:
                if value.startswith("-"):
                    break
                yield value
