"""Wyoming programs and ports, on this machine and on the network."""

import asyncio
from contextlib import suppress

from wyoming.info import Info

from wyoming_rosie.client import describe
from wyoming_rosie.commands.diagnosis.findings import Port, Service
from wyoming_rosie.discovery import Found, browse
from wyoming_rosie.errors import RosieError
from wyoming_rosie.home import PRETEND, PRETEND_OWN
from wyoming_rosie.programs import PROGRAMS

DESCRIBE_SECONDS = 2.0


async def look(seconds: float) -> tuple[tuple[Service, ...], tuple[Port, ...]]:
    """Return what announces itself within so many seconds or listens here, and what our ports are used for."""
    found, local = await asyncio.gather(_announced(seconds), _local())
    here = [service for service, _ in local if service is not None]
    announced = await asyncio.gather(*(_asked(one.role, one.uri) for one in found))
    return (*announced, *here), tuple(port for _, port in local)


async def _announced(seconds: float) -> list[Found]:
    with suppress(OSError):  # no network at all
        return await browse(seconds)
    return []


async def _local() -> list[tuple[Service | None, Port]]:
    programs = [(one.role, one.port) for one in PROGRAMS if one.port is not None]
    return await asyncio.gather(*(_used(role, port) for role, port in programs))


async def _used(role: str, number: int) -> tuple[Service | None, Port]:
    if not await _is_open(number):
        return None, Port(role, number, "free")
    service = await _asked(role, f"tcp://127.0.0.1:{number}")
    speaks = service.ms is not None
    return (service if speaks else None), Port(role, number, "wyoming" if speaks else "other")


async def _is_open(number: int) -> bool:
    try:
        async with asyncio.timeout(DESCRIBE_SECONDS):
            _, writer = await asyncio.open_connection("127.0.0.1", number)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _asked(role: str, uri: str) -> Service:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        info = await describe(uri, DESCRIBE_SECONDS)
    except RosieError:
        return Service(role, uri, "", None)
    return Service(role, uri, _engine(info), round(1000 * (loop.time() - begun), 1), pretence(info))


def pretence(info: Info) -> str:
    """Return what an intent daemon says of a house that is in memory only; nothing for a real one."""
    said = " ".join(program.description or "" for program in info.handle)
    return next((house for house in (PRETEND_OWN, PRETEND) if house in said), "")


def _engine(info: Info) -> str:
    programs = [*info.asr, *info.tts, *info.wake, *info.intent, *info.handle]
    return f"{programs[0].name} {programs[0].version or ''}".strip() if programs and not info.satellite else ""
