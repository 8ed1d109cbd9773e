"""Everything around a satellite that its settings ask for: services, programs, lights, buttons and the local API."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import TypeAlias

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.integrations import buttons, event_commands, leds
from wyoming_rosie_satellite.integrations.auth import gate
from wyoming_rosie_satellite.integrations.buttons.controller import Fingers
from wyoming_rosie_satellite.integrations.commands import Clock, Desk
from wyoming_rosie_satellite.integrations.controls import Controls
from wyoming_rosie_satellite.integrations.event_commands import EventCommands
from wyoming_rosie_satellite.integrations.event_service import EventSender
from wyoming_rosie_satellite.integrations.leds.controller import Lights
from wyoming_rosie_satellite.integrations.observers import Watcher, Watchers, muted, phase_shown

_LOG = structlog.get_logger()
RESTART_SECONDS = 5.0
Running: TypeAlias = Callable[[], Coroutine[None, None, None]]


class Surroundings:
    """`watchers` want to be told what happens. Raises ConfigError for what cannot be had."""

    def __init__(self, settings: SatelliteConfig, controls: Controls, clock: Clock) -> None:
        self.watchers: list[Watcher] = []
        self._controls = controls
        self._parts: list[Running] = []
        desk = Desk(controls, clock, _now)
        self._add_services(settings, desk)
        self._add_hardware(settings, controls)
        if settings.api_port is not None:
            self._add_api(settings, settings.api_port, desk)

    async def run(self) -> None:
        """Run all of it until cancelled, beginning with how the last run has left the satellite. Raises ConfigError."""
        shown = self._controls.shown
        Watchers(self.watchers).saw(phase_shown(shown.phase))
        Watchers(self.watchers).saw(muted(shown.muted))
        await run_until_first_exit(_forever(), *(supervised(run) for run in self._parts))

    def _add_services(self, settings: SatelliteConfig, desk: Desk) -> None:
        if settings.event_uri is not None:
            sender = EventSender(settings.event_uri, desk.do, place=_place(settings))
            self._add(sender, sender.run)
        if lines := event_commands.lines(settings):
            commands = EventCommands(lines)
            self._add(commands, commands.run)

    def _add_hardware(self, settings: SatelliteConfig, controls: Controls) -> None:
        if settings.leds is not None:
            lights = Lights(leds.load(settings.leds, settings.led_brightness))
            self._add(lights, lights.run)
        for written in settings.button:
            self._parts.append(Fingers(buttons.load(written), controls, push_to_talk=settings.push_to_talk).run)

    def _add_api(self, settings: SatelliteConfig, port: int, desk: Desk) -> None:
        from wyoming_rosie_satellite.integrations.api import LocalApi

        api = LocalApi(desk, gate(settings.api_host, settings.api_token_file))

        async def answer() -> None:
            async with api.served(settings.api_host, port):
                await _forever()

        self._add(api, answer)

    def _add(self, watcher: Watcher, run: Running) -> None:
        self.watchers.append(watcher)
        self._parts.append(run)


async def supervised(run: Running, restart_seconds: float = RESTART_SECONDS) -> None:
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


def _place(settings: SatelliteConfig) -> Mapping[str, str]:
    """Return which satellite this is, and its room, as far as it was named."""
    named = {"satellite_id": settings.name, "area": settings.area}
    return {key: value for key, value in named.items() if value}


async def _forever() -> None:
    await asyncio.Event().wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
