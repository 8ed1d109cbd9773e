"""The VAD daemon: settings, engine, service."""

import asyncio
from dataclasses import dataclass
from typing import Any

from wyoming.info import Info

from wyoming_rosie import config
from wyoming_rosie.config import option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.protocol import server
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.protocol.service_config import ServiceConfig
from wyoming_rosie.voice_activity import segmenter
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.stream import create_scheduler
from wyoming_rosie_vad.handler import VadHandler

ENGINES = EngineRegistry("wyoming_rosie_vad.engines")


@ENGINES.configures("engine")
@dataclass(frozen=True)
class VadConfig(ServiceConfig):
    """Voice activity detection over the Wyoming protocol."""

    uri: str = option(
        "tcp://127.0.0.1:10450", "where to listen: tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio://"
    )
    engine: str = option("silero", "voice activity detection engine")
    speech: segmenter.SegmenterRules = option(segmenter.SegmenterRules, "rules of segmentation")


async def serve(settings: VadConfig) -> None:
    """Serve voice activity detection until stopped. Raises ConfigError."""
    segmenter.check_segmenter_rules(settings.speech)
    engine: VadEngine[Any] = await asyncio.to_thread(ENGINES.load, settings.engine, settings)
    scheduler = create_scheduler(engine)
    metrics = Metrics()
    turns = create_turn_metrics(metrics, lambda: scheduler.waiting, is_enabled=settings.has_monitor)
    daemon = DaemonServer(
        "vad",
        {**Info().to_dict(), "vad": [engine.describe()]},
        lambda send: VadHandler(engine, scheduler, settings.speech, send, turns),
        metrics=metrics,
        waiting=lambda: scheduler.waiting,
    )
    try:
        await server.run(daemon, settings)
    finally:
        scheduler.close()


def main() -> None:
    """Run the wyoming-rosie-vad command."""
    config.main("vad", VadConfig, serve)


if __name__ == "__main__":
    main()
