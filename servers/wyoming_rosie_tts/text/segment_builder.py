"""What is to be said, collected in order from a text as it comes."""

import re
from dataclasses import dataclass, field, replace
from typing import Protocol

from wyoming_rosie.text.normalize import is_speakable, normalize, strip_emoji
from wyoming_rosie_tts.text.segments import MarkSegment, PauseSegment, Prosody, Segment, TextSegment, VoiceRequest
from wyoming_rosie_tts.text.sentence_splitter import SentenceSplitter, ends_sentence

MAX_PAUSE_MILLISECONDS = 300_000
"""All pauses of one text together; further ones are left out."""

_LANGUAGE = re.compile(r"(?:[a-z]{2,3}[-_][A-Z]{2}|[a-z]{2})(?![A-Za-z0-9])")


class SegmentParser(Protocol):
    """Reads one text that arrives in any pieces; what it gives depends on the text alone."""

    def feed(self, text: str) -> list[Segment]:
        """Return what can be said now. Raises BadEventError; nothing is read after that."""

    def finish(self) -> list[Segment]:
        """Return what is left. Raises BadEventError."""


def requested_language(request: VoiceRequest) -> str:
    """Return the language that is wished for, or that the voice's name begins with: en-US-Jenny, de_DE-thorsten."""
    if request.language or not request.name:
        return request.language or ""
    found = _LANGUAGE.match(request.name)
    return found[0].replace("_", "-") if found else ""


def is_english(language: str) -> bool:
    """Tell whether words may be English ones; a language that is not known is taken for English."""
    return re.split("[-_]", language.lower())[0] in ("", "en")


@dataclass(frozen=True)
class SpeechStyle:
    """How words are said, and in which language (BCP 47; empty: not known)."""

    prosody: Prosody = field(default_factory=Prosody)
    voice_request: VoiceRequest | None = None
    language: str = ""


class SegmentBuilder:
    """Cuts words into sentences and clauses, and puts pauses and marks between them.

    Emoji are left out, unless the whole text has nothing else: then they are said.
    """

    def __init__(self) -> None:
        self._splitter = SentenceSplitter()
        self._style = SpeechStyle()
        self._segments: list[Segment] = []
        self._silent_text = ""
        self._has_text = False
        self._pause_left = MAX_PAUSE_MILLISECONDS

    @property
    def has_text(self) -> bool:
        return self._has_text

    def add_text(self, text: str, style: SpeechStyle) -> None:
        self._set_style(style)
        self._add_sentences(self._splitter.feed(text))

    def add_phonemes(self, text: str, phonemes: str, style: SpeechStyle) -> None:
        """Say the phonemes (IPA); the text is for engines that cannot."""
        self._set_style(style)
        self._flush(joins_next=True)
        self._has_text = True
        self._segments.append(TextSegment(_clean(text), style.prosody, phonemes, style.voice_request, joins_next=True))

    def end_sentence(self) -> None:
        self._add_sentences(self._splitter.flush())
        self._separate()

    def add_pause(self, milliseconds: int) -> None:
        """Be silent for so long, instead of the silence that may have come here anyway."""
        self._flush(joins_next=True)
        if pause := min(milliseconds, self._pause_left):
            self._pause_left -= pause
            self._segments.append(PauseSegment(pause))

    def add_mark(self, name: str) -> None:
        self._flush()
        self._segments.append(MarkSegment(name))

    def take_ready(self) -> list[Segment]:
        """Return the pieces that are sure; one that flows on waits, as a full stop alone may follow it."""
        count = len(self._segments) - (self._joining_segment() is not None)
        taken, self._segments = self._segments[:count], self._segments[count:]
        return taken

    def finish(self) -> list[Segment]:
        """Return all that is left."""
        self.end_sentence()
        if not self._has_text and (text := _join_whitespace(normalize(self._silent_text))):
            self._segments.append(TextSegment(text))
        taken, self._segments = self._segments, []
        return taken

    def _set_style(self, style: SpeechStyle) -> None:
        if style != self._style:
            self._flush()
            self._style = style

    def _flush(self, *, joins_next: bool = False) -> None:
        """Give what waits, and join it to what comes if that is asked for or the sentence has not ended."""
        *most, last = self._splitter.flush() or [""]
        self._add_sentences(most)
        self._add_sentence(last, joins_next=joins_next or not ends_sentence(last))

    def _add_sentences(self, texts: list[str]) -> None:
        for text in texts:
            self._add_sentence(text, joins_next=False)

    def _add_sentence(self, text: str, *, joins_next: bool) -> None:
        plain = _clean(text)
        if is_speakable(plain):
            self._has_text = True
            self._segments.append(
                TextSegment(plain, self._style.prosody, voice_request=self._style.voice_request, joins_next=joins_next)
            )
            return
        self._silent_text = self._silent_text or text
        if ends_sentence(text) and not joins_next:
            self._separate()

    def _separate(self) -> None:
        """Let silence follow the last piece after all."""
        if joined := self._joining_segment():
            self._segments[-1] = replace(joined, joins_next=False)

    def _joining_segment(self) -> TextSegment | None:
        """Return the last piece if it flows on."""
        last = self._segments[-1] if self._segments else None
        return last if isinstance(last, TextSegment) and last.joins_next else None


def _clean(text: str) -> str:
    return _join_whitespace(normalize(strip_emoji(text)))


def _join_whitespace(text: str) -> str:
    return " ".join(text.split())
