"""Questions that wait for a yes: pure, the time is an argument."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

WAIT_SECONDS = 30.0
MOST_WAITING = 256
"""Conversations; the oldest question is dropped when there are more."""
Asked = TypeVar("Asked")


class Reply(StrEnum):
    YES = "yes"
    NO = "no"
    OTHER = "other"  # something else was said, too late, or nobody had asked


@dataclass(frozen=True)
class _Question(Generic[Asked]):
    about: Asked
    deadline: float


class Confirmations(Generic[Asked]):
    """What was asked in each conversation and not yet answered."""

    def __init__(self, yes: Iterable[str], no: Iterable[str]) -> None:
        self._yes = frozenset(yes)
        self._no = frozenset(no)
        self._waiting: OrderedDict[str, _Question[Asked]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, conversation: str, about: Asked, now: float) -> None:
        """Wait for a yes until `now` + WAIT_SECONDS; an older question of the conversation is dropped."""
        self._waiting.pop(conversation, None)
        self._waiting[conversation] = _Question(about, now + WAIT_SECONDS)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)

    def hear(self, conversation: str, text: str, now: float) -> tuple[Reply, Asked | None]:
        """Return what the text says to the question, and what that was about. No question is answered twice."""
        question = self._waiting.pop(conversation, None)
        if question is None or now > question.deadline:
            return Reply.OTHER, None
        words = plain_words(text)
        if words in self._yes:
            return Reply.YES, question.about
        return (Reply.NO if words in self._no else Reply.OTHER), None


def plain_words(text: str) -> str:
    """Return the text in small letters, without signs, "please" at its end or a wide space."""
    words = re.sub(r"[^\w\s']", " ", text.casefold().replace("\u2019", "'")).split()
    while len(words) > 1 and words[-1] in {"please", "rosie"}:
        words.pop()
    return " ".join(words)
