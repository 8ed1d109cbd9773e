"""Fillers: a few words while the answer is not ready, such as "Checking the lights…"."""

import re

from .claims import is_claim, is_command
from .languages import find_language

MAX_WORDS = 4
_MAX_CHARACTERS = 40
_WORD = re.compile(r"\w+")

INSTRUCTIONS = (
    "A voice assistant needs a moment before it can answer. Reply with what it says meanwhile: two to four words that name"
    ' the subject, such as "Checking the lights". No answer, no promise, nothing else. Use the language of the sentence.'
)
"""The system message of the small model."""


def may_fill(sentence: str, tag: str | None) -> bool:
    """Return whether a sentence may get a filler: no command does, nor one whose language has no words here."""
    return find_language(tag) is not None and not is_command(sentence, tag)


def find_phrase(sentence: str, tag: str | None) -> str | None:
    """Return the phrase for the first topic of a sentence; None in a language without phrases."""
    language = find_language(tag)
    if language is None:
        return None
    topic = next((language.topics[word] for word in _WORD.findall(sentence.lower()) if word in language.topics), None)
    return language.checking.format(topic) if topic else language.wait


def parse_filler(text: str, tag: str | None) -> str | None:
    """Return the small model's text if it is a filler of up to four words, which claims and asks nothing."""
    plain = text.strip().partition("\n")[0].strip(" .…!\"'“”„«»")
    fits = 0 < len(plain.split()) <= MAX_WORDS and len(plain) <= _MAX_CHARACTERS and not set(plain) & set("?<>{}[]*_")
    return f"{plain}…" if fits and plain[0].isalnum() and not is_claim(plain, tag, after_command=False) else None
