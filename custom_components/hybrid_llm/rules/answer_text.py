"""Text of an answer: removes thoughts and Markdown from a model's stream and cuts it into sentences."""

import re

MAX_ANSWER_CHARACTERS = 2000
"""Characters after which an answer is stopped; they take two minutes to speak."""
MAX_SENTENCE_CHARACTERS = 300
_MAX_REPEATS = 3
_THOUGHT = re.compile(r"<(think(?:ing)?|thought|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_MAYBE_TAG = re.compile(r"<[/\w|]{0,12}\Z")
_TAG = re.compile(r"</?(?:think(?:ing)?|thought|reasoning)>|<\|[\w ]{1,30}\|>", re.IGNORECASE)
_CONTROL = ("{", "[{", "<tool_call>", "<|python_tag|>", "[TOOL_CALLS]", "```")
_MARKUP = re.compile(r"\*+|`+|^\s*#+\s*|^\s*[-•]\s+", re.MULTILINE)
_END = re.compile(r"[.!?…][\"'”»)]*\s+|[\u3002\uff01\uff1f]+|\n+")


class AnswerText:
    """The text of one answer as it arrives: `feed` returns its complete sentences, `finish` the rest."""

    def __init__(self) -> None:
        self._raw = ""
        self._taken = 0
        self._pending = ""
        self._sentences: list[str] = []
        self.is_endless = False
        """Whether the answer repeats itself or does not end, so that it should be stopped."""

    @property
    def control_text(self) -> str:
        """The whole text if it is a tool call or data, which is never spoken."""
        plain = _THOUGHT.sub("", self._raw).strip()
        return plain if plain.startswith(_CONTROL) else ""

    def feed(self, text: str) -> list[str]:
        self._raw += text
        plain = _THOUGHT.sub("", self._raw)
        maybe = _MAYBE_TAG.search(plain)
        plain = plain[: maybe.start()] if maybe else plain
        return self._release(plain, is_end=False)

    def finish(self) -> list[str]:
        return self._release(_THOUGHT.sub("", self._raw), is_end=True)

    def _release(self, plain: str, *, is_end: bool) -> list[str]:
        start = plain.lstrip()
        if start.startswith(_CONTROL) or (not is_end and any(mark.startswith(start) for mark in _CONTROL)):
            return []
        self._pending += plain[self._taken :]
        self._taken = max(self._taken, len(plain))
        self.is_endless = self.is_endless or len(plain) > MAX_ANSWER_CHARACTERS
        return [sentence for sentence in self._split(is_end=is_end) if self._count(sentence)]

    def _split(self, *, is_end: bool) -> list[str]:
        sentences = []
        while found := _END.search(self._pending):
            sentences.append(self._pending[: found.end()])
            self._pending = self._pending[found.end() :]
        while len(self._pending) > MAX_SENTENCE_CHARACTERS:
            at = self._pending.rfind(" ", 0, MAX_SENTENCE_CHARACTERS) + 1 or MAX_SENTENCE_CHARACTERS
            sentences.append(self._pending[:at])
            self._pending = self._pending[at:]
        if is_end:
            sentences.append(self._pending)
            self._pending = ""
        return [plain for sentence in sentences if (plain := _MARKUP.sub("", _TAG.sub("", sentence))).strip()]

    def _count(self, sentence: str) -> bool:
        """Return whether a sentence is to be spoken; one that comes again and again ends the answer."""
        self._sentences.append(sentence.strip().lower())
        self.is_endless = self.is_endless or self._sentences.count(self._sentences[-1]) >= _MAX_REPEATS
        return not self.is_endless
