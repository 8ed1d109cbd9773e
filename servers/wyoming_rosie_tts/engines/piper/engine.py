"""Piper: neural voices by name, spoken in slices; the package piper-tts, which is under the GPL-3, pronounces the words."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import structlog
from wyoming.info import Attribution, TtsProgram, TtsVoice, TtsVoiceSpeaker

from wyoming_rosie import config
from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.config import option
from wyoming_rosie.errors import BadEventError, ConfigError, EngineError
from wyoming_rosie.models import piper
from wyoming_rosie.models.background_fetch import fetch_once
from wyoming_rosie.models.downloads import Progress
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.text.suggestions import unknown_name
from wyoming_rosie_tts.cancellation import Interruption
from wyoming_rosie_tts.engine import Wish
from wyoming_rosie_tts.engines.piper import voices
from wyoming_rosie_tts.engines.piper.voice_cache import LoadedVoices
from wyoming_rosie_tts.engines.piper.voices import PiperFile, Scales
from wyoming_rosie_tts.text.segments import Words
from wyoming_rosie_tts.voice_selection import VoiceCard, Voices

_LOG = structlog.get_logger()
_CLAUSE_ENDS = ",;:"
_NAMED_IN_ERRORS = 5
_ATTRIBUTION = Attribution("Piper voices", "https://huggingface.co/rhasspy/piper-voices")
_PACKAGES = ("piper", "onnx", "onnxruntime", "numpy")
MEGABYTE = 1_000_000
THREADS = 4
"""Processors for one worker, which its network divides its work among."""
_ALLOWED = {
    "length_scale": (0.1, 10.0),
    "noise_scale": (0.0, 5.0),
    "noise_w_scale": (0.0, 5.0),
    "volume": (0.0, 10.0),
    "sentence_silence": (0.0, 5.0),
}


@dataclass(frozen=True)
class Settings:
    voice: str = option("en_US-lessac-medium", "voice of a text that asks for none: a name, or an .onnx file")
    speaker: str | None = option(None, "its speaker, by name or number [default: the first]")
    voices_dir: tuple[Path, ...] = option((), "a folder with more voices; may be given again")
    length_scale: float | None = option(None, "times as slow, such as 1.2 [default: the voice's own]")
    noise_scale: float | None = option(None, "how much the speech varies [default: the voice's own]")
    noise_w_scale: float | None = option(None, "how much the lengths of sounds vary [default: the voice's own]")
    sentence_silence: float = option(0.2, "seconds of silence after each sentence but the last")
    volume: float = option(1.0, "times as loud")
    cuda: bool = option(False, "run the voices on the graphics processor, with the package onnxruntime-gpu")
    download_from: str = option(piper.SOURCE, "where to fetch the voice if it is not here; nothing: nowhere")

    def scales(self, voice: Scales) -> Scales:
        """Return the voice's scales with those that are set."""
        given = {"length": self.length_scale, "noise": self.noise_scale, "noise_w": self.noise_w_scale}
        return replace(voice, **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class PiperSpeaker:
    """One speaker of a voice, as the settings want it."""

    file: PiperFile
    speaker: int
    settings: Settings
    loaded: LoadedVoices

    @property
    def audio(self) -> AudioFormat:
        return AudioFormat(self.file.rate, 2, 1)

    @property
    def identity(self) -> str:
        manner = self._scales, self.settings.volume, self.settings.sentence_silence
        return f"piper {self.file.name} {self.file.version} {self.speaker} {manner}"

    def speak(self, words: Words, *, pause: bool, interruption: Interruption | None = None) -> Iterator[bytes]:
        from wyoming_rosie_tts.engines.piper.leveller import Leveller

        breaks = interruption or Interruption()
        voice = self.loaded.voice(self.file)
        gain = voice.gain(self.speaker) * self.settings.volume * words.prosody.volume
        yield b""  # others may have come while it was loaded
        scales = replace(self._scales, length=self._scales.length / words.prosody.rate)
        for symbols in voice.phonemes.symbols(words):
            leveller = Leveller(gain)
            for samples in voice.network.speak(symbols, scales, self.speaker, breaks):
                yield leveller.level(samples)
        if pause and words.text.rstrip()[-1:] not in _CLAUSE_ENDS:
            yield bytes(self.audio.bytes_in(self.settings.sentence_silence))

    @property
    def _scales(self) -> Scales:
        return self.settings.scales(self.file.scales)


@dataclass(frozen=True)
class Offer:
    """What there is: the voices that are installed, and all that are described."""

    files: Mapping[str, PiperFile]
    voices: Voices


class PiperEngine:
    """The voices in some folders, and one that may still be fetched into the first of them."""

    def __init__(self, settings: Settings, folders: Sequence[Path], default: str) -> None:
        self._settings = settings
        self._folders = folders
        self._default = default
        self._progress: Progress | None = None
        self._loaded = LoadedVoices(cuda=settings.cuda)
        self._offer = self._look()
        self._version = version("piper-tts")
        self.workers = max(1, len(os.sched_getaffinity(0)) // THREADS)

    @property
    def is_installed(self) -> bool:
        return self._default in self._offer.files

    def describe(self) -> TtsProgram:
        return TtsProgram(
            name="piper",
            attribution=Attribution("Piper", "https://github.com/OHF-Voice/piper1-gpl"),
            installed=bool(self._offer.files),
            description="Neural voices; rate and volume can be changed, pitch cannot",
            version=self._version,
            voices=[_described(card, self._offer.files.get(card.name)) for card in self._offer.voices.cards],
            supports_synthesize_streaming=True,
        )

    def voice(self, wish: Wish) -> PiperSpeaker:
        name = self._offer.voices.choose(wish).name
        file = self._offer.files.get(name)
        if file is None:
            raise BadEventError(self._how_to_install(), "not-installed")
        is_default = name == self._default and wish.speaker is None
        speaker = _speaker(file, self._settings.speaker if is_default else wish.speaker)
        return PiperSpeaker(file, speaker, self._settings, self._loaded)

    @property
    def names(self) -> dict[str, int]:
        """The voices that are here."""
        return dict.fromkeys(self._offer.files, 0)

    async def install(self) -> None:
        files = piper.downloads(self._default, self._settings.download_from)
        if files and not self.is_installed:
            await fetch_once(self._default, files, self._folders[0], self._note)
        self._offer = await asyncio.to_thread(self._look)
        if not self.is_installed:
            raise EngineError(self._how_to_install())

    def _look(self) -> Offer:
        """Return what there is in the folders. Raises ConfigError."""
        files = voices.find(self._folders)
        cards = [_card(name, file) for name, file in files.items()]
        if (default := files.get(self._default)) is None:
            cards.append(_card(self._default, None))
        else:
            _speaker(default, self._settings.speaker)
        return Offer(files, Voices(cards, self._default))

    def _note(self, progress: Progress) -> None:
        self._progress = progress

    def _how_to_install(self) -> str:
        folder = self._folders[0]
        by_hand = f"put {self._default}.onnx and {self._default}.onnx.json into {folder}"
        if self._progress is None:
            return f"the voice {self._default} is not installed: {by_hand}"
        fetched = f"{self._progress.done_bytes / MEGABYTE:.0f} MB of {self._progress.name}"
        return f"the voice {self._default} is being fetched ({fetched} so far): try again soon, or {by_hand}"


def load(settings: Settings, data_dir: Path | None) -> PiperEngine:
    """Return the engine; its voices are loaded when they are wanted. Raises ConfigError."""
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise ConfigError(f"the piper engine needs {', '.join(missing)}: {install_command(['piper'])}")
    _check(settings)
    folders = [(data_dir or config.data_folder()) / "piper", *settings.voices_dir]
    name = settings.voice
    if name.endswith(piper.NETWORK):
        folders.append(Path(name).parent)
        name = _given(Path(name)).name
    engine = PiperEngine(settings, folders, name)
    if not engine.is_installed and not piper.is_model_name(name):
        places = ", ".join(map(str, folders))
        raise ConfigError(
            f"--piper.voice: {unknown_name('voice', name, {**piper.available(), **engine.names})}; there is no {name}.onnx in {places}"
        )
    return engine


def _speaker(file: PiperFile, wanted: str | None) -> int:
    """Return a speaker's number, by name or number; nothing wanted is the first. Raises ConfigError."""
    if wanted is None:
        return 0
    by_number = {str(number): number for number in file.speakers.values()}
    number = file.speakers.get(wanted, by_number.get(wanted))
    if number is None:
        some = ", ".join(list(file.speakers)[:_NAMED_IN_ERRORS]) or "only one, which has no name"
        raise ConfigError(f"the voice {file.name} has no speaker {wanted!r}; there are: {some}")
    return number


def _given(network: Path) -> PiperFile:
    try:
        return voices.read(network)
    except EngineError as err:
        raise ConfigError(f"--piper.voice: {err}") from err


def _check(settings: Settings) -> None:
    """Raise ConfigError for what cannot be."""
    for name in ("length_scale", "noise_scale", "noise_w_scale", "volume", "sentence_silence"):
        value = getattr(settings, name)
        least, most = _ALLOWED[name]
        if value is not None and not least <= value <= most:
            raise ConfigError(f"--piper.{name.replace('_', '-')} must be from {least:g} to {most:g}, not {value:g}")
    for folder in settings.voices_dir:
        if not folder.is_dir():
            raise ConfigError(f"--piper.voices-dir: {folder} is not a folder")
    if settings.cuda:
        _check_cuda()


def _check_cuda() -> None:
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise ConfigError(
            "--piper.cuda: this onnxruntime cannot use the graphics processor: pip install onnxruntime-gpu"
        )


def _card(name: str, file: PiperFile | None) -> VoiceCard:
    language = file.language if file else voices.language_of(name)
    speakers = tuple(file.speakers) if file else ()
    return VoiceCard(
        name, name.replace("_", " ").replace("-", ", "), {language: 0, language.partition("-")[0]: 1}, speakers
    )


def _described(card: VoiceCard, file: PiperFile | None) -> TtsVoice:
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
