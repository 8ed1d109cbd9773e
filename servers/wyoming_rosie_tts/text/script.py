"""What is to be said, collected in order from a text as it comes."""

import re
from dataclasses import dataclass, field, replace
from typing import Protocol

from wyoming_rosie.text.normalize import has_sound, normalize, strip_emoji
from wyoming_rosie_tts.text.segments import Mark, Pause, Piece, Prosody, Wish, Words
from wyoming_rosie_tts.text.sentence_splitter import Sentences, is_sentence

MOST_SILENCE_MILLISECONDS = 300_000
"""All pauses of one text together; further ones are left out."""

_LANGUAGE = re.compile(r"(?:[a-z]{2,3}[-_][A-Z]{2}|[a-z]{2})(?![A-Za-z0-9])")


class Reader(Protocol):
    """Reads one text that arrives in any pieces; what it gives depends on the text alone."""

    def feed(self, text: str) -> list[Piece]:
        """Return what can be said now. Raises BadEventError; nothing is read after that."""

    def finish(self) -> list[Piece]:
        """Return what is left. Raises BadEventError."""


def language_of(wish: Wish) -> str:
    """Return the language that is wished for, or that the voice's name begins with: en-US-Jenny, de_DE-thorsten."""
    if wish.language or not wish.name:
        return wish.language or ""
    found = _LANGUAGE.match(wish.name)
    return found[0].replace("_", "-") if found else ""


def is_english(language: str) -> bool:
    """Tell whether words may be English ones; a language that is not known is taken for English."""
    return re.split("[-_]", language.lower())[0] in ("", "en")


@dataclass(frozen=True)
class Manner:
    """How words are said, and in which language (BCP 47; empty: not known)."""

    prosody: Prosody = field(default_factory=Prosody)
    wish: Wish | None = None
    language: str = ""


class Script:
    """Cuts words into sentences and clauses, and puts pauses and marks between them.

    Emoji are left out, unless the whole text has nothing else: then they are said.
    """

    def __init__(self) -> None:
        self._sentences = Sentences()
        self._manner = Manner()
        self._pieces: list[Piece] = []
        self._unsaid = ""
        self._has_words = False
        self._silence_left = MOST_SILENCE_MILLISECONDS

    @property
    def has_words(self) -> bool:
        return self._has_words

    def say(self, text: str, manner: Manner) -> None:
        self._turn_to(manner)
        self._add_all(self._sentences.feed(text))

    def pronounce(self, text: str, phonemes: str, manner: Manner) -> None:
        """Say the phonemes (IPA); the text is for engines that cannot."""
        self._turn_to(manner)
        self._cut(flows_on=True)
        self._has_words = True
        self._pieces.append(Words(_plain(text), manner.prosody, phonemes, manner.wish, flows_on=True))

    def end_sentence(self) -> None:
        self._add_all(self._sentences.cut())
        self._part()

    def pause(self, milliseconds: int) -> None:
        """Be silent for so long, instead of the silence that may have come here anyway."""
        self._cut(flows_on=True)
        if silence := min(milliseconds, self._silence_left):
            self._silence_left -= silence
            self._pieces.append(Pause(silence))

    def mark(self, name: str) -> None:
        self._cut()
        self._pieces.append(Mark(name))

    def take(self) -> list[Piece]:
        """Return the pieces that are sure; one that flows on waits, as a full stop alone may follow it."""
        sure = len(self._pieces) - (self._joined() is not None)
        taken, self._pieces = self._pieces[:sure], self._pieces[sure:]
        return taken

    def finish(self) -> list[Piece]:
        """Return all that is left."""
        self.end_sentence()
        if not self._has_words and (text := _squeezed(normalize(self._unsaid))):
            self._pieces.append(Words(text))
        taken, self._pieces = self._pieces, []
        return taken

    def _turn_to(self, manner: Manner) -> None:
        if manner != self._manner:
            self._cut()
            self._manner = manner

    def _cut(self, *, flows_on: bool = False) -> None:
        """Give what waits, and join it to what comes if that is asked for or the sentence has not ended."""
        *most, last = self._sentences.cut() or [""]
        self._add_all(most)
        self._add(last, flows_on=flows_on or not is_sentence(last))

    def _add_all(self, texts: list[str]) -> None:
        for text in texts:
            self._add(text, flows_on=False)

    def _add(self, text: str, *, flows_on: bool) -> None:
        plain = _plain(text)
        if has_sound(plain):
            self._has_words = True
            self._pieces.append(Words(plain, self._manner.prosody, wish=self._manner.wish, flows_on=flows_on))
            return
        self._unsaid = self._unsaid or text
        if is_sentence(text) and not flows_on:
            self._part()

    def _part(self) -> None:
        """Let silence follow the last piece after all."""
        if joined := self._joined():
            self._pieces[-1] = replace(joined, flows_on=False)

    def _joined(self) -> Words | None:
        """Return the last piece if it flows on."""
        last = self._pieces[-1] if self._pieces else None
        return last if isinstance(last, Words) and last.flows_on else None


def _plain(text: str) -> str:
    return _squeezed(normalize(strip_emoji(text)))


def _squeezed(text: str) -> str:
    return " ".join(text.split())
