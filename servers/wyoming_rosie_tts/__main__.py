"""The text-to-speech daemon: settings, engine, service."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from wyoming.info import Info

from wyoming_rosie import config
from wyoming_rosie.config import option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.errors import RosieError
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.models.background_fetch import FAILED_EVENT
from wyoming_rosie.protocol import server
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.protocol.service_config import ServiceConfig
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_tts import combined_engine, phrase_cache
from wyoming_rosie_tts.engine import TtsEngine
from wyoming_rosie_tts.handler import TtsHandler, prewarm
from wyoming_rosie_tts.loudness import LoudnessNormalizer
from wyoming_rosie_tts.reply_audio import TtsContext
from wyoming_rosie_tts.synthesis_scheduler import SynthesisScheduler
from wyoming_rosie_tts.voice_selection import check_language_voices, parse_language_voices

_LOG = structlog.get_logger()
ENGINES = EngineRegistry("wyoming_rosie_tts.engines")
FIRST_PAUSE_SECONDS = 15.0
MAX_PAUSE_SECONDS = 600.0
PHRASES = (
    "Sorry, I did not understand that.",
    "Sorry, that did not work.",
    "Sorry, I cannot do anything right now.",
    "One moment.",
)


@ENGINES.configures("engine", combined_engine.NAME)
@dataclass(frozen=True)
class TtsConfig(ServiceConfig):
    """Text to speech over the Wyoming protocol."""

    uri: str = option(
        "tcp://127.0.0.1:10200", "where to listen: tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio://"
    )
    engine: str = option(
        combined_engine.NAME, "which engine to load; auto: the best installed voice of each language, of all engines"
    )
    data_dir: Path | None = option(None, "where fetched voices are kept [default: the user's data folder]")
    language_voice: tuple[str, ...] = option(
        (), "the voice for a language, as de=NAME; may be given again [default: the nearest]"
    )
    text_limit: int = option(20_000, "maximum characters of one text, streamed or whole")
    phrase: tuple[str, ...] = option(PHRASES, "a text to synthesize at start and keep; may be given again")
    cache: phrase_cache.Settings = option(phrase_cache.Settings, "cache of synthesized audio")


async def serve(settings: TtsConfig) -> None:
    """Serve text to speech until stopped. Raises ConfigError."""
    data = settings.data_dir or config.data_folder()
    engine = await asyncio.to_thread(load_engine, settings, data)
    language_voices = parse_language_voices(settings.language_voice)
    check_language_voices(engine, language_voices)
    cache = await asyncio.to_thread(phrase_cache.load, settings.cache)
    scheduler = SynthesisScheduler("tts", engine.workers)
    metrics = Metrics()
    context = TtsContext(
        engine,
        scheduler,
        cache,
        LoudnessNormalizer(),
        create_turn_metrics(metrics, lambda: scheduler.waiting, is_enabled=settings.has_monitor),
        language_voices,
    )
    daemon = DaemonServer(
        "tts",
        Info(tts=[engine.describe()]),
        lambda send: TtsHandler(context, settings.text_limit, send),
        is_installed=engine.is_installed,
        metrics=metrics,
        waiting=lambda: scheduler.waiting,
    )
    preparing = asyncio.create_task(prepare(context, daemon, settings.phrase))
    try:
        await server.run(daemon, settings)
    finally:
        preparing.cancel()
        await asyncio.wait([preparing])
        scheduler.close()
        cache.close()


def load_engine(settings: TtsConfig, data: Path) -> TtsEngine:
    """Return the engine of the settings. Raises ConfigError."""

    def load(name: str, with_settings: object = settings) -> Any:
        return ENGINES.load(name, with_settings, data)

    return combined_engine.load(settings, load) if settings.engine == combined_engine.NAME else load(settings.engine)


async def prepare(context: TtsContext, daemon: DaemonServer, phrases: tuple[str, ...]) -> None:
    """Install the engine if necessary, announce it, and prewarm the phrases."""
    await ensure_installed(context.engine)
    daemon.set_info(Info(tts=[context.engine.describe()]))
    daemon.installed.set()
    await prewarm(context, phrases)


async def ensure_installed(engine: TtsEngine) -> None:
    """Try to install the engine, with backoff, until it is installed."""
    backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
    while not engine.is_installed:
        try:
            await engine.install()
        except RosieError as err:
            _LOG.warning(FAILED_EVENT, reason=str(err))
        if not engine.is_installed:
            await backoff.sleep()


def main() -> None:
    """Run the wyoming-rosie-tts command."""
    config.main("tts", TtsConfig, serve)


if __name__ == "__main__":
    main()
