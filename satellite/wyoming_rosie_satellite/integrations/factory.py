"""Everything around a satellite that its settings ask for: services, programs, lights, buttons and the local API."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import TypeAlias

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.integrations import buttons, event_commands, leds
from wyoming_rosie_satellite.integrations.auth import create_auth
from wyoming_rosie_satellite.integrations.buttons.controller import ButtonController
from wyoming_rosie_satellite.integrations.command_dispatcher import CommandDispatcher, TimerControls
from wyoming_rosie_satellite.integrations.controls import Controls
from wyoming_rosie_satellite.integrations.event_commands import EventCommands
from wyoming_rosie_satellite.integrations.event_service import EventForwarder
from wyoming_rosie_satellite.integrations.leds.controller import LedController
from wyoming_rosie_satellite.integrations.observers import Observer, Observers, muted_event, phase_event

_LOG = structlog.get_logger()
RESTART_SECONDS = 5.0
Runnable: TypeAlias = Callable[[], Coroutine[None, None, None]]


class Integrations:
    """`watchers` want to be told what happens. Raises ConfigError for what cannot be had."""

    def __init__(self, settings: SatelliteConfig, controls: Controls, clock: TimerControls) -> None:
        self.observers: list[Observer] = []
        self._controls = controls
        self._services: list[Runnable] = []
        desk = CommandDispatcher(controls, clock, _now)
        self._add_services(settings, desk)
        self._add_devices(settings, controls)
        if settings.api_port is not None:
            self._add_api(settings, settings.api_port, desk)

    async def run(self) -> None:
        """Run all of it until cancelled, beginning with how the last run has left the satellite. Raises ConfigError."""
        shown = self._controls.status
        Observers(self.observers).on_event(phase_event(shown.phase))
        Observers(self.observers).on_event(muted_event(shown.muted))
        await run_until_first_exit(_wait_forever(), *(supervise(run) for run in self._services))

    def _add_services(self, settings: SatelliteConfig, desk: CommandDispatcher) -> None:
        if settings.event_uri is not None:
            sender = EventForwarder(settings.event_uri, desk.execute, place=_satellite_context(settings))
            self._add(sender, sender.run)
        if lines := event_commands.find_command_lines(settings):
            commands = EventCommands(lines)
            self._add(commands, commands.run)

    def _add_devices(self, settings: SatelliteConfig, controls: Controls) -> None:
        if settings.leds is not None:
            lights = LedController(leds.load(settings.leds, settings.led_brightness))
            self._add(lights, lights.run)
        for written in settings.button:
            self._services.append(
                ButtonController(buttons.load(written), controls, push_to_talk=settings.push_to_talk).run
            )

    def _add_api(self, settings: SatelliteConfig, port: int, desk: CommandDispatcher) -> None:
        from wyoming_rosie_satellite.integrations.api import LocalApi

        api = LocalApi(desk, create_auth(settings.api_host, settings.api_token_file))

        async def answer() -> None:
            async with api.serve(settings.api_host, port):
                await _wait_forever()

        self._add(api, answer)

    def _add(self, watcher: Observer, run: Runnable) -> None:
        self.observers.append(watcher)
        self._services.append(run)


async def supervise(run: Runnable, restart_seconds: float = RESTART_SECONDS) -> None:
    """Run a part until cancelled and start it again after a failure. Raises ConfigError if it cannot start at first."""
    is_first = True
    while True:
        try:
            await run()
        except ConfigError:
            if is_first:
                raise
            _LOG.exception("part of the satellite does not start again yet", part=run.__qualname__)
        except Exception:  # noqa: BLE001 - the border to lights, buttons and programs: a bug there must not end the voice
            _LOG.exception("part of the satellite failed; it starts again", part=run.__qualname__)
        is_first = False
        await asyncio.sleep(restart_seconds)


def _satellite_context(settings: SatelliteConfig) -> Mapping[str, str]:
    """Return which satellite this is, and its room, as far as it was named."""
    named = {"satellite_id": settings.name, "area": settings.area}
    return {key: value for key, value in named.items() if value}


async def _wait_forever() -> None:
    await asyncio.Event().wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
