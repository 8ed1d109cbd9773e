"""The integrations that the settings ask for."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from wyoming.event import Event

from tests.brokers import free_port
from tests.fakes import FakeDaemon
from tests.unit.satellite.integration_fakes import FakeControls, FakeTimerControls
from wyoming_rosie import config
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.integrations import event_commands
from wyoming_rosie_satellite.integrations.event_commands import EVENT_TYPES
from wyoming_rosie_satellite.integrations.factory import Integrations, supervise


@asynccontextmanager
async def around(settings: SatelliteConfig) -> AsyncIterator[Integrations]:
    found = await asyncio.to_thread(Integrations, settings, FakeControls(), FakeTimerControls())
    task = asyncio.create_task(found.run())
    await asyncio.sleep(0.05)
    assert not task.done()
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_nothing_is_around_it_unless_asked() -> None:
    async with around(SatelliteConfig()) as found:
        assert found.observers == []


async def test_who_watches_learns_at_the_start_that_it_is_muted() -> None:
    controls = FakeControls()
    controls.mute(True)
    async with FakeDaemon().serving() as service:
        found = Integrations(SatelliteConfig(event_uri=service.uri), controls, FakeTimerControls())
        task = asyncio.create_task(found.run())
        async with asyncio.timeout(60):
            while len(service.heard) < 2:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    assert [event.data for event in service.heard] == [
        {"name": "phase", "phase": "waiting"}, {"name": "muted", "muted": True}
    ]  # fmt: skip


async def connected(session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    """Connect to the API, once it is open."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await session.ws_connect("/events")
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)


async def test_all_that_was_asked_for_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    port = free_port()
    async with FakeDaemon().serving() as service:
        settings = SatelliteConfig(
            event_uri=service.uri, detection_command=f"sh -c 'cat > {out}'", api_port=port, stt_start_command="true"
        )
        async with around(settings) as found, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with await connected(session) as events:
                await events.receive_json(timeout=60)
                for watcher in found.observers:
                    watcher.on_event(Event("detection", {"name": "okay_nabu"}))
                assert (await events.receive_json(timeout=60))["type"] == "detection"
            async with asyncio.timeout(60):
                while not service.of_type("detection") or not await asyncio.to_thread(out.exists):
                    await asyncio.sleep(0.02)


class FailingPart:
    """Fails with each of `failures` in turn, then runs on."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = iter(failures)
        self.lives = asyncio.Event()

    async def run(self) -> None:
        for failure in self._failures:
            raise failure
        self.lives.set()
        await asyncio.Event().wait()


async def test_a_part_that_fails_starts_again_whatever_it_fails_with() -> None:
    part = FailingPart(
        ZeroDivisionError(), ExceptionGroup("two", [OSError(), ValueError()]), ConfigError("port in use")
    )
    task = asyncio.create_task(supervise(part.run, restart_seconds=0.0))
    async with asyncio.timeout(60):
        await part.lives.wait()
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_a_part_that_cannot_start_is_the_operators_to_mend() -> None:
    with pytest.raises(ConfigError):
        await supervise(FailingPart(ConfigError("port in use")).run)


def test_every_command_has_its_flag() -> None:
    names = ["startup", *EVENT_TYPES]
    settings = config.read("satellite", SatelliteConfig, [f"--{name}-command={name}" for name in names])
    assert event_commands.find_command_lines(settings) == {name: name for name in names}


@pytest.mark.parametrize(
    "settings",
    [
        SatelliteConfig(event_uri="http://x"),
        SatelliteConfig(error_command="no-such-program"),
        SatelliteConfig(leds="disco"),
        SatelliteConfig(button=("knob",)),
        SatelliteConfig(api_port=0, api_host="0.0.0.0"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(settings: SatelliteConfig) -> None:
    with pytest.raises(ConfigError):
        Integrations(settings, FakeControls(), FakeTimerControls())


async def test_a_port_that_is_taken_ends_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = SatelliteConfig(api_port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match="--api-port"):
            await Integrations(settings, FakeControls(), FakeTimerControls()).run()


def test_no_library_is_imported_before_it_is_chosen() -> None:
    devices = {"sounddevice", "numpy", "soxr", "spidev", "gpiozero", "gpiod", "evdev"}
    libraries = devices | {"aiohttp", "prometheus_client.core", "zeroconf", "sqlite3", "rich"}
    code = f"import sys, wyoming_rosie_satellite.__main__; print({libraries} & sys.modules.keys())"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert imported.stdout.strip() == "set()"
