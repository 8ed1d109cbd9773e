"""wyoming-rosie-asr: settings, engine, service."""

import asyncio
import sys
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog
from wyoming.info import Info

from wyoming_rosie import config
from wyoming_rosie.config import option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.errors import ConfigError, EngineError
from wyoming_rosie.home import model
from wyoming_rosie.home.watcher import HomeWatcher
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.protocol import server
from wyoming_rosie.protocol.server import DaemonServer, ServiceConfig
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie.voice_activity import endpointing, segmenter, silero
from wyoming_rosie.voice_activity.endpointing import EndpointingRules
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, create_scheduler
from wyoming_rosie_asr import word_error_rate
from wyoming_rosie_asr.engine import AsrEngine, EngineContext
from wyoming_rosie_asr.handler import AsrHandler
from wyoming_rosie_asr.utterance import AsrContext

_LOG = structlog.get_logger()
ENGINES = EngineRegistry("wyoming_rosie_asr.engines")
MAX_SECONDS = 600
MAX_WAITING = 1000
SPECULATION_MS = 160
"""Five frames of the voice detector: a guess is thrown away when speech goes on, so that it may begin early."""


@dataclass(frozen=True)
class AsrEndpointingRules(EndpointingRules):
    perhaps_ms: int = option(
        SPECULATION_MS, "silence after which it is decided what was said, for the case that this is all"
    )


@dataclass(frozen=True)
class AsrSegmenterRules(SegmenterRules):
    hangover_ms: int = option(SPECULATION_MS, "silence after which speech has stopped, milliseconds")


@ENGINES.configures("engine")
@dataclass(frozen=True)
class AsrConfig(ServiceConfig):
    """Speech to text over the Wyoming protocol."""

    uri: str = option("tcp://127.0.0.1:10300", "where to listen: tcp://HOST:PORT, unix:///PATH or stdio://")
    home: Path = option(model.DEMO_HOME, "TOML file with the areas and entities that people speak about")
    engine: str = option("pocketsphinx", "which engine to use")
    data_dir: Path | None = option(None, "where fetched models are kept [default: the user's data folder]")
    preload: bool = option(True, "have the models in memory from the start, instead of from the first use")
    keep_alive: float = option(0.0, "let go of a model that was not used for so many seconds; 0: never")
    external_vad: bool = option(
        False, "leave it to the peer to say when an utterance is over, however long the silence"
    )
    end_of_speech: AsrEndpointingRules = option(AsrEndpointingRules, "")
    speech: AsrSegmenterRules = option(AsrSegmenterRules, "")
    longest_seconds: float = option(30.0, "refuse utterances that are longer, seconds")
    partial_seconds: float = option(1.0, "tell what was said so far each time so much more was; 0: only at the end")
    waiting: int = option(16, "utterances that may wait for an engine; more are refused as busy")
    accuracy: Path | None = option(
        None,
        "serve nobody; print the word error rate on this folder's WAV files, each with its words in its name or a .txt",
    )


async def serve(settings: AsrConfig) -> None:
    """Write down what is said until told to stop. Raises ConfigError, EngineError."""
    _check_settings(settings)
    engine = _load_engine(settings)
    try:
        if settings.accuracy is not None:
            await word_error_rate.print_report(engine, settings.accuracy, sys.stdout)
        else:
            await _serve(settings, engine)
    finally:
        await engine.close()


async def _serve(settings: AsrConfig, engine: AsrEngine) -> None:
    voice = await asyncio.to_thread(silero.load, silero.Settings())
    voices = create_scheduler(voice)
    metrics = Metrics()
    ears = AsrContext(
        engine,
        voices,
        partial(VadStream, voice, settings.speech),
        settings.end_of_speech,
        not settings.external_vad,
        settings.longest_seconds,
        settings.partial_seconds,
        metrics=create_turn_metrics(metrics, lambda: engine.waiting, is_enabled=settings.has_monitor),
    )
    daemon = DaemonServer(
        "asr",
        _build_info(settings, engine),
        lambda send: AsrHandler(ears, send),
        is_installed=engine.is_installed,
        metrics=metrics,
    )
    try:
        await run_until_first_exit(
            server.run(daemon, settings), _prepare_engine(settings, engine, daemon), _watch_home(settings, engine)
        )
    finally:
        voices.close()


async def _prepare_engine(settings: AsrConfig, engine: AsrEngine, daemon: DaemonServer) -> None:
    """Have the models on this machine and in memory; never returns."""
    try:
        await engine.install()
        daemon.set_info(_build_info(settings, engine))
        daemon.installed.set()
        if settings.preload:
            await engine.prepare()
    except EngineError as err:
        _LOG.error("the engine is not ready", reason=str(err))
    await asyncio.Event().wait()


async def _watch_home(settings: AsrConfig, engine: AsrEngine) -> None:
    """Hand a changed home to the engine; never returns."""
    async with aclosing(HomeWatcher(settings.home).changes()) as changes:
        async for changed in changes:
            try:
                await engine.change_home(changed)
            except EngineError as err:
                _LOG.error("the changed home is not used", reason=str(err))


def _build_info(settings: AsrConfig, engine: AsrEngine) -> Info:
    streams = engine.supports_streaming and bool(settings.partial_seconds)
    program = replace(
        engine.describe(), supports_transcript_streaming=streams, requires_external_vad=settings.external_vad
    )
    return Info(asr=[program])


def _load_engine(settings: AsrConfig) -> AsrEngine:
    def load(name: str) -> AsrEngine:
        engine: AsrEngine = ENGINES.load(name, settings, context)
        return engine

    data = settings.data_dir or config.data_folder()
    context = EngineContext(settings.home, data, settings.keep_alive, settings.waiting, load)
    return load(settings.engine)


def _check_settings(settings: AsrConfig) -> None:
    if not 0 < settings.longest_seconds <= MAX_SECONDS:
        raise ConfigError(
            f"--longest-seconds must be more than 0 and at most {MAX_SECONDS}, not {settings.longest_seconds:g}"
        )
    if not 1 <= settings.waiting <= MAX_WAITING:
        raise ConfigError(f"--waiting must be from 1 to {MAX_WAITING}, not {settings.waiting}")
    for name in ("keep_alive", "partial_seconds"):
        if getattr(settings, name) < 0:
            raise ConfigError(f"--{name.replace('_', '-')} must not be negative")
    endpointing.check_endpointing_rules(settings.end_of_speech)
    segmenter.check_segmenter_rules(settings.speech)


def main() -> None:
    """Run the wyoming-rosie-asr command."""
    config.main("asr", AsrConfig, serve)


if __name__ == "__main__":
    main()
