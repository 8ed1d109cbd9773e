"""Inspection of Wyoming programs and ports, on this machine and on the network."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from wyoming.info import Info

from wyoming_rosie import config
from wyoming_rosie.commands.diagnostics.report import PortReport, ServiceReport
from wyoming_rosie.commands.diagnostics.services import simulated_home
from wyoming_rosie.errors import RosieError
from wyoming_rosie.programs import DAEMONS, PROGRAMS
from wyoming_rosie.protocol import titles
from wyoming_rosie.protocol.client import describe
from wyoming_rosie.protocol.network_interfaces import local_addresses
from wyoming_rosie.protocol.service_browser import DiscoveredService, find_services

DESCRIBE_SECONDS = 2.0
HEARERS = tuple(daemon.role for daemon in DAEMONS)
"""Roles to which the hub sends speech and text."""


async def create_report(seconds: float) -> tuple[tuple[ServiceReport, ...], tuple[PortReport, ...]]:
    """Return the programs announced within `seconds` or listening on this machine, and the use of the default ports."""
    found, local = await asyncio.gather(_discover(seconds), _describe_local())
    here = [service for service, _ in local if service is not None]
    trusted = await asyncio.to_thread(_load_trusted)
    announced = await asyncio.gather(*(_describe_discovered(discovered, trusted) for discovered in found))
    return (*announced, *here), tuple(port for _, port in local)


def get_trust(service: DiscoveredService, trusted: Collection[str]) -> str:
    """Describe whether the hub may use an announced program; `trusted` are addresses, URIs and announced names."""
    if service.role not in HEARERS:
        return ""
    if service.host in trusted:
        return "on this machine, the hub may use it"
    if service.uri in trusted or service.name in trusted:
        return "adopted by the hub's settings"
    return f"not adopted, the hub does not use it; if it is yours: wyoming-rosie-hub --adopt '{service.name}'"


def _load_trusted() -> set[str]:
    """Return the names and URIs that the settings of this machine's hub trust, and the addresses of this machine."""
    adopted = config.read_setting("hub", "adopt") or ()
    uris = (config.read_setting("hub", f"{role}_uri") for role in HEARERS)
    names = adopted.split() if isinstance(adopted, str) else adopted
    return {*local_addresses(), *map(str, names), *(str(uri) for uri in uris if uri)}


async def _describe_discovered(service: DiscoveredService, trusted: Collection[str]) -> ServiceReport:
    return replace(
        await _describe_service(service.role, service.uri), name=service.name, trust=get_trust(service, trusted)
    )


async def _discover(seconds: float) -> list[DiscoveredService]:
    with suppress(OSError):  # no network at all
        return await find_services(seconds)
    return []


async def _describe_local() -> list[tuple[ServiceReport | None, PortReport]]:
    programs = [(program.role, program.port) for program in PROGRAMS if program.port is not None]
    return await asyncio.gather(*(_describe_port(role, port) for role, port in programs))


async def _describe_port(role: str, number: int) -> tuple[ServiceReport | None, PortReport]:
    if not await _is_open(number):
        return None, PortReport(role, number, "free")
    service = await _describe_service(role, f"tcp://127.0.0.1:{number}")
    speaks = service.ms is not None
    return (service if speaks else None), PortReport(role, number, "wyoming" if speaks else "other")


async def _is_open(number: int) -> bool:
    try:
        async with asyncio.timeout(DESCRIBE_SECONDS):
            _, writer = await asyncio.open_connection("127.0.0.1", number)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _describe_service(role: str, uri: str) -> ServiceReport:
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        info = await describe(uri, DESCRIBE_SECONDS)
    except RosieError:
        return ServiceReport(role, uri, "", None)
    ms = round(1000 * (loop.time() - started), 1)
    missing = tuple(model.name for program in info.asr for model in program.models if not model.installed)
    return ServiceReport(role, uri, _get_engine(info), ms, simulated_home(info), missing_models=missing)


def _get_engine(info: Info) -> str:
    programs = [*info.asr, *info.tts, *info.wake, *info.intent, *info.handle]
    return (
        f"{titles.engine_name(programs[0])} {programs[0].version or ''}".strip()
        if programs and not info.satellite
        else ""
    )
