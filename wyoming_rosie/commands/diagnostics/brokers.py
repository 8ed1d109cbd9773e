"""Inspection of the bridge's brokers: whether they can be used, and whether their settings keep what is stored."""

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from wyoming_rosie.bus.connection import SECRETS, BrokerUrl, find_configured, parse_configured
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.mqtt import DEFAULT_PORTS, PahoMqtt
from wyoming_rosie.bus.nats_connection import NatsConnection, check_nats_files
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.commands.diagnostics.report import BrokerReport
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.tasks import run_beside

CONNECT_SECONDS, POLL_SECONDS = 5.0, 0.02
PORTS = {**DEFAULT_PORTS, "redis": 6379, "rediss": 6379, "nats": 4222, "tls": 4222}
_MAX_INFO_BYTES = 65_536


async def create_report() -> tuple[BrokerReport, ...]:
    """Return the brokers that the settings of this machine's bridge name."""
    urls = {bus: url for bus in SECRETS if (url := find_configured(bus)) is not None}
    return tuple(await asyncio.gather(*(_inspect(bus, url) for bus, url in urls.items())))


async def _inspect(bus: str, url: str) -> BrokerReport:
    try:
        broker = parse_configured(bus, f"[bridge.broker] {bus}", url)
    except ConfigError as err:
        return BrokerReport(bus, "", trouble=str(err))
    found = BrokerReport(bus, f"{broker.scheme}://{broker.host}:{broker.port or PORTS[broker.scheme]}")
    if (failure := await _find_port_failure(broker)) is not None:
        return replace(found, is_reachable=False, trouble=failure)
    inspect = {"mqtt": _inspect_mqtt, "redis": _inspect_redis, "nats": _inspect_nats}[bus]
    try:
        return await inspect(found, broker)
    except ImportError as err:
        missing = f"the module {err.name} is not installed; run: {install_command(['bridge'])}"
        return replace(found, trouble=missing)
    except (BusError, ConfigError) as err:
        return replace(found, trouble=str(err))


async def _find_port_failure(broker: BrokerUrl) -> str | None:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(broker.host, broker.port or PORTS[broker.scheme])
    except TimeoutError:
        return "it does not answer"
    except OSError as err:
        is_system_error = err.errno is not None and err.errno > 0
        return os.strerror(err.errno or 0) if is_system_error else err.strerror or str(err)
    writer.close()
    return None


async def _inspect_mqtt(found: BrokerReport, broker: BrokerUrl) -> BrokerReport:
    mqtt = PahoMqtt(broker, f"wyoming-rosie-doctor-{os.getpid()}", is_persistent=False)
    async with run_beside(mqtt.run()):
        return replace(found, trouble=await _wait_for_change(lambda: mqtt.problem))


async def _inspect_redis(found: BrokerReport, broker: BrokerUrl) -> BrokerReport:
    async with open_redis(broker) as jobs:
        with jobs.errors():
            await jobs.client.ping()
        try:
            with jobs.errors():
                told = await jobs.client.info()
        except BusError:  # the bridge's user needs no permission for it
            return found
    has_limit = int(told.get("maxmemory", 0)) > 0
    policy = str(told.get("maxmemory_policy", "noeviction"))
    return replace(
        found,
        version=str(told.get("redis_version", "")),
        keeps=bool(told.get("aof_enabled", 0)),
        eviction=policy if has_limit and policy != "noeviction" else "",
    )


async def _inspect_nats(found: BrokerReport, broker: BrokerUrl) -> BrokerReport:
    told = await _read_nats_info(broker)
    found = replace(found, version=str(told.get("version", "")), keeps=bool(told.get("jetstream", False)))
    credentials, seed = (
        Path(path) if (path := find_configured(f"nats_{name}")) else None for name in ("credentials", "nkey")
    )
    await asyncio.to_thread(check_nats_files, "[bridge.broker] nats_", credentials, seed)
    connection = NatsConnection([broker], "wyoming-rosie-doctor", credentials, seed)
    async with run_beside(connection.run(_do_nothing)):
        return replace(found, trouble=await _wait_for_change(lambda: connection.problem))


async def _wait_for_change(read_problem: Callable[[], str | None]) -> str:
    """Return the problem of a connection after its first attempt; an empty text for none."""
    first = read_problem()
    with suppress(TimeoutError):
        async with asyncio.timeout(CONNECT_SECONDS):
            while read_problem() == first:  # noqa: ASYNC110 - no event tells of a failure
                await asyncio.sleep(POLL_SECONDS)
    return read_problem() or ""


async def _read_nats_info(broker: BrokerUrl) -> dict[str, object]:
    """Return what a NATS server tells before anybody says who they are; nothing if it is none."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(broker.host, broker.port or PORTS[broker.scheme])
            try:
                line = await reader.readline()
            finally:
                writer.close()
        told = json.loads(line[:_MAX_INFO_BYTES].removeprefix(b"INFO"))
    except (OSError, ValueError) as err:  # TimeoutError is an OSError
        raise BusError("NATS: what answers there is no NATS server") from err
    return dict(told) if isinstance(told, dict) else {}


async def _do_nothing(_: object) -> None:
    """Prepare nothing: the connection itself is what is looked at."""
