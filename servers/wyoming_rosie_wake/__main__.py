"""The wake daemon: settings, engine, service."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming.info import Info

from wyoming_rosie import config
from wyoming_rosie.config import option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.protocol import server
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.protocol.service_config import ServiceConfig
from wyoming_rosie.runtime.stream_scheduler import BatchScheduler, worker_count
from wyoming_rosie.wakeword.detection import TriggerRules
from wyoming_rosie_wake import capture as recordings
from wyoming_rosie_wake.engine import WakeEngine
from wyoming_rosie_wake.handler import WakeHandler
from wyoming_rosie_wake.models import parse_models

ENGINES = EngineRegistry("wyoming_rosie_wake.engines")


@ENGINES.configures("engine")
@dataclass(frozen=True)
class WakeConfig(TriggerRules, ServiceConfig):
    """Wake word detection over the Wyoming protocol."""

    uri: str = option(
        "tcp://127.0.0.1:10400", "where to listen: tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio://"
    )
    engine: str = option("micro", "wake word engine")
    model: tuple[str, ...] = option((), "a wake word to offer, by name or file; may be given again [default: all]")
    custom_model_dir: tuple[Path, ...] = option((), "a folder with more models; may be given again")
    workers: int = option(0, "detection threads [default: one for each core]")
    capture: recordings.Settings = option(recordings.Settings, "recordings of detections, for training")


async def serve(settings: WakeConfig) -> None:
    """Serve wake word detection until stopped. Raises ConfigError."""
    engine = await asyncio.to_thread(load_engine, settings)
    recorder = await asyncio.to_thread(recordings.create_recorder, settings.capture)
    scheduler = BatchScheduler("wake", engine.process_batch, engine.batch_limits, worker_count(settings.workers))
    metrics = Metrics()
    detections = create_turn_metrics(metrics, lambda: scheduler.waiting, is_enabled=settings.has_monitor)
    daemon = DaemonServer(
        "wake",
        Info(wake=[engine.describe()]),
        lambda send: WakeHandler(engine, scheduler, recorder, send, detections),
        metrics=metrics,
        waiting=lambda: scheduler.waiting,
    )
    try:
        await server.run(daemon, settings)
    finally:
        scheduler.close()


def load_engine(settings: WakeConfig) -> WakeEngine[Any]:
    """Load the selected engine. Raises ConfigError."""
    models = parse_models(settings.custom_model_dir, settings.model, settings)
    engine: WakeEngine[Any] = ENGINES.load(settings.engine, settings, models)
    return engine


def main() -> None:
    """Run the wyoming-rosie-wake command."""
    config.main("wake", WakeConfig, serve)


if __name__ == "__main__":
    main()
