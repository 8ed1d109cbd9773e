"""Questions that wait for an answer: pure, the time is an argument."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

WAIT_SECONDS = 30.0
MOST_WAITING = 256
"""Conversations; the oldest question is dropped when there are more."""
MOST_REPEATS = 2
"""How often a question is asked again."""
_SHORT = 3
"""Words of what is rather a reply than a sentence of its own."""
_MOST_WORDS = 12
"""Of a text that is read as a whole."""
Asked = TypeVar("Asked")


class Reply(StrEnum):
    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"  # it is short, or there is a yes or a no in it, and nobody can tell which is meant
    OTHER = "other"  # something else was said, too late, or nobody had asked


@dataclass(frozen=True)
class _Question(Generic[Asked]):
    """What was asked, and what is to be done after a yes, or for each name that may be the answer."""

    about: Asked
    text: str
    deadline: float
    options: Mapping[str, Asked] = field(default_factory=dict)
    repeats: int = 0


class Confirmations(Generic[Asked]):
    """What was asked in each conversation and not yet answered; `softeners` make no difference to a yes or a no."""

    def __init__(self, yes: Iterable[str], no: Iterable[str], softeners: Iterable[str] = ()) -> None:
        self._yes, self._no, self._softeners = (_phrases(texts) for texts in (yes, no, softeners))
        self._waiting: OrderedDict[str, _Question[Asked]] = OrderedDict()
        self._unanswered: OrderedDict[str, _Question[Asked]] = OrderedDict()  # by what was said last

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(
        self, conversation: str, about: Asked, now: float, text: str = "", options: Mapping[str, Asked] | None = None
    ) -> None:
        """Wait for an answer until `now` + WAIT_SECONDS; an older question of the conversation is dropped."""
        _put(self._waiting, conversation, _Question(about, text, now + WAIT_SECONDS, options or {}))

    def hear(self, conversation: str, text: str, now: float) -> tuple[Reply, Asked | None]:
        """Return what the text says to the question, and after a yes what is to be done. No question is answered twice."""
        self._unanswered.pop(conversation, None)
        question = self._waiting.pop(conversation, None)
        if question is None or now > question.deadline:
            return Reply.OTHER, None
        chosen = _chosen(question.options, plain_words(text))
        reply = Reply.YES if chosen is not None else self._reply(plain_words(text), question.text)
        if reply in {Reply.UNCLEAR, Reply.OTHER} or (question.options and chosen is None and reply is Reply.YES):
            _put(self._unanswered, conversation, question)
            return (Reply.UNCLEAR if reply is Reply.YES else reply), None
        if reply is Reply.NO:
            return reply, None
        return reply, chosen if chosen is not None else question.about

    def ask_again(self, conversation: str, now: float) -> str | None:
        """Return the question that was not answered by what was heard last, which waits again; None after MOST_REPEATS."""
        question = self._unanswered.pop(conversation, None)
        if question is None or not question.text or question.repeats >= MOST_REPEATS:
            return None
        again = replace(question, deadline=now + WAIT_SECONDS, repeats=question.repeats + 1)
        _put(self._waiting, conversation, again)
        return question.text

    def _reply(self, text: str, asked: str) -> Reply:
        """Read a text as a row of phrases for yes, for no, and such as make no difference; so do words of the question."""
        words, echo = tuple(text.split()), frozenset(plain_words(asked).split())
        said = self._read(words, echo) if len(words) <= _MOST_WORDS else None
        answers = (said or frozenset()) - {Reply.OTHER}
        if said is not None and len(answers) == 1:
            return next(iter(answers))
        is_reply = answers or len(words) <= _SHORT or self._has_answer(words)
        return Reply.UNCLEAR if is_reply else Reply.OTHER

    def _has_answer(self, words: tuple[str, ...]) -> bool:
        """Tell whether there is a yes or a no in what may be a reply, or at the beginning of more."""
        places = range(len(words)) if len(words) <= _MOST_WORDS else (0,)
        kinds = (
            kind for place in places for kind, _ in self._beginnings(words[place : place + _MOST_WORDS], frozenset())
        )
        return any(kind is not Reply.OTHER for kind in kinds)

    def _read(self, words: tuple[str, ...], echo: frozenset[str]) -> frozenset[Reply] | None:
        """Return what the phrases say that the words are a row of; None when they are none."""
        if not words:
            return frozenset()
        for kind, length in self._beginnings(words, echo):
            if (rest := self._read(words[length:], echo)) is not None:
                return rest | {kind}
        return None

    def _beginnings(self, words: tuple[str, ...], echo: frozenset[str]) -> Iterator[tuple[Reply, int]]:
        """Yield the phrases that the words begin with, the longest first: what each says, and how many words it has."""
        for length in range(len(words), 0, -1):
            for kind, phrases in ((Reply.NO, self._no), (Reply.YES, self._yes), (Reply.OTHER, self._softeners)):
                if words[:length] in phrases:
                    yield kind, length
        if words[0] in echo:
            yield Reply.OTHER, 1


def _put(questions: OrderedDict[str, _Question[Asked]], conversation: str, question: _Question[Asked]) -> None:
    questions.pop(conversation, None)
    questions[conversation] = question
    if len(questions) > MOST_WAITING:
        questions.popitem(last=False)


def _chosen(options: Mapping[str, Asked], text: str) -> Asked | None:
    """Return what the only name stands for that the text has all words of, else the only one that it has a word of."""
    said = set(text.split())
    names = {name: set(plain_words(name).split()) for name in options}
    common = set.intersection(*names.values()) if len(names) > 1 else set()
    found = {name for name, words in names.items() if words <= said}
    found = found or {name for name, words in names.items() if (words - common) & said}
    return options[found.pop()] if len(found) == 1 else None


def plain_words(text: str) -> str:
    """Return the text in small letters, without signs, "please" at its end or a wide space."""
    words = re.sub(r"[^\w\s']", " ", text.casefold().replace("\u2019", "'")).split()
    while len(words) > 1 and words[-1] in {"please", "rosie"}:
        words.pop()
    return " ".join(words)


def _phrases(texts: Iterable[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(plain_words(text).split()) for text in texts)
