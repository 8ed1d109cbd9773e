"""Opening the buses: brokers where there is a URL, memory elsewhere."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from importlib import import_module

from wyoming_rosie.bus.interface import Buses
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.names import escape_token
from wyoming_rosie.bus.nats_connection import check_nats_files
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.config import BrokerSettings, broker_urls

_LIBRARIES = {"mqtt": "paho.mqtt.client", "redis": "redis.asyncio", "nats": "nats"}


@asynccontextmanager
async def open_buses(
    settings: BrokerSettings, name: str, *, subscribes: bool = True
) -> AsyncIterator[tuple[Buses, AsyncExitStack]]:
    """Open the buses; MQTT connects when `connect_mqtt` is called, after the roles have subscribed. Raises ConfigError.

    A process that does not subscribe needs no persistent session at the MQTT broker.
    """
    urls = broker_urls(settings)
    buses = create_memory_buses()
    async with AsyncExitStack() as stack:
        try:
            for bus in urls:  # here, since two threads that import one library at a time can find it half-made
                await asyncio.to_thread(import_module, _LIBRARIES[bus])
            if "redis" in urls:
                jobs = await stack.enter_async_context(open_redis(urls["redis"]))
                buses = replace(buses, jobs=jobs, dead_letters=(jobs, buses.dead_letters[1]))
            if "nats" in urls:
                files = (settings.nats_credentials, settings.nats_nkey)
                await asyncio.to_thread(check_nats_files, "--broker.nats-", *files)
                events = NatsEvents(urls["nats"], name, settings.nats_credentials, settings.nats_nkey)
                await stack.enter_async_context(run_beside(events.run()))
                buses = replace(buses, events=events, dead_letters=(buses.dead_letters[0], events))
        except ImportError as err:
            raise ConfigError(f"the module {err.name} is not installed; run: {install_command(['bridge'])}") from err
        if "mqtt" in urls:
            client_id = settings.mqtt_client_id or _create_client_id(name, subscribes=subscribes)
            buses = replace(buses, mqtt=PahoMqtt(urls["mqtt"], client_id, is_persistent=subscribes))
        yield buses, stack


async def connect_mqtt(buses: Buses, stack: AsyncExitStack) -> None:
    """Open the connection to the MQTT broker, if there is one."""
    if isinstance(buses.mqtt, PahoMqtt):
        await stack.enter_async_context(run_beside(buses.mqtt.run()))


def _create_client_id(name: str, *, subscribes: bool) -> str:
    host = escape_token(socket.gethostname())
    return f"{name}-{host}" if subscribes else f"{name}-{host}-{os.getpid()}"
