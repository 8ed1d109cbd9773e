"""Brokers that start again with another password: clients use it at their next connection."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.brokers import Broker, Mosquitto, Nats, Redis, find_program
from tests.integration.bus.test_refused_identities import client_of, until
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.runtime.secrets import Secret

USER = "kitchen"
BROKERS: dict[str, type[Broker]] = {"mqtt": Mosquitto, "redis": Redis, "nats": Nats}


def settings(bus: str, folder: Path, password: str) -> list[str]:
    """Return the settings of a broker that demands a password."""
    if bus == "redis":
        return ["--requirepass", password]
    if bus == "nats":
        return ["--auth", password]
    file = folder / "passwords"
    subprocess.run([find_program("mosquitto_passwd"), "-b", "-c", str(file), USER, password], check=True)
    return [f"password_file {file}", "allow_anonymous false"]


@pytest.mark.filterwarnings(
    "ignore:.*StreamWriter.__del__:pytest.PytestUnraisableExceptionWarning"
)  # of nats-py, when refused
@pytest.mark.parametrize("bus", BROKERS)
async def test_a_changed_password_is_used_at_the_next_connection(bus: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    await asyncio.to_thread(file.write_text, "former")
    broker = BROKERS[bus](tmp_path, await asyncio.to_thread(settings, bus, tmp_path, "former"))
    await broker.started()
    try:
        user = f"{USER}@" if bus == "mqtt" else ""
        secret = await asyncio.to_thread(Secret.from_file, file, "the password")
        url = BrokerUrl(f"{bus}://{user}127.0.0.1:{broker.port}", secret)
        async with client_of(bus, url, None) as problem:
            await until(lambda: problem() is None)
            await broker.killed()
            await until(problem)
            broker.settings = await asyncio.to_thread(settings, bus, tmp_path, "present")
            await asyncio.to_thread(file.write_text, "present")
            await broker.started()
            await until(lambda: problem() is None)
    finally:
        await broker.killed()
