"""The TTS daemon: settings, engine, service."""

from dataclasses import dataclass
from typing import Literal

from wyoming.info import Info

from wyoming_rosie import config, service
from wyoming_rosie.config import option
from wyoming_rosie.service import Service, ServiceConfig
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_tts.conversation import TtsConversation
from wyoming_rosie_tts.engines import espeak as espeak_engine


@dataclass(frozen=True)
class TtsConfig(ServiceConfig):
    """Text to speech over the Wyoming protocol."""

    uri: str = option("tcp://127.0.0.1:10200", "where to listen: tcp://HOST:PORT, unix:///PATH or stdio://")
    engine: Literal["espeak"] = option("espeak", "which engine to load")
    espeak: espeak_engine.Settings = option(espeak_engine.Settings, "settings of the espeak engine")
    text_limit: int = option(20_000, "most characters of one text, streamed or whole")


async def serve(settings: TtsConfig) -> None:
    """Serve voices until told to stop."""
    worker = ThreadWorker("tts")
    try:
        engine = await worker.run(espeak_engine.load, settings.espeak)
        described = Info(tts=[engine.describe()])
        await service.run(
            Service("tts", described, lambda send: TtsConversation(engine, worker, settings.text_limit, send)), settings
        )
    finally:
        worker.close()


def main() -> None:
    """Run the wyoming-rosie-tts command."""
    config.main("tts", TtsConfig, serve)


if __name__ == "__main__":
    main()
