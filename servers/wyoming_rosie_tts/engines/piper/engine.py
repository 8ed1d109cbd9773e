"""Piper's neural voices, synthesized in slices. The package piper-tts (GPL-3) provides the phonemes."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from wyoming.info import Attribution, TtsProgram, TtsVoice, TtsVoiceSpeaker

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.config import check_limits, option
from wyoming_rosie.errors import BadEventError, ConfigError, EngineError
from wyoming_rosie.models import piper
from wyoming_rosie.models.background_fetch import fetch_once
from wyoming_rosie.models.downloads import Progress
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.text.suggestions import describe_unknown_name
from wyoming_rosie_tts.engine import StepCancellation, UnavailableError, VoiceRequest
from wyoming_rosie_tts.engines.piper import voices
from wyoming_rosie_tts.engines.piper.voice_cache import VoiceCache
from wyoming_rosie_tts.engines.piper.voices import InferenceScales, PiperFile
from wyoming_rosie_tts.text.segments import TextSegment
from wyoming_rosie_tts.voice_selection import VoiceInfo, VoiceRegistry

if TYPE_CHECKING:
    from wyoming_rosie_tts.engines.piper.network import Floats

_LOG = structlog.get_logger()
_CLAUSE_ENDS = ",;:"
_MAX_NAMES_IN_ERROR = 5
_ATTRIBUTION = Attribution("Piper voices", "https://huggingface.co/rhasspy/piper-voices")
_PACKAGES = ("piper", "onnx", "onnxruntime", "numpy")
MEGABYTE = 1_000_000
THREADS = 4
"""Processors per worker; a network spreads its work over them."""


@dataclass(frozen=True)
class Settings:
    voice: str = option("en_US-lessac-medium", "default voice: a name, or an .onnx file")
    speaker: str | None = option(None, "speaker of the default voice, by name or number [default: the first]")
    voices_dir: tuple[Path, ...] = option((), "a folder with more voices; may be given again")
    length_scale: float | None = option(
        None, "length of the speech; 1.2 is slower [default: the voice's own]", minimum=0.1, maximum=10
    )
    noise_scale: float | None = option(None, "variation of the speech [default: the voice's own]", minimum=0, maximum=5)
    noise_w_scale: float | None = option(
        None, "variation of the lengths of phonemes [default: the voice's own]", minimum=0, maximum=5
    )
    sentence_silence: float = option(0.2, "seconds of silence after each sentence but the last", minimum=0, maximum=5)
    volume: float = option(1.0, "volume; 2 is twice the amplitude", minimum=0, maximum=10)
    cuda: bool = option(False, "run the voices on the GPU, with the package onnxruntime-gpu")
    download_from: str = option(piper.SOURCE, "URL to download a missing voice from; empty: never download")

    def resolve_scales(self, voice: InferenceScales) -> InferenceScales:
        """Return the voice's scales, overridden by those that are set."""
        scales = {"length": self.length_scale, "noise": self.noise_scale, "noise_w": self.noise_w_scale}
        return replace(voice, **{name: value for name, value in scales.items() if value is not None})


@dataclass(frozen=True)
class PiperSpeaker:
    """One speaker of a voice."""

    file: PiperFile
    speaker: int
    settings: Settings
    voice_cache: VoiceCache

    @property
    def audio_format(self) -> AudioFormat:
        return AudioFormat(self.file.rate, 2, 1)

    @property
    def language(self) -> str:
        return self.file.language

    @property
    def identity(self) -> str:
        options = self._scales, self.settings.volume, self.settings.sentence_silence
        return f"piper {self.file.name} {self.file.version} {self.speaker} {options}"

    @property
    def volume(self) -> float:
        return self.settings.volume

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        cancellation = cancellation or StepCancellation()
        voice = self.voice_cache.load(self.file)
        yield b""  # loading took a while, so other jobs may be more urgent now
        scales = replace(self._scales, length=self._scales.length / segment.prosody.rate)
        for phoneme_ids in voice.phonemizer.to_ids(segment):
            for samples in voice.network.synthesize(phoneme_ids, scales, self.speaker, cancellation):
                yield _to_pcm(samples)
        if pause and segment.text.rstrip()[-1:] not in _CLAUSE_ENDS:
            yield bytes(self.audio_format.bytes_in(self.settings.sentence_silence))

    @property
    def _scales(self) -> InferenceScales:
        return self.settings.resolve_scales(self.file.scales)


@dataclass(frozen=True)
class AvailableVoices:
    """The files of the installed voices, and all voices that can be selected."""

    files: Mapping[str, PiperFile]
    voices: VoiceRegistry


class PiperEngine:
    """The voices in some folders, and a default voice that may yet be downloaded into the first of them."""

    def __init__(self, settings: Settings, folders: Sequence[Path], default: str) -> None:
        self._settings = settings
        self._folders = folders
        self._default = default
        self._progress: Progress | None = None
        self._voice_cache = VoiceCache(cuda=settings.cuda)
        self._available = self._scan_folders()
        self._version = version("piper-tts")
        self.workers = max(1, len(os.sched_getaffinity(0)) // THREADS)

    @property
    def is_installed(self) -> bool:
        return self._default in self._available.files

    def describe(self) -> TtsProgram:
        return TtsProgram(
            name="piper",
            attribution=Attribution("Piper", "https://github.com/OHF-Voice/piper1-gpl"),
            installed=bool(self._available.files),
            description="Neural voices; rate and volume can be changed, pitch cannot",
            version=self._version,
            voices=[
                _describe_voice(voice, self._available.files.get(voice.name)) for voice in self._available.voices.voices
            ],
            supports_synthesize_streaming=True,
        )

    def select_voice(self, request: VoiceRequest) -> PiperSpeaker:
        name = self._available.voices.select(request).name
        file = self._available.files.get(name)
        if file is None:
            raise BadEventError(self._install_hint(), "not-installed")
        is_default = name == self._default and request.speaker is None
        speaker = _find_speaker(file, self._settings.speaker if is_default else request.speaker)
        return PiperSpeaker(file, speaker, self._settings, self._voice_cache)

    @property
    def installed_names(self) -> Sequence[str]:
        """The names of the installed voices."""
        return list(self._available.files)

    async def install(self) -> None:
        files = piper.downloads(self._default, self._settings.download_from)
        if files and not self.is_installed:
            await fetch_once(self._default, files, self._folders[0], self._on_progress)
        self._available = await asyncio.to_thread(self._scan_folders)
        if not self.is_installed:
            raise EngineError(self._install_hint())

    def _scan_folders(self) -> AvailableVoices:
        """Return the voices in the folders. Raises ConfigError."""
        files = voices.find_voices(self._folders)
        found = [_voice_info(name, file) for name, file in files.items()]
        if (default := files.get(self._default)) is None:
            found.append(_voice_info(self._default, None))
        else:
            _find_speaker(default, self._settings.speaker)
        return AvailableVoices(files, VoiceRegistry(found, self._default))

    def _on_progress(self, progress: Progress) -> None:
        self._progress = progress

    def _install_hint(self) -> str:
        folder = self._folders[0]
        manual = f"put {self._default}.onnx and {self._default}.onnx.json into {folder}"
        if self._progress is None:
            return f"the voice {self._default} is not installed: {manual}"
        fetched = f"{self._progress.done_bytes / MEGABYTE:.0f} MB of {self._progress.name}"
        return f"the voice {self._default} is being fetched ({fetched} so far): try again soon, or {manual}"


def load(settings: Settings, data: Path) -> PiperEngine:
    """Return the engine, which loads a voice when it is first used. Raises ConfigError."""
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise UnavailableError(f"the piper engine needs {', '.join(missing)}: {install_command(['piper'])}")
    _validate(settings)
    folders = [data / "piper", *settings.voices_dir]
    name = settings.voice
    if name.endswith(piper.NETWORK):
        folders.append(Path(name).parent)
        name = _read_voice(Path(name)).name
    engine = PiperEngine(settings, folders, name)
    if not engine.is_installed and not piper.is_model_name(name):
        places = ", ".join(map(str, folders))
        known = dict.fromkeys([*piper.available(), *engine.installed_names])
        raise ConfigError(
            f"--piper.voice: {describe_unknown_name('voice', name, known)}; there is no {name}.onnx in {places}"
        )
    return engine


def _to_pcm(samples: "Floats") -> bytes:
    """Return samples from -1 to 1 as 16-bit PCM."""
    import numpy as np

    return bytes(np.rint(np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())


def _find_speaker(file: PiperFile, requested: str | None) -> int:
    """Return the number of a speaker that is given by name or number; without one, the first. Raises ConfigError."""
    if requested is None:
        return 0
    by_number = {str(number): number for number in file.speakers.values()}
    number = file.speakers.get(requested, by_number.get(requested))
    if number is None:
        some = ", ".join(list(file.speakers)[:_MAX_NAMES_IN_ERROR]) or "only one, which has no name"
        raise ConfigError(f"the voice {file.name} has no speaker {requested!r}; there are: {some}")
    return number


def _read_voice(network: Path) -> PiperFile:
    try:
        return voices.read_voice(network)
    except EngineError as err:
        raise ConfigError(f"--piper.voice: {err}") from err


def _validate(settings: Settings) -> None:
    """Raise ConfigError for invalid settings."""
    check_limits(settings, "--piper.")
    for folder in settings.voices_dir:
        if not folder.is_dir():
            raise ConfigError(f"--piper.voices-dir: {folder} is not a folder")
    if settings.cuda:
        _validate_gpu()


def _validate_gpu() -> None:
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise ConfigError(
            "--piper.cuda: this onnxruntime cannot use the graphics processor: pip install onnxruntime-gpu"
        )


def _voice_info(name: str, file: PiperFile | None) -> VoiceInfo:
    language = file.language if file else voices.parse_language(name)
    speakers = tuple(file.speakers) if file else ()
    return VoiceInfo(
        name, name.replace("_", " ").replace("-", ", "), {language: 0, language.partition("-")[0]: 1}, speakers
    )


def _describe_voice(card: VoiceInfo, file: PiperFile | None) -> TtsVoice:
    speakers = [TtsVoiceSpeaker(name) for name in card.speakers]
    return TtsVoice(
        card.name,
        _ATTRIBUTION,
        file is not None,
        card.title,
        None,
        languages=list(card.languages),
        speakers=speakers or None,
    )
