"""wyoming-rosie-asr: settings, engine, service."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wyoming.info import Info

from wyoming_rosie import config, home, service
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.service import Service, ServiceConfig
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_asr.conversation import AsrConversation
from wyoming_rosie_asr.engines import pocketsphinx as pocketsphinx_engine


@dataclass(frozen=True)
class AsrConfig(ServiceConfig):
    """Speech to text over the Wyoming protocol."""

    uri: str = option("tcp://127.0.0.1:10300", "where to listen: tcp://HOST:PORT, unix:///PATH or stdio://")
    home: Path = option(home.DEMO_HOME, "TOML file with the areas and entities that people speak about")
    engine: Literal["pocketsphinx"] = option("pocketsphinx", "which engine to load")
    pocketsphinx: pocketsphinx_engine.Settings = option(pocketsphinx_engine.Settings, "")
    longest_seconds: float = option(30.0, "refuse utterances that are longer, seconds")


async def serve(settings: AsrConfig) -> None:
    """Write down what is said until told to stop. Raises ConfigError, EngineError."""
    if not 0 < settings.longest_seconds <= 600:
        raise ConfigError(f"--longest-seconds must be more than 0 and at most 600, not {settings.longest_seconds:g}")
    engine = await pocketsphinx_engine.load(settings.pocketsphinx, home.load(settings.home))
    converter = ThreadWorker("asr-audio")
    try:
        daemon = Service(
            "asr",
            Info(asr=[engine.describe()]),
            lambda send: AsrConversation(engine, converter, settings.longest_seconds, send),
        )
        await service.run(daemon, settings)
    finally:
        converter.close()
        await engine.close()


def main() -> None:
    """Run the wyoming-rosie-asr command."""
    config.main("asr", AsrConfig, serve)


if __name__ == "__main__":
    main()
