"""The satellite: settings, components, services."""

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from wyoming.info import WakeProgram

from wyoming_rosie import config
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.runtime import exit_status
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie.trust import membership
from wyoming_rosie_satellite import factory, profiles
from wyoming_rosie_satellite.audio.devices.portaudio import loaded_portaudio, watch_portaudio
from wyoming_rosie_satellite.compat import log_format, migration
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.integrations.factory import Integrations, supervise
from wyoming_rosie_satellite.integrations.turn_metrics import TurnMetricsObserver
from wyoming_rosie_satellite.listeners import ConductorListeners
from wyoming_rosie_satellite.satellite import Satellite
from wyoming_rosie_satellite.storage.state_store import StateStore
from wyoming_rosie_satellite.storage.timer_service import SatelliteTimerService
from wyoming_rosie_satellite.wake.peer_network import create_peer_network

if TYPE_CHECKING:
    from wyoming_rosie_satellite.esphome.service import EspHomeService


async def serve(settings: SatelliteConfig) -> None:
    """Run the satellite until stopped. Raises ConfigError."""
    if settings.log_format is not None:
        log_format.configure(settings.log_format)
    settings = await asyncio.to_thread(factory.resolve_wake_words, settings)
    folder = factory.data_folder(settings)
    store = StateStore(folder / "state.json")
    vad = await asyncio.to_thread(factory.create_vad, settings)
    spoken_stop = await asyncio.to_thread(factory.create_spoken_stop, settings)
    peers = await asyncio.to_thread(create_peer_network, settings, membership.current())
    components = factory.create_components(settings, vad, spoken_stop, store.save, peers)
    echo = factory.create_echo_reference(settings)
    speaker = factory.create_speaker(settings, components.volume, echo)
    mixer = factory.create_mixer(settings, speaker)
    satellite = Satellite(mixer or speaker, factory.add_ducking(components, mixer))
    satellite.restore(await store.load())
    observers = components.observers
    satellite.timers = SatelliteTimerService(folder / "timers.json", observers.on_event, satellite.ring)
    integrations = Integrations(settings, satellite, satellite.timers)
    satellite.offline_queue = factory.create_offline_queue(settings, satellite.handle)
    queues = [] if satellite.offline_queue is None else [satellite.offline_queue]
    mqtt = factory.create_mqtt_conductor(settings, satellite)
    conductors = [] if mqtt is None else [mqtt]
    esphome = factory.create_esphome(settings, satellite, mixer, integrations.leds)
    device_apis = [] if esphome is None else [esphome]
    metrics = Metrics()
    turns = create_turn_metrics(metrics, lambda: satellite.player.queue_size, is_enabled=settings.has_monitor)
    for observer in (
        *integrations.observers,
        *queues,
        *conductors,
        *device_apis,
        TurnMetricsObserver(turns, time.monotonic),
    ):
        observers.add(observer)
    listeners = ConductorListeners(settings, satellite, metrics)
    microphone = factory.create_microphone(settings, begin=satellite.has_joined, echo=echo)
    detector = factory.create_detector(
        settings, lambda programs: _offer_wake_words(settings, programs, listeners, esphome)
    )
    if esphome is not None:
        esphome.use_detector(detector)
    try:
        await run_until_first_exit(
            listeners.run(),
            satellite.run(microphone, detector),
            satellite.timers.run(),
            store.run(),
            integrations.run(),
            *(queue.run() for queue in queues),
            *(api.run() for api in device_apis),
            *(supervise(conductor.run) for conductor in conductors),
            *([peers.run()] if peers is not None else []),
            *([watch_portaudio(portaudio)] if (portaudio := loaded_portaudio()) else []),
        )
    finally:
        if vad is not None:
            vad.close()


def _offer_wake_words(
    settings: SatelliteConfig,
    programs: list[WakeProgram],
    listeners: ConductorListeners,
    esphome: "EspHomeService | None",
) -> None:
    """Tell conductors which wake words the satellite can detect."""
    listeners.set_wake_programs(programs)
    if esphome is not None:
        esphome.set_wake_programs(programs, factory.active_wake_words(settings, programs))


def main() -> None:
    """Run the wyoming-rosie-satellite command; with --migrate and another satellite's command, print its settings instead."""
    sys.argv[1:] = arguments = migration.translate_arguments(sys.argv[1:])
    with exit_status.exit_on_error("wyoming-rosie-satellite", "satellite"):
        if arguments[:1] == ["--migrate"]:
            sys.stdout.write(migration.migrate(arguments[1:]))
            return
        settings_class = profiles.settings_class(arguments)
    config.main("satellite", settings_class, serve)


if __name__ == "__main__":
    main()
