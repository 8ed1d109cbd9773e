"""The speech-to-text daemon: settings, engine, service."""

import asyncio
import sys
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import structlog
from wyoming.info import Info

from wyoming_rosie import config
from wyoming_rosie.config import option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.errors import ConfigError, EngineError
from wyoming_rosie.home import loader, model
from wyoming_rosie.home.home_assistant.client import DEFAULT_TIMEOUTS, HomeAssistantClient, check_token
from wyoming_rosie.home.home_assistant.client import Settings as HomeAssistantSettings
from wyoming_rosie.home.model import Home
from wyoming_rosie.home.watcher import HomeWatcher, LatestHome
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.protocol import server
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.protocol.service_config import ServiceConfig
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie.voice_activity import endpointing, segmenter, silero
from wyoming_rosie.voice_activity.endpointing import EndpointingRules
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, create_scheduler
from wyoming_rosie_asr.engine import AsrEngine, EngineContext
from wyoming_rosie_asr.handler import AsrHandler
from wyoming_rosie_asr.speaker_identifier import SpeakerIdentifier, SpeakerSettings
from wyoming_rosie_asr.utterance import AsrContext

_LOG = structlog.get_logger()
ENGINES = EngineRegistry("wyoming_rosie_asr.engines")
MAX_SECONDS = 600
MAX_WAITING = 1000
MAX_ENTITIES = 5000
"""Entities of Home Assistant in the grammar, which takes 3 s of CPU time and 200 MB for so many."""
SPECULATION_MS = 160
"""Five frames of voice activity detection. Speculation may start early: it is discarded when speech resumes."""


@dataclass(frozen=True)
class AsrEndpointingRules(EndpointingRules):
    perhaps_ms: int = option(
        SPECULATION_MS,
        "silence after which speculative decoding starts, milliseconds",
        minimum=0,
        maximum=endpointing.MAX_MS,
    )


@dataclass(frozen=True)
class AsrSegmenterRules(SegmenterRules):
    hangover_ms: int = option(
        SPECULATION_MS, "silence after which speech has stopped, milliseconds", minimum=0, maximum=segmenter.MAX_MS
    )
    far_db: float = option(
        segmenter.COMMAND_FAR_DB,
        "speech that is softer than the loudest by this is another voice, which does not count, dB; 0: all counts",
        minimum=0,
        maximum=segmenter.MAX_FAR_DB,
    )


@ENGINES.configures("engine")
@dataclass(frozen=True)
class AsrConfig(ServiceConfig):
    """Speech to text over the Wyoming protocol."""

    uri: str = option(
        "tcp://127.0.0.1:10300", "where to listen: tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio://"
    )
    home: Path = option(model.DEMO_HOME, "TOML file with the areas and entities of the home")
    home_source: Literal["file", "home-assistant"] = option(
        "file", "where the areas and entities come from: file, or home-assistant, which replaces those of the file"
    )
    home_assistant: HomeAssistantSettings = option(HomeAssistantSettings, "")
    engine: str = option("pocketsphinx", "speech-to-text engine")
    data_dir: Path | None = option(None, "folder of fetched models [default: the user's data folder]")
    preload: bool = option(True, "load the models at the start, not with the first request")
    keep_alive: float = option(0.0, "unload a model that has not been used for so many seconds; 0: never")
    external_vad: bool = option(False, "leave endpointing to the peer: answer after its audio-stop only")
    end_of_speech: AsrEndpointingRules = option(AsrEndpointingRules, "")
    speech: AsrSegmenterRules = option(AsrSegmenterRules, "")
    speakers: SpeakerSettings = option(SpeakerSettings, "")
    longest_seconds: float = option(30.0, "reject utterances that are longer, seconds")
    partial_seconds: float = option(1.0, "interval of partial results, seconds; 0: only the final transcript")
    waiting: int = option(16, "utterances that may wait for the engine; more are rejected as busy")
    accuracy: Path | None = option(
        None,
        "print the word error rate on the WAV files of this folder and exit; the reference text is a file's name, "
        "or in a .txt file beside it",
    )


async def serve(settings: AsrConfig) -> None:
    """Serve speech to text until stopped. Raises ConfigError, EngineError."""
    _check_settings(settings)
    engine = _load_engine(settings)
    try:
        if settings.accuracy is not None:
            from wyoming_rosie_asr import word_error_rate

            await word_error_rate.print_report(engine, settings.accuracy, sys.stdout)
        else:
            await _serve(settings, engine)
    finally:
        await engine.close()


async def _serve(settings: AsrConfig, engine: AsrEngine) -> None:
    vad = await asyncio.to_thread(silero.load, silero.Settings())
    vad_scheduler = create_scheduler(vad)
    metrics = Metrics()
    speakers = SpeakerIdentifier(
        settings.speakers, config.state_folder("asr"), settings.data_dir or config.data_folder()
    )
    context = AsrContext(
        engine,
        vad_scheduler,
        partial(VadStream, vad, settings.speech),
        settings.end_of_speech,
        not settings.external_vad,
        settings.longest_seconds,
        settings.partial_seconds,
        metrics=create_turn_metrics(metrics, lambda: engine.waiting, is_enabled=settings.has_monitor),
        speakers=speakers,
    )
    daemon = DaemonServer(
        "asr",
        _build_info(settings, engine),
        lambda send: AsrHandler(context, send),
        is_installed=engine.is_installed,
        metrics=metrics,
        waiting=lambda: engine.waiting,
    )
    try:
        await run_until_first_exit(
            server.run(daemon, settings), _prepare_engine(settings, engine, daemon), _follow_home(settings, engine)
        )
    finally:
        speakers.close()
        vad_scheduler.close()


async def _prepare_engine(settings: AsrConfig, engine: AsrEngine, daemon: DaemonServer) -> None:
    """Load the models that are installed, then fetch and load the others; never returns."""
    if settings.preload:
        await _load_models(engine)
    if not (engine.is_installed and all(model.installed for model in engine.describe().models)):
        await _fetch_models(engine)
        daemon.set_info(_build_info(settings, engine))
        if engine.is_installed:
            daemon.installed.set()
        if settings.preload:
            await _load_models(engine)
    await asyncio.Event().wait()


async def _load_models(engine: AsrEngine) -> None:
    try:
        await engine.prepare()
    except EngineError as err:
        _LOG.error("engine failed to load", reason=str(err))


async def _fetch_models(engine: AsrEngine) -> None:
    try:
        await engine.install()
    except EngineError as err:
        _LOG.error("models are not fetched", reason=str(err))


async def _follow_home(settings: AsrConfig, engine: AsrEngine) -> None:
    """Pass each change of the home to the engine; never returns."""
    latest = LatestHome()
    watch = _watch_home_assistant if settings.home_source == "home-assistant" else _watch_home_file
    await run_until_first_exit(watch(settings, latest), _change_homes(latest, engine))


async def _watch_home_file(settings: AsrConfig, latest: LatestHome) -> None:
    async with aclosing(HomeWatcher(settings.home).changes()) as changes:
        async for changed in changes:
            latest.put(changed)


async def _watch_home_assistant(settings: AsrConfig, latest: LatestHome) -> None:
    file_home = await asyncio.to_thread(loader.load_home, settings.home)
    client = HomeAssistantClient(
        settings.home_assistant, file_home, lambda home: latest.put(_limit_home(home)), DEFAULT_TIMEOUTS
    )
    await client.run()


async def _change_homes(latest: LatestHome, engine: AsrEngine) -> None:
    while True:
        try:
            await engine.change_home(await latest.take())
        except EngineError as err:
            _LOG.error("home was not updated", reason=str(err))


def _limit_home(home: Home) -> Home:
    """Return a home without the entities beyond MAX_ENTITIES."""
    if len(home.entities) <= MAX_ENTITIES:
        return home
    _LOG.warning("too many entities: expose fewer of them", entities=len(home.entities), used=MAX_ENTITIES)
    return replace(home, entities=home.entities[:MAX_ENTITIES])


def _build_info(settings: AsrConfig, engine: AsrEngine) -> Info:
    streams = engine.supports_streaming and bool(settings.partial_seconds)
    program = replace(
        engine.describe(), supports_transcript_streaming=streams, requires_external_vad=settings.external_vad
    )
    return Info(asr=[program])


def _load_engine(settings: AsrConfig) -> AsrEngine:
    def load(name: str) -> AsrEngine:
        engine: AsrEngine = ENGINES.load(name, settings, replace(context, is_part=name != settings.engine))
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
    if settings.home_source == "home-assistant":
        check_token(settings.home_assistant)
    endpointing.check_endpointing_rules(settings.end_of_speech)
    segmenter.check_segmenter_rules(settings.speech)


def main() -> None:
    """Run the wyoming-rosie-asr command."""
    config.main("asr", AsrConfig, serve)


if __name__ == "__main__":
    main()
