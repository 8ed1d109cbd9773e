"""Questions that wait for an answer: pure, the time is an argument."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

TIMEOUT_SECONDS = 30.0
MAX_PENDING = 256
"""Conversations; the oldest question is dropped when there are more."""
MAX_REPEATS = 2
"""How often a question is asked again."""
_MAX_REPLY_WORDS = 3
"""Words of what is rather a reply than a sentence of its own."""
_MAX_WORDS = 12
"""Of a text that is read as a whole."""
Payload = TypeVar("Payload")


class ConfirmationReply(StrEnum):
    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"  # it is short, or there is a yes or a no in it, and nobody can tell which is meant
    OTHER = "other"  # something else was said, too late, or nobody had asked


@dataclass(frozen=True)
class _PendingQuestion(Generic[Payload]):
    """What was asked, and what is to be done after a yes, or for each name that may be the answer."""

    payload: Payload
    text: str
    deadline: float
    options: Mapping[str, Payload] = field(default_factory=dict)
    repeats: int = 0


class Confirmations(Generic[Payload]):
    """What was asked in each conversation and not yet answered; `softeners` make no difference to a yes or a no."""

    def __init__(self, yes: Iterable[str], no: Iterable[str], polite_phrases: Iterable[str] = ()) -> None:
        self._yes, self._no, self._polite_phrases = (_split_phrases(texts) for texts in (yes, no, polite_phrases))
        self._pending: OrderedDict[str, _PendingQuestion[Payload]] = OrderedDict()
        self._unanswered: OrderedDict[str, _PendingQuestion[Payload]] = OrderedDict()  # by what was said last

    def __len__(self) -> int:
        return len(self._pending)

    def ask(
        self,
        conversation: str,
        payload: Payload,
        now: float,
        text: str = "",
        options: Mapping[str, Payload] | None = None,
    ) -> None:
        """Wait for an answer until `now` + WAIT_SECONDS; an older question of the conversation is dropped."""
        _add(self._pending, conversation, _PendingQuestion(payload, text, now + TIMEOUT_SECONDS, options or {}))

    def parse_reply(self, conversation: str, text: str, now: float) -> tuple[ConfirmationReply, Payload | None]:
        """Return what the text says to the question, and after a yes what is to be done. No question is answered twice."""
        self._unanswered.pop(conversation, None)
        question = self._pending.pop(conversation, None)
        if question is None or now > question.deadline:
            return ConfirmationReply.OTHER, None
        chosen = _match_option(question.options, normalize_reply(text))
        reply = ConfirmationReply.YES if chosen is not None else self._classify(normalize_reply(text), question.text)
        if reply in {ConfirmationReply.UNCLEAR, ConfirmationReply.OTHER} or (
            question.options and chosen is None and reply is ConfirmationReply.YES
        ):
            _add(self._unanswered, conversation, question)
            return (ConfirmationReply.UNCLEAR if reply is ConfirmationReply.YES else reply), None
        if reply is ConfirmationReply.NO:
            return reply, None
        return reply, chosen if chosen is not None else question.payload

    def repeat_question(self, conversation: str, now: float) -> str | None:
        """Return the question that was not answered by what was heard last, which waits again; None after MOST_REPEATS."""
        question = self._unanswered.pop(conversation, None)
        if question is None or not question.text or question.repeats >= MAX_REPEATS:
            return None
        again = replace(question, deadline=now + TIMEOUT_SECONDS, repeats=question.repeats + 1)
        _add(self._pending, conversation, again)
        return question.text

    def _classify(self, text: str, asked: str) -> ConfirmationReply:
        """Read a text as a row of phrases for yes, for no, and such as make no difference; so do words of the question."""
        words, echo = tuple(text.split()), frozenset(normalize_reply(asked).split())
        said = self._parse_phrases(words, echo) if len(words) <= _MAX_WORDS else None
        answers = (said or frozenset()) - {ConfirmationReply.OTHER}
        if said is not None and len(answers) == 1:
            return next(iter(answers))
        is_reply = answers or len(words) <= _MAX_REPLY_WORDS or self._contains_answer(words)
        return ConfirmationReply.UNCLEAR if is_reply else ConfirmationReply.OTHER

    def _contains_answer(self, words: tuple[str, ...]) -> bool:
        """Tell whether there is a yes or a no in what may be a reply, or at the beginning of more."""
        places = range(len(words)) if len(words) <= _MAX_WORDS else (0,)
        kinds = (
            kind for place in places for kind, _ in self._match_prefixes(words[place : place + _MAX_WORDS], frozenset())
        )
        return any(kind is not ConfirmationReply.OTHER for kind in kinds)

    def _parse_phrases(self, words: tuple[str, ...], echo: frozenset[str]) -> frozenset[ConfirmationReply] | None:
        """Return what the phrases say that the words are a row of; None when they are none."""
        if not words:
            return frozenset()
        for kind, length in self._match_prefixes(words, echo):
            if (rest := self._parse_phrases(words[length:], echo)) is not None:
                return rest | {kind}
        return None

    def _match_prefixes(self, words: tuple[str, ...], echo: frozenset[str]) -> Iterator[tuple[ConfirmationReply, int]]:
        """Yield the phrases that the words begin with, the longest first: what each says, and how many words it has."""
        for length in range(len(words), 0, -1):
            for kind, phrases in (
                (ConfirmationReply.NO, self._no),
                (ConfirmationReply.YES, self._yes),
                (ConfirmationReply.OTHER, self._polite_phrases),
            ):
                if words[:length] in phrases:
                    yield kind, length
        if words[0] in echo:
            yield ConfirmationReply.OTHER, 1


def _add(
    questions: OrderedDict[str, _PendingQuestion[Payload]], conversation: str, question: _PendingQuestion[Payload]
) -> None:
    questions.pop(conversation, None)
    questions[conversation] = question
    if len(questions) > MAX_PENDING:
        questions.popitem(last=False)


def _match_option(options: Mapping[str, Payload], text: str) -> Payload | None:
    """Return what the only name stands for that the text has all words of, else the only one that it has a word of."""
    said = set(text.split())
    names = {name: set(normalize_reply(name).split()) for name in options}
    common = set.intersection(*names.values()) if len(names) > 1 else set()
    found = {name for name, words in names.items() if words <= said}
    found = found or {name for name, words in names.items() if (words - common) & said}
    return options[found.pop()] if len(found) == 1 else None


def normalize_reply(text: str) -> str:
    """Return the text in small letters, without signs, "please" at its end or a wide space."""
    words = re.sub(r"[^\w\s']", " ", text.casefold().replace("\u2019", "'")).split()
    while len(words) > 1 and words[-1] in {"please", "rosie"}:
        words.pop()
    return " ".join(words)


def _split_phrases(texts: Iterable[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(normalize_reply(text).split()) for text in texts)
