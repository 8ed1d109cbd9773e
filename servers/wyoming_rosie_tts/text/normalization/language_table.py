"""The words of a language for normalization, read from the folder `tables`."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("tables")


@dataclass(frozen=True)
class WordForms:
    """Singular, plural and gender of a unit."""

    singular: str
    plural: str
    gender: str = ""


@dataclass(frozen=True)
class LanguageTable:
    """The table of a language; `region` is that of the voice, empty if it has none."""

    language: str
    region: str
    raw: Mapping[str, Any]

    def word(self, key: str) -> str:
        return str(self.raw["words"][key])

    def text(self, key: str, default: str = "") -> str:
        return str(self.raw.get(key, default))

    def has(self, key: str) -> bool:
        return bool(self.raw.get(key, False))

    def texts(self, key: str) -> Sequence[str]:
        return tuple(map(str, self.raw.get(key, ())))

    def items(self, section: str, key: str) -> Sequence[str]:
        """Return a list inside a section, an empty one if there is none."""
        return tuple(map(str, self.raw.get(section, {}).get(key, ())))

    def words(self, section: str) -> Mapping[str, str]:
        return {str(key): str(value) for key, value in self.raw.get(section, {}).items()}

    def forms(self, section: str) -> Mapping[str, WordForms]:
        return {str(key): WordForms(*map(str, value)) for key, value in self.raw.get(section, {}).items()}

    @cached_property
    def months(self) -> Mapping[str, int]:
        """The numbers of the months by name and abbreviation, in small letters."""
        names = {name.lower(): number for number, name in enumerate(self.month_names, 1)}
        return names | {name: int(number) for name, number in self.raw["months"]["short"].items()}

    @property
    def short_months(self) -> Sequence[str]:
        """The abbreviations of months that are no words of the language themselves."""
        ambiguous = self.texts("ambiguous_months")
        return [name for name in self.raw["months"]["short"] if name not in ambiguous]

    def name_month(self, name: str) -> str:
        """Return the full name of a month that is written in full or short."""
        return self.month_names[self.months[name.lower()] - 1]

    @property
    def month_names(self) -> Sequence[str]:
        return self.items("months", "names")

    @property
    def is_month_first(self) -> bool:
        """Whether 11/29/2026 is in November."""
        return self.region in self.raw.get("month_first_regions", ())


def find_languages() -> frozenset[str]:
    """Return the languages that have a table."""
    return frozenset(file.stem for file in FOLDER.glob("*.toml"))


def read_table(language: str, region: str) -> LanguageTable:
    """Read the table of a language that has one. Blocks."""
    raw = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    if region in raw.get("swapped_regions", ()):
        raw |= {"decimals": ".", "groups": ","}
    return LanguageTable(language, region, raw)
