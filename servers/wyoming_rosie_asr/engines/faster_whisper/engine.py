"""Whisper on CTranslate2: dictation in many languages, with models that are fetched by name or read from a folder."""

import asyncio
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from math import exp
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import structlog
from wyoming.info import AsrModel, AsrProgram, Attribution

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError, EngineError
from wyoming_rosie.home import loader
from wyoming_rosie.home.model import Area, Entity, Floor, Home
from wyoming_rosie.models import pip_source, whisper
from wyoming_rosie.models.background_fetch import MEGABYTE, fetch_once, fetch_until_done
from wyoming_rosie.models.whisper import HUB_URL, ModelFolder
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_asr.admission import DecodeJob, PriorityLimiter
from wyoming_rosie_asr.completeness import rate_text
from wyoming_rosie_asr.engine import (
    AsrEngine,
    EngineContext,
    SpeechAudio,
    TranscribeRequest,
    Transcript,
    UnsupportedLanguageError,
    UnsupportedModelError,
)
from wyoming_rosie_asr.engines.faster_whisper import hallucinations
from wyoming_rosie_asr.engines.faster_whisper.segments import split_segments
from wyoming_rosie_asr.lazy_model import LazyModel

if TYPE_CHECKING:
    from wyoming_rosie_asr.engines.faster_whisper.decoder import DecodedSegment, DecodeOptions, WhisperDecoder

_LOG = structlog.get_logger()
DEVICES = ("cpu", "cuda", "auto")
BEAM_SIZES = range(11)
SHORT_WINDOW_MODELS = frozenset({"tiny.en"})
"""Models that are as accurate with short windows; base is not (docs/performance.md)."""
_RUNTIME = "ctranslate2"
_CONTROLLED = frozenset({
    "climate", "cover", "fan", "light", "lock", "media_player", "scene", "script", "switch", "todo", "vacuum",
})  # fmt: skip
_CREDIT = Attribution("SYSTRAN and OpenAI", "https://github.com/SYSTRAN/faster-whisper")
_ABOUT = "Whisper, any words in many languages"


@dataclass(frozen=True)
class Settings:
    model: str = option(
        "",
        "name of a model to fetch, such as tiny.en or large-v3-turbo, or the folder of one "
        "[default: base; in a cascade for English, tiny.en]",
    )
    device: str = option("cpu", "device: cpu, cuda or auto")
    compute: str = option(
        "default", "compute type: int8, float16, float32 and others [default: int8 on a CPU, else the model's own]"
    )
    threads: int = option(0, "threads for one utterance; 0: one for each core")
    beam: int = option(0, "beam size; 0: 1 on an ARM board, 5 elsewhere")
    language: tuple[str, ...] = option(
        (), "language of the speech; if given more than once, the most likely of them is detected"
    )
    prompt: str = option(
        "", "initial prompt: text with likely words and their spelling, such as names of people and rooms"
    )
    short_windows: bool | None = option(
        None,
        "pad short utterances to 15 s only, not to 30 s, in less than half the time "
        "[default: for tiny.en, which is as accurate with it]",
    )
    home_names: bool = option(
        True, "tell the model the names of the home's areas and entities, about 30 of them, in the initial prompt"
    )
    models_from: str = option(
        HUB_URL, "base URL from which models are fetched; or pip, for tiny.en and base in third-party packages"
    )


class WhisperEngine(AsrEngine):
    """One model. Calls run on one worker thread; CTranslate2 has threads of its own."""

    def __init__(self, settings: Settings, model: ModelFolder, home: Home, context: EngineContext) -> None:
        self._settings = settings
        self._model = model
        self._data = context.data
        self._home_names = list_names(home)
        self._has_short_windows = (
            model.name in SHORT_WINDOW_MODELS if settings.short_windows is None else settings.short_windows
        )
        self._worker = ThreadWorker("whisper")
        self._limiter = PriorityLimiter(1, context.max_waiting)
        self._lazy_model = LazyModel(model.name, self._load_model, self._unload_model, context.keep_alive_seconds)

    @property
    def supports_streaming(self) -> bool:
        return True

    @property
    def is_installed(self) -> bool:
        return self._model.is_installed

    @property
    def waiting(self) -> int:
        return self._limiter.waiting

    def describe(self) -> AsrProgram:
        version = metadata.version(_RUNTIME)
        languages = list(self._settings.language or self._model.languages)
        about = _ABOUT if self.is_installed else f"{_ABOUT}; not installed yet"
        model = AsrModel(self._model.name, _CREDIT, self.is_installed, about, version, languages)
        return AsrProgram("faster-whisper", _CREDIT, self.is_installed, _ABOUT, version, [model])

    def check_request(self, request: TranscribeRequest) -> None:
        if request.model not in (None, self._model.name):
            raise UnsupportedModelError(f"no model is named {request.model!r} here; there is: {self._model.name}")
        allowed = self._settings.language or self._model.languages
        if request.language is not None and base_language(request.language) not in allowed:
            listed = ", ".join(allowed[:10]) + (" and others" if len(allowed) > 10 else "")
            raise UnsupportedLanguageError(
                f"{self._model.name} is not set up for the language {request.language!r}; there are: {listed}"
            )
        if not self.is_installed:
            raise EngineError(
                f"the model {self._model.name} is not installed yet; it is being fetched to {self._model.path}"
            )

    async def install(self) -> None:
        """Fetch the model unless it is installed, for as long as it takes. Raises EngineError for a wrong file."""
        if self.is_installed:
            return
        mb = whisper.available().get(self._model.name, 0) // MEGABYTE or None
        licence = whisper.LICENCE if self._model.name in whisper.REPOSITORIES else None
        _LOG.info("model is missing", model=self._model.name, mb=mb, licence=licence, source=self._settings.models_from)
        await fetch_until_done(self._model.name, self._fetch_model)

    async def _fetch_model(self) -> None:
        name, source = self._model.name, self._settings.models_from
        if source != pip_source.NAME:
            await fetch_once(name, self._model.downloads(source), self._model.path)
            return
        _LOG.info("model download started", model=name, to=str(self._model.path))
        await pip_source.fetch_package(pip_source.find_package(name), self._data)
        _LOG.info("model downloaded", model=name)

    async def prepare(self) -> None:
        if self.is_installed:
            await self._lazy_model.prepare()

    async def change_home(self, home: Home) -> None:
        self._home_names = list_names(home)

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        segments = [
            _slice_pcm(audio.pcm, *window) for window in split_segments(audio.segments, audio.duration_ms, _WINDOW_MS)
        ]
        if not segments:
            return Transcript(language=request.language)
        cancelled = Event()
        async with self._limiter.slot(job), self._lazy_model.acquire() as decoder:
            try:
                decoded = await self._worker.run(decoder.decode, segments, self._decode_options(request), cancelled)
            finally:
                cancelled.set()
        return _build_transcript(decoded, self._home_names if self._settings.home_names else ())

    async def close(self) -> None:
        await self._lazy_model.close()
        self._worker.close()

    def _decode_options(self, request: TranscribeRequest) -> "DecodeOptions":
        from wyoming_rosie_asr.engines.faster_whisper.decoder import DecodeOptions

        languages = (base_language(request.language),) if request.language is not None else self._settings.language
        bias = ", ".join((*request.terms, *request.names))  # later words have more weight
        prompt = " ".join(filter(None, (bias and f"{bias}.", self._settings.prompt.strip())))
        names = self._home_names if self._settings.home_names else ()
        beam_size = self._settings.beam or _default_beam()
        return DecodeOptions(languages, beam_size, prompt, self._has_short_windows, names)

    async def _load_model(self) -> "WhisperDecoder":
        begun = asyncio.get_running_loop().time()
        decoder = await self._worker.run(_create_decoder, self._model.path, self._settings)
        seconds = round(asyncio.get_running_loop().time() - begun, 2)
        _LOG.info("model loaded", model=self._model.name, seconds=seconds)
        return decoder

    async def _unload_model(self, decoder: "WhisperDecoder") -> None:
        await self._worker.run(decoder.unload)


_WINDOW_MS = 30_000


def load(settings: Settings, context: EngineContext) -> WhisperEngine:
    """Return the engine, with a model in its own folder or one by name in `folder`; it is loaded later. Raises ConfigError."""
    if settings.device not in DEVICES:
        raise ConfigError(f"--faster-whisper.device must be one of {', '.join(DEVICES)}, not {settings.device}")
    if settings.beam not in BEAM_SIZES:
        raise ConfigError(f"--faster-whisper.beam must be from 0 to {BEAM_SIZES[-1]}, not {settings.beam}")
    try:
        metadata.version(_RUNTIME), metadata.version("tokenizers")
    except metadata.PackageNotFoundError as err:
        raise ConfigError(f"Whisper needs {err.name}; run: {install_command(['whisper'])}") from err
    name = settings.model or _default_model(settings, context)
    model = whisper.find_model(name, context.data / whisper.FOLDER)
    if settings.models_from == pip_source.NAME and not model.is_installed:
        pip_source.find_package(model.name)
    for language in settings.language:
        if language not in model.languages:
            raise ConfigError(
                f"--faster-whisper.language: {model.name} does not know {language!r}; "
                f"it knows: {', '.join(model.languages)}"
            )
    home = loader.load_home(context.home)
    return WhisperEngine(settings, model, home, context)


def _default_model(settings: Settings, context: EngineContext) -> str:
    return "tiny.en" if context.is_part and set(settings.language) <= {"en"} else "base"


def list_names(home: Home) -> tuple[str, ...]:
    """Return the names that people may say, each once: of areas, of entities, floors, then aliases.

    Entities that commands control come first, since the prompt has no room for all names of a large home.
    """
    entities = sorted(home.entities, key=lambda entity: entity.domain not in _CONTROLLED)
    items: tuple[Area | Entity | Floor, ...] = (*home.areas, *entities, *home.floors)
    aliases = (alias for item in items for alias in item.aliases)
    return tuple(dict.fromkeys((*(item.name for item in items), *aliases)))


def _create_decoder(folder: Path, settings: Settings) -> "WhisperDecoder":
    from wyoming_rosie_asr.engines.faster_whisper.decoder import DeviceConfig, WhisperDecoder

    compute = settings.compute
    if compute == "default" and settings.device == "cpu":
        compute = "int8"
    try:
        return WhisperDecoder(folder, DeviceConfig(settings.device, compute, settings.threads or _cpu_count()))
    except Exception as err:
        reason = " ".join(str(err).split())[:200]
        raise EngineError(f"the model in {folder} does not load: {reason}; delete it to have it fetched again") from err


def _build_transcript(decoded: "Sequence[DecodedSegment]", names: Sequence[str]) -> Transcript:
    accepted = [
        segment
        for segment in decoded
        if not hallucinations.is_hallucination(segment.text, segment.log_probability, segment.speech_probability)
        and not hallucinations.is_prompt_echo(segment.text, names)
    ]
    if not accepted:
        return Transcript(language=decoded[0].language)
    score = exp(sum(segment.log_probability for segment in accepted) / len(accepted))
    text, language = " ".join(segment.text for segment in accepted), decoded[0].language
    return Transcript(text, score, language, rate_text(text, language))


def _slice_pcm(pcm: bytes, begin_ms: int, end_ms: int) -> bytes:
    return pcm[SPEECH.bytes_in(begin_ms / 1000) : SPEECH.bytes_in(end_ms / 1000)]


def _cpu_count() -> int:
    return len(os.sched_getaffinity(0))


def _default_beam() -> int:
    return 1 if platform.machine() in ("aarch64", "armv7l") else 5
