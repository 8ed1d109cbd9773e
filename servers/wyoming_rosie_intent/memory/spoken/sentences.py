"""Sentences about the memory: what is asked of it, in the languages of the folder `languages`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.memory.spoken import questions, statements
from wyoming_rosie_intent.memory.spoken.statements import parse_fact
from wyoming_rosie_intent.memory.topics import find_topic
from wyoming_rosie_intent.plugins.sentences import PluginSentences, load_sentences
from wyoming_rosie_intent.plugins.texts import PluginTexts

_LANGUAGES = Path(__file__).with_name("languages")
_FACT = "fact"
_WORD = re.compile(r"\w+")


class MemoryIntent(StrEnum):
    REMEMBER = "Remember"
    KEEP_OUT = "KeepOut"
    FORGET_THAT = "ForgetThat"
    FORGET_ABOUT = "ForgetAbout"
    FORGET_PERIOD = "ForgetPeriod"
    TOLD = "Told"
    KNOW = "Know"
    ABOUT_ME = "AboutMe"
    TALKED = "Talked"
    ASK = "Ask"  # a question that a fact may answer

    @property
    def forgets(self) -> bool:
        return self in _FORGETTING

    @property
    def changes(self) -> bool:
        return self.forgets or self is MemoryIntent.REMEMBER


_FORGETTING = frozenset(
    {MemoryIntent.KEEP_OUT, MemoryIntent.FORGET_THAT, MemoryIntent.FORGET_ABOUT, MemoryIntent.FORGET_PERIOD}
)


class MemoryPeriod(StrEnum):
    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"
    LAST_WEEK = "last_week"
    HOUR = "hour"
    ALL = "all"


@dataclass(frozen=True)
class MemoryRequest:
    """What a sentence asks of the memory; `ids` are the records that a question was about."""

    intent: MemoryIntent
    text: str = field(repr=False)
    language: str
    fact: str = field(default="", repr=False)
    topic: str = field(default="", repr=False)  # what it is about; of a fact, that of `find_topic`
    period: MemoryPeriod = MemoryPeriod.ALL
    ids: tuple[str, ...] = ()
    is_confirmed: bool = False


def recognize(text: str, language: str | None) -> MemoryRequest | None:
    """Return what a sentence asks of the memory, None for any other. Slow at the first sentence of a language."""
    code = base_language(language or "en")
    found = _load_sentences(code).recognize(text, code)
    if found is None:
        return None
    statements.prepare()
    questions.prepare()
    intent, values = MemoryIntent(found[0]), found[1]
    if intent is MemoryIntent.REMEMBER:
        fact = parse_fact(_as_said(text, str(values[_FACT])), code)
        return MemoryRequest(intent, text, code, fact=fact, topic=find_topic(fact, code) or "") if fact else None
    return MemoryRequest(intent, text, code, topic=str(values.get("topic", "")), period=_parse_period(values))


@cache
def load_texts() -> PluginTexts:
    """Return the sentences and answers of all languages."""
    return PluginTexts(_LANGUAGES)


@cache
def _load_sentences(language: str) -> PluginSentences:
    texts = load_texts()
    known = {intent: {language: found[language]} for intent, found in texts.get_intents().items() if language in found}
    return load_sentences(known, texts.get_lists())


def _as_said(text: str, fact: str) -> str:
    """Return a fact, which is the end of the sentence, with the punctuation that its template ignored."""
    words, wanted = list(_WORD.finditer(text)), len(_WORD.findall(fact))
    if not 0 < wanted <= len(words) or [found[0] for found in words[-wanted:]] != _WORD.findall(fact):
        return fact
    return text[words[-wanted].start() :]


def _parse_period(values: Mapping[str, Any]) -> MemoryPeriod:
    return MemoryPeriod(values.get("period", MemoryPeriod.ALL))
