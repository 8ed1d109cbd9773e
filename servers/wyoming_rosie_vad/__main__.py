"""The VAD daemon: settings, engine, service."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from wyoming.info import Info

from wyoming_rosie import config
from wyoming_rosie.config import option
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.protocol import server
from wyoming_rosie.protocol.server import DaemonServer, ServiceConfig
from wyoming_rosie.voice_activity import segmenter
from wyoming_rosie.voice_activity.stream import create_scheduler
from wyoming_rosie_vad.engines import silero as silero_engine
from wyoming_rosie_vad.handler import VadHandler


@dataclass(frozen=True)
class VadConfig(ServiceConfig):
    """Where speech starts and stops, over the Wyoming protocol."""

    uri: str = option("tcp://127.0.0.1:10450", "where to listen: tcp://HOST:PORT, unix:///PATH or stdio://")
    engine: Literal["silero"] = option("silero", "which engine to load")
    silero: silero_engine.Settings = option(silero_engine.Settings, "settings of the silero engine")
    speech: segmenter.SegmenterRules = option(segmenter.SegmenterRules, "what counts as speech")


async def serve(settings: VadConfig) -> None:
    """Find speech until told to stop."""
    segmenter.check_segmenter_rules(settings.speech)
    engine = await asyncio.to_thread(silero_engine.load, settings.silero)
    scheduler = create_scheduler(engine)
    metrics = Metrics()
    voices = create_turn_metrics(metrics, lambda: scheduler.waiting, is_enabled=settings.has_monitor)
    vad = DaemonServer(
        "vad",
        {**Info().to_dict(), "vad": [engine.describe()]},
        lambda send: VadHandler(engine, scheduler, settings.speech, send, voices),
        metrics=metrics,
    )
    try:
        await server.run(vad, settings)
    finally:
        scheduler.close()


def main() -> None:
    """Run the wyoming-rosie-vad command."""
    config.main("vad", VadConfig, serve)


if __name__ == "__main__":
    main()
