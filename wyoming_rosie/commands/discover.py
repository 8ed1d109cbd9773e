"""`wyoming-rosie discover`: Wyoming services on the network with role, name, address, engine and latency."""

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from wyoming.info import Info

from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.programs import PROGRAMS
from wyoming_rosie.protocol import titles
from wyoming_rosie.protocol.client import describe
from wyoming_rosie.protocol.service_browser import DiscoveredService, find_services
from wyoming_rosie.trust import membership

DESCRIBE_SECONDS = 2.0


@dataclass(frozen=True)
class DiscoveredDaemon:
    """One line of output; `latency_ms` is that of `describe`, None without an answer."""

    role: str
    name: str
    uri: str
    engine: str
    latency_ms: float | None


async def discover(
    *,
    seconds: Annotated[float, Parameter(help="seconds to wait for announcements")] = 2.0,
    role: Annotated[str | None, Parameter(help="only this role, such as asr")] = None,
    json: Annotated[bool, Parameter(help="print a line of JSON for each service", negative=())] = False,
) -> None:
    """List the Wyoming services that are announced on the network or listen on this machine's default ports."""
    with Console(stderr=True).status(f"looking for {seconds:g} s"):
        found = await _find(seconds)
        services = await asyncio.gather(
            *(_describe_service(service) for service in found), *(_describe_local(port) for port in _default_ports())
        )
    selected = [service for service in services if service is not None and role in (None, service.role)]
    if not selected:
        raise UnreachableError(
            "no Wyoming service was found; daemons on 127.0.0.1 are not announced, those with --uri tcp://0.0.0.0:PORT are"
        )
    _print_json(selected) if json else _print_table(selected)


async def _find(seconds: float) -> list[DiscoveredService]:
    """Return what is announced; members of this user's house over TLS."""
    house = membership.current()
    searches = (
        [find_services(seconds)]
        if house is None
        else [find_services(seconds), find_services(seconds, membership=house)]
    )
    return list({service.name: service for found in await asyncio.gather(*searches) for service in found}.values())


async def _describe_service(found: DiscoveredService) -> DiscoveredDaemon:
    started = time.perf_counter()
    try:
        info = await describe(found.uri, DESCRIBE_SECONDS)
    except RosieError:
        return DiscoveredDaemon(found.role, found.name, found.uri, "does not answer", None)
    latency = round(1000 * (time.perf_counter() - started), 1)
    return DiscoveredDaemon(found.role or _get_role(info), found.name, found.uri, _get_engine(info), latency)


async def _describe_local(port: int) -> DiscoveredDaemon | None:
    service = await _describe_service(DiscoveredService("this machine", "127.0.0.1", port, "", ""))
    return service if service.latency_ms is not None else None


def _default_ports() -> list[int]:
    return [program.port for program in PROGRAMS if program.port is not None]


def _get_role(info: Info) -> str:
    sections = ("satellite", "asr", "tts", "wake", "intent", "handle")
    return next((name for name in sections if getattr(info, name)), "vad")


def _get_engine(info: Info) -> str:
    if info.satellite:
        return info.satellite.name
    programs = [*info.asr, *info.tts, *info.wake, *info.intent, *info.handle]
    return f"{titles.engine_name(programs[0])} {programs[0].version or ''}".strip() if programs else ""


def _print_table(services: list[DiscoveredDaemon]) -> None:
    table = Table("role", "name", "address", "engine", "latency", box=None)
    for service in services:
        table.add_row(
            service.role,
            service.name,
            service.uri,
            service.engine,
            "-" if service.latency_ms is None else f"{service.latency_ms:g} ms",
        )
    Console().print(table)


def _print_json(services: list[DiscoveredDaemon]) -> None:
    for service in services:
        print(json.dumps(asdict(service)))  # noqa: T201
