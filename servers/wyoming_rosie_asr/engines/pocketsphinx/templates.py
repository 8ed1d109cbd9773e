"""Sentence templates in hassil's syntax, read from `sentences/LANGUAGE.toml`."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from hassil.expression import Expression
from hassil.parse_expression import parse_sentence

_ENDING = re.compile(r"(\w+)\[(\w+)\]")  # light[s]


@dataclass(frozen=True)
class TemplateBlock:
    """Templates for entities of some domains, perhaps with a feature, or for no entity."""

    say: tuple[str, ...]
    domain: frozenset[str] = frozenset()
    feature: str | None = None
    answer: bool = False  # answers a question of the assistant


@dataclass(frozen=True)
class SentenceTemplates:
    frame: str
    blocks: tuple[TemplateBlock, ...]
    rules: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    ranges: Mapping[str, range]


@cache
def load(language: str) -> SentenceTemplates:
    """Return the templates of a language."""
    file = resources.files("wyoming_rosie_asr.engines.pocketsphinx") / "sentences" / f"{language}.toml"
    document = tomllib.loads(file.read_text("utf-8"))
    return SentenceTemplates(
        frame=document["frame"],
        blocks=tuple(_parse_block(**block) for block in document["sentences"]),
        rules=document["rules"],
        lists={name: tuple(texts) for name, texts in document["lists"].items()},
        ranges={name: _parse_range(**limits) for name, limits in document["ranges"].items()},
    )


@cache
def parse(template: str) -> Expression:
    """Parse a template into hassil's expression of whole words: light[s] becomes (light|lights)."""
    return parse_sentence(_ENDING.sub(r"(\1|\1\2)", template)).expression


def _parse_block(
    say: list[str], domain: tuple[str, ...] = (), feature: str | None = None, *, answer: bool = False
) -> TemplateBlock:
    return TemplateBlock(tuple(say), frozenset(domain), feature, answer)


def _parse_range(first: int, last: int, step: int = 1) -> range:
    return range(first, last + 1, step)
