"""The satellite: settings, parts, service."""

import asyncio
import sys
import time

from wyoming_rosie import config
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.runtime import exit_status
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_satellite import factory, log_format, migration, profiles
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.integrations.factory import Surroundings
from wyoming_rosie_satellite.integrations.turn_metrics import TurnWatcher
from wyoming_rosie_satellite.listeners import Places
from wyoming_rosie_satellite.satellite import Satellite
from wyoming_rosie_satellite.storage.state_store import StateStore
from wyoming_rosie_satellite.storage.timer_service import AlarmClock


async def serve(settings: SatelliteConfig) -> None:
    """Be a satellite until told to stop. Raises ConfigError."""
    if settings.log_format is not None:
        log_format.use(settings.log_format)
    settings = await asyncio.to_thread(factory.with_known_words, settings)
    folder = factory.folder(settings)
    store = StateStore(folder / "state.json")
    voices = await asyncio.to_thread(factory.voices, settings)
    fittings = factory.fittings(settings, voices, store.keep)
    echo = factory.echo(settings)
    satellite = Satellite(factory.speaker(settings, fittings.volume, echo), fittings)
    satellite.restore(await store.load())
    satellite.alarms = AlarmClock(folder / "timers.json", fittings.watchers.saw, satellite.ring)
    surroundings = Surroundings(settings, satellite, satellite.alarms)
    satellite.stand_in = factory.stand_in(settings, satellite.take)
    beside = [] if satellite.stand_in is None else [satellite.stand_in]
    for watcher in (*surroundings.watchers, *beside):
        fittings.watchers.add(watcher)
    metrics = Metrics()
    turns = create_turn_metrics(metrics, lambda: satellite.player.waiting, is_enabled=settings.has_monitor)
    fittings.watchers.add(TurnWatcher(turns, time.monotonic))
    places = Places(settings, satellite, metrics)
    microphone = factory.microphone(settings, begin=satellite.conducted, echo=echo)
    ears = factory.ears(settings, places.learned)
    try:
        await run_until_first_exit(
            places.run(),
            satellite.run(microphone, ears),
            satellite.alarms.run(),
            store.run(),
            surroundings.run(),
            *(one.run() for one in beside),
        )
    finally:
        if voices is not None:
            voices.close()


def main() -> None:
    """Run the wyoming-rosie-satellite command; with --migrate and a command of wyoming-satellite, print its settings."""
    sys.argv[1:] = arguments = migration.in_our_words(sys.argv[1:])
    with exit_status.exit_on_error("wyoming-rosie-satellite", "satellite"):
        if arguments[:1] == ["--migrate"]:
            sys.stdout.write(migration.migrated(arguments[1:]))
            return
        configured = profiles.configured(arguments)
    config.main("satellite", configured, serve)


if __name__ == "__main__":
    main()
