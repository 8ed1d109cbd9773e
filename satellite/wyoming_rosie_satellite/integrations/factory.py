"""Integrations that the settings ask for: event service, event commands, LEDs, buttons and the local API."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import TypeAlias

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.auth import create_auth
from wyoming_rosie.runtime.tasks import loop_time, run_until_first_exit
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.integrations import buttons, event_commands, leds
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
    """The integrations of a satellite, and the observers among them. Raises ConfigError."""

    def __init__(self, settings: SatelliteConfig, controls: Controls, timers: TimerControls) -> None:
        self.observers: list[Observer] = []
        self.leds: LedController | None = None
        self._controls = controls
        self._services: list[Runnable] = []
        dispatcher = CommandDispatcher(controls, timers, loop_time)
        self._add_services(settings, dispatcher)
        self._add_devices(settings, controls)
        if settings.api_port is not None:
            self._add_api(settings, settings.api_port, dispatcher)

    async def run(self) -> None:
        """Run all integrations until cancelled; the observers get the present state first. Raises ConfigError."""
        status = self._controls.status
        Observers(self.observers).on_event(phase_event(status.phase))
        Observers(self.observers).on_event(muted_event(status.muted))
        await run_until_first_exit(_wait_forever(), *(supervise(run) for run in self._services))

    def _add_services(self, settings: SatelliteConfig, dispatcher: CommandDispatcher) -> None:
        if settings.event_uri is not None:
            forwarder = EventForwarder(settings.event_uri, dispatcher.execute, context=_satellite_context(settings))
            self._add(forwarder, forwarder.run)
        if lines := event_commands.find_command_lines(settings):
            commands = EventCommands(lines)
            self._add(commands, commands.run)

    def _add_devices(self, settings: SatelliteConfig, controls: Controls) -> None:
        if settings.leds is not None:
            self.leds = LedController(leds.load(settings.leds, settings.led_brightness))
            self._add(self.leds, self.leds.run)
        for option in settings.button:
            self._services.append(
                ButtonController(buttons.load(option), controls, push_to_talk=settings.push_to_talk).run
            )

    def _add_api(self, settings: SatelliteConfig, port: int, dispatcher: CommandDispatcher) -> None:
        from wyoming_rosie_satellite.integrations.api import LocalApi

        api = LocalApi(dispatcher, create_auth(settings.api_host, settings.api_token_file))

        async def answer() -> None:
            async with api.serve(settings.api_host, port):
                await _wait_forever()

        self._add(api, answer)

    def _add(self, observer: Observer, run: Runnable) -> None:
        self.observers.append(observer)
        self._services.append(run)


async def supervise(run: Runnable, restart_seconds: float = RESTART_SECONDS) -> None:
    """Run an integration until cancelled, and restart it after a failure. Raises ConfigError if it cannot start at first."""
    is_first = True
    while True:
        try:
            await run()
        except ConfigError:
            if is_first:
                raise
            _LOG.exception("integration cannot restart yet", integration=run.__qualname__)
        except Exception:  # noqa: BLE001 - a bug in LEDs, buttons or commands must not end the satellite
            _LOG.exception("integration failed; it restarts", integration=run.__qualname__)
        is_first = False
        await asyncio.sleep(restart_seconds)


def _satellite_context(settings: SatelliteConfig) -> Mapping[str, str]:
    """Return the satellite's name and area, as far as the settings have them."""
    named = {"satellite_id": settings.name, "area": settings.area}
    return {key: value for key, value in named.items() if value}


async def _wait_forever() -> None:
    await asyncio.Event().wait()
