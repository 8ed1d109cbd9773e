"""Filler words, which do not change a command, and words that no command contains."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

Words: TypeAlias = tuple[str, ...]
_NAMES = ("alexa", "siri", "google", "cortana", "bixby", "jarvis", "nabu", "mycroft", "rosie")
ASSISTANTS = tuple(
    f"{call}{name}" for name in _NAMES for call in ("", "hey ", "ok ", "okay ", "hallo ", "oye ", "dis ")
)
"""Names by which people call an assistant, whichever they have."""


@dataclass(frozen=True)
class LanguageHints:
    """Hints of one language for correcting sentences."""

    non_command_words: frozenset[str] = frozenset()  # no command contains one
    question_words: frozenset[str] = frozenset()  # at the start of a question
    fillers: frozenset[Words] = frozenset()
    prefixes: frozenset[Words] = frozenset()
    inner_words: frozenset[str] = frozenset()  # allowed between the words of a name
    pronouns: frozenset[str] = frozenset()
    assistants: frozenset[Words] = frozenset()  # names to call somebody by: fillers before and after a sentence
    misrecognitions: Mapping[str, Sequence[str]] = field(
        default_factory=dict
    )  # by the word that speech recognition returns
    gerunds: Mapping[str, str] = field(default_factory=dict)
    synonyms: tuple[frozenset[str], ...] = ()

    def remove_fillers(self, words: Words) -> Words:
        """Remove polite phrases, fillers and repeated words."""
        words = _remove_repeats(words)
        while True:
            shorter = self._remove_prefix(self._remove_suffix(words))
            if shorter == words:
                return self._remove_inner_fillers(words)
            words = shorter

    def _remove_prefix(self, words: Words) -> Words:
        for beginning in sorted(self.prefixes | self.fillers | self.assistants, key=len, reverse=True):
            if words[: len(beginning)] == beginning and len(words) > len(beginning):
                remaining = words[len(beginning) :]
                return (self.gerunds[remaining[0]], *remaining[1:]) if remaining[0] in self.gerunds else remaining
        return words

    def _remove_suffix(self, words: Words) -> Words:
        for filler in sorted(self.fillers | self.assistants, key=len, reverse=True):
            if words[-len(filler) :] == filler and len(words) > len(filler):
                return words[: -len(filler)]
        return words

    def _remove_inner_fillers(self, words: Words) -> Words:
        return _remove_repeats(tuple(word for word in words if (word,) not in self.fillers))


def load_hints(table: Mapping[str, Any]) -> LanguageHints:
    """Load hints from the table `[nearly]` of a language's custom sentences."""
    return LanguageHints(
        frozenset(table.get("never", ())),
        frozenset(table.get("asks", ())),
        frozenset(tuple(phrase.split()) for phrase in table.get("fillers", ())),
        frozenset(tuple(phrase.split()) for phrase in table.get("beginnings", ())),
        frozenset(table.get("small", ())),
        frozenset(table.get("it", ())),
        frozenset(tuple(phrase.split()) for phrase in (*ASSISTANTS, *table.get("vocatives", ()))),
        table.get("heard", {}),
        table.get("gerunds", {}),
        tuple(frozenset(group) for group in table.get("synonyms", ())),
    )


def strip_phrases(words: Words, phrases: Collection[Words]) -> Words:
    """Return the words without the phrases, in lower case, before and after them; a phrase alone stays."""
    plain = tuple(word.casefold() for word in words)
    for phrase in sorted(phrases, key=len, reverse=True):
        if len(phrase) < len(words) and plain[: len(phrase)] == phrase:
            return strip_phrases(words[len(phrase) :], phrases)
        if len(phrase) < len(words) and plain[-len(phrase) :] == phrase:
            return strip_phrases(words[: -len(phrase)], phrases)
    return words


def split_words(text: str) -> Iterator[str]:
    """Yield the words of a text without the punctuation around them."""
    plain = (word.strip('.,;:!?"()[]{}…“”') for word in text.replace("\u2019", "'").split())
    return (word for word in plain if word)


def normalize_words(text: str) -> Words:
    """Return the words of a text in lower case."""
    return tuple(word.casefold() for word in split_words(text))


def _remove_repeats(words: Words) -> Words:
    return tuple(word for word, following in pairwise((*words, "")) if word != following)
