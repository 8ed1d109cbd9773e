"""Texts and the words that are right for them, from the tables in tests/unit/tts/readings."""

from dataclasses import dataclass
from pathlib import Path

from tests.phonemes import phonemize
from wyoming_rosie_tts.text import markdown
from wyoming_rosie_tts.text.normalization.normalizer import load
from wyoming_rosie_tts.text.segments import TextSegment

FOLDER = Path(__file__).parent / "unit/tts/readings"
HALVES = ("open", "kept")
VOICES = {"en": "en-US", "fr": "fr"}


@dataclass(frozen=True)
class Reading:
    """A text and its right words, of which one is enough."""

    language: str
    half: str
    kind: str
    text: str
    words: tuple[str, ...]

    def is_right(self, said: str) -> bool:
        """Return whether the text that is said sounds like the right words."""
        voice = VOICES.get(self.language, self.language)
        return phonemize(said, voice) in [phonemize(words, voice) for words in self.words]


def find_languages() -> list[str]:
    """Return the languages that have a table."""
    return sorted(path.stem for path in FOLDER.glob("*.tsv"))


def load_readings(language: str) -> list[Reading]:
    """Return the rows of a table; every second belongs to the kept half."""
    lines = (FOLDER / f"{language}.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [
        Reading(language, HALVES[number % 2], kind, text, tuple(words.split(" | ")))
        for number, (kind, text, words) in enumerate(rows)
    ]


def say(text: str, language: str, *, is_normalized: bool = True) -> str:
    """Return what an engine gets to speak."""
    plain = " ".join(segment.text for segment in markdown.parse(text) if isinstance(segment, TextSegment))
    return load(VOICES.get(language, language)).normalize(plain) if is_normalized else plain
