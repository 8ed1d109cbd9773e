"""Completeness of a free text, by its last word: an article, a preposition or a hesitation ends no command."""

import re

from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie.voice_activity.endpointing import Completeness

_OPEN_WORDS = {
    "en": "a an the my your our their and or to for of with from at than if please set um uh er erm hmm",
    "de": "der die den dem des ein eine einen einem einer mein meine meinen und oder im am vom zum zur für von mit bei wenn bitte äh ähm hm",
    "fr": "le la les un une des du de mon ma mes et ou à au aux dans sur pour avec par si euh",
    "es": "el la los las un una unos unas mi mis y o a al de del en para por con si eh",
    "it": "il lo la i gli le un una uno mio mia e o di del della a al alla da in nel nella per con su se ehm",
    "nl": "de het een mijn en of van voor met naar als eh uhm",
}
"""Words after which more has to follow. Those that can end a sentence in spoken language, such as "on" or "an", are none."""
_OPEN = {language: frozenset(words.split()) for language, words in _OPEN_WORDS.items()}
_LAST_WORD = re.compile(r"([^\W\d_]+)[^\w]*$")


def rate_text(text: str, language: str | None) -> Completeness:
    """Return BEGINNING for a text that must go on, else UNKNOWN."""
    words = _OPEN.get(base_language(language or ""), frozenset())
    last = _LAST_WORD.search(text)
    is_open = last is not None and last[1].casefold() in words
    return Completeness.BEGINNING if is_open or text.rstrip().endswith(("...", "…")) else Completeness.UNKNOWN
