"""Voices of espeak-ng and Pico that say household sentences: as many as there are, where no recordings of people are at hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie_tts.engines.espeak.library import EspeakLibrary, Parameter
from wyoming_rosie_tts.engines.pico.library import PicoLibrary

SENTENCES = (
    "turn on the kitchen light please",
    "what is the weather going to be tomorrow",
    "set a timer for ten minutes and tell me",
    "is the front door locked and the garage closed",
    "please add milk and bread to my shopping list",
    "play some quiet music in the living room",
    "how warm is it upstairs in the bedroom",
    "close the blinds and turn the heating down",
    "remind me to call my sister on friday",
    "good night switch everything off",
)
WORDS_PER_MINUTE = 165
SAME_FORMANT = 0.05
"""Formants that differ by no more are of one speaker."""
PICO_PITCHES = (85, 100, 115)
_ROBOTS = ("robo", "robot", "whisper", "croak", "demonic", "fast", "tweaky", "iven", "riscishay", "ricishay")
"""Variants of espeak-ng that sound like nobody."""


@dataclass(frozen=True)
class SyntheticVoice:
    """A voice of espeak-ng: one of its variants, in a language."""

    variant: str
    language: str = "gmw/en-US"

    def speak(self, sentences: Sequence[str] = SENTENCES) -> list[bytes]:
        """Return each sentence as speech PCM."""
        library = _espeak()
        library.set_parameter(Parameter.RATE, WORDS_PER_MINUTE)
        audio = AudioFormat(library.rate, 2, 1)
        identifier = f"{self.language}+{self.variant}"
        return [_convert(audio, library.synthesize(identifier, text, pause=False)) for text in sentences]


def espeak_voices() -> list[SyntheticVoice]:
    """Return the variants that sound like people. Every other one is in the background of the engines."""
    names = sorted(path.name for path in (_espeak_data() / "voices" / "!v").iterdir())
    return [SyntheticVoice(name) for name in names if not any(robot in name.lower() for robot in _ROBOTS)]


def espeak_speakers() -> list[list[SyntheticVoice]]:
    """Return the variants by speaker: those whose formants differ by less than any two people's, or whose names differ by a number."""
    speakers: list[list[SyntheticVoice]] = []
    for voice in espeak_voices():
        like = [speaker for speaker in speakers if any(_is_same_speaker(voice, other) for other in speaker)]
        speakers = [speaker for speaker in speakers if speaker not in like] + [[*chain(*like), voice]]
    return speakers


def _is_same_speaker(first: SyntheticVoice, second: SyntheticVoice) -> bool:
    names = {voice.variant.rstrip("0123456789").lower() for voice in (first, second)}
    if len(names) == 1 and len(names.pop()) > 1:
        return True
    (klatt, formants), (other_klatt, others) = (_read_variant(voice.variant) for voice in (first, second))
    alike = all(abs(one - other) <= SAME_FORMANT * other for one, other in zip(formants, others, strict=True))
    return klatt == other_klatt and alike


@cache
def _read_variant(name: str) -> tuple[str, tuple[float, ...]]:
    """Return which of espeak-ng's Klatt synthesizers a variant uses, if any, and its first three formants in per cent."""
    klatt, formants = "", {"1": 100.0, "2": 100.0, "3": 100.0}
    for line in (_espeak_data() / "voices" / "!v" / name).read_text("utf-8", errors="replace").splitlines():
        match line.split():
            case ["klatt", number, *_]:
                klatt = number
            case ["formant", number, percent, *_] if number in formants:
                formants[number] = float(percent)
    return klatt, tuple(formants.values())


def pico_voices(sentences: Sequence[str] = SENTENCES) -> Iterator[tuple[str, list[bytes]]]:
    """Yield name and clips of each of Pico's voices, at several pitches; nothing where Pico is not installed."""
    spec = find_spec("py_nanotts")
    folder = Path((spec.submodule_search_locations or [""])[0]) if spec else Path()
    for library in folder.glob("_nanotts*.so"):
        pico = PicoLibrary(library)
        for sounds in sorted(folder.rglob("*_sg.bin")):
            language = sounds.name.partition("_")[0]
            files = sounds.with_name(f"{language}_ta.bin"), sounds
            for pitch in PICO_PITCHES:
                texts = [f'<pitch level="{pitch}">{text}.</pitch>'.encode() for text in sentences]
                yield f"pico {language} {pitch}", [b"".join(pico.synthesize(files, text)) for text in texts]


@cache
def _espeak() -> EspeakLibrary:
    import espeakng_loader

    return EspeakLibrary(Path(espeakng_loader.get_library_path()), _espeak_data())


def _espeak_data() -> Path:
    import espeakng_loader

    return Path(espeakng_loader.get_data_path())


def _convert(audio: AudioFormat, pcm: bytes) -> bytes:
    converter = Converter(audio, SPEECH)
    return converter.convert(pcm) + converter.finish()
