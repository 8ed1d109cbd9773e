"""Pending confirmations, as pure functions of text and time."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

TIMEOUT_SECONDS = 30.0
MAX_PENDING = 256
"""Conversations with a pending question; more of them drop the oldest question."""
MAX_REPEATS = 2
"""Repetitions of a question that got an unclear reply."""
_MAX_REPLY_WORDS = 3
"""Words of the longest text that is taken as a reply instead of a new sentence."""
_MAX_WORDS = 12
"""Words of the longest text that is parsed as a whole."""
Payload = TypeVar("Payload")


class ConfirmationReply(StrEnum):
    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"  # short, or with a yes or a no in it, but ambiguous
    OTHER = "other"  # another sentence, too late, or without a question


@dataclass(frozen=True)
class _PendingQuestion(Generic[Payload]):
    """A question, its payload for a yes, and a payload for each name that answers it."""

    payload: Payload
    text: str
    deadline: float
    options: Mapping[str, Payload] = field(default_factory=dict)
    repeats: int = 0


class Confirmations(Generic[Payload]):
    """Pending questions by conversation; `polite_phrases` may accompany a yes or a no."""

    def __init__(self, yes: Iterable[str], no: Iterable[str], polite_phrases: Iterable[str] = ()) -> None:
        self._yes, self._no, self._polite_phrases = (_split_phrases(texts) for texts in (yes, no, polite_phrases))
        self._pending: OrderedDict[str, _PendingQuestion[Payload]] = OrderedDict()
        self._repeatable: OrderedDict[str, _PendingQuestion[Payload]] = (
            OrderedDict()
        )  # that the latest text did not end

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
        """Expect a reply until `now` + TIMEOUT_SECONDS; replaces the conversation's previous question."""
        _add(self._pending, conversation, _PendingQuestion(payload, text, now + TIMEOUT_SECONDS, options or {}))

    def parse_reply(self, conversation: str, text: str, now: float) -> tuple[ConfirmationReply, Payload | None]:
        """Return the reply in a text and, after a yes, the payload of the question, which is then no longer pending."""
        self._repeatable.pop(conversation, None)
        question = self._pending.pop(conversation, None)
        if question is None or now > question.deadline:
            return ConfirmationReply.OTHER, None
        chosen = _match_option(question.options, normalize_reply(text))
        reply = ConfirmationReply.YES if chosen is not None else self._classify(normalize_reply(text), question.text)
        if reply in {ConfirmationReply.UNCLEAR, ConfirmationReply.OTHER} or (
            question.options and chosen is None and reply is ConfirmationReply.YES
        ):
            _add(self._repeatable, conversation, question)
            return (ConfirmationReply.UNCLEAR if reply is ConfirmationReply.YES else reply), None
        if reply is ConfirmationReply.NO:
            return reply, None
        _add(self._repeatable, conversation, question)  # for a yes of somebody who may not
        return reply, chosen if chosen is not None else question.payload

    def repeat_question(self, conversation: str, now: float) -> str | None:
        """Return the question of the latest text, unless it was a no, and make it pending again; None after MAX_REPEATS."""
        question = self._repeatable.pop(conversation, None)
        if question is None or not question.text or question.repeats >= MAX_REPEATS:
            return None
        again = replace(question, deadline=now + TIMEOUT_SECONDS, repeats=question.repeats + 1)
        _add(self._pending, conversation, again)
        return question.text

    def _classify(self, text: str, question: str) -> ConfirmationReply:
        """Classify a text made of phrases for yes, phrases for no, polite phrases and words of the question."""
        words, echo = tuple(text.split()), frozenset(normalize_reply(question).split())
        kinds = self._parse_phrases(words, echo) if len(words) <= _MAX_WORDS else None
        answers = (kinds or frozenset()) - {ConfirmationReply.OTHER}
        if kinds is not None and len(answers) == 1:
            return next(iter(answers))
        is_reply = answers or len(words) <= _MAX_REPLY_WORDS or self._contains_answer(words)
        return ConfirmationReply.UNCLEAR if is_reply else ConfirmationReply.OTHER

    def _contains_answer(self, words: tuple[str, ...]) -> bool:
        """Return whether a short text contains a yes or a no, or a longer one begins with it."""
        places = range(len(words)) if len(words) <= _MAX_WORDS else (0,)
        kinds = (
            kind for place in places for kind, _ in self._match_prefixes(words[place : place + _MAX_WORDS], frozenset())
        )
        return any(kind is not ConfirmationReply.OTHER for kind in kinds)

    def _parse_phrases(self, words: tuple[str, ...], echo: frozenset[str]) -> frozenset[ConfirmationReply] | None:
        """Return the kinds of the phrases that the words consist of; None when other words are among them."""
        if not words:
            return frozenset()
        for kind, length in self._match_prefixes(words, echo):
            if (replies := self._parse_phrases(words[length:], echo)) is not None:
                return replies | {kind}
        return None

    def _match_prefixes(self, words: tuple[str, ...], echo: frozenset[str]) -> Iterator[tuple[ConfirmationReply, int]]:
        """Yield kind and number of words of the phrases at the start, the longest first."""
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
    """Return the payload of the longest name that the text contains in full, else of the only one that it contains in part.

    Names of the same length need the same payload.
    """
    reply_words = set(text.split())
    names = {name: set(normalize_reply(name).split()) for name in options}
    common = set.intersection(*names.values()) if len(names) > 1 else set()
    found = [name for name, words in names.items() if words <= reply_words]
    longest = max((len(names[name]) for name in found), default=0)
    found = [name for name in found if len(names[name]) == longest]
    found = found or [name for name, words in names.items() if (words - common) & reply_words]
    payloads = [options[name] for name in found]
    return payloads[0] if payloads and all(payload == payloads[0] for payload in payloads) else None


def normalize_reply(text: str) -> str:
    """Return the text in lower case, with single spaces, without punctuation and without "please" at its end."""
    words = re.sub(r"[^\w\s']", " ", text.casefold().replace("\u2019", "'")).split()
    while len(words) > 1 and words[-1] in {"please", "rosie"}:
        words.pop()
    return " ".join(words)


def _split_phrases(texts: Iterable[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(normalize_reply(text).split()) for text in texts)
