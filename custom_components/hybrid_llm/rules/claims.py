"""Claims of actions: whether a model's sentence may be spoken, given what was executed in this turn."""

import re
from collections.abc import Iterable

from .languages import Language, find_language

_WORDS_BEFORE_A_VERB = 4
_LEAST_NAME = 4  # characters; shorter names are found in too many sentences
_QUESTION = re.compile(r"[?\uff1f\u061f][\"'”»)\s]*\Z")


def is_command(sentence: str, tag: str | None) -> bool:
    """Return whether a person's sentence wants an action; False in a language without words."""
    language = find_language(tag)
    if language is None:
        return False
    plain = _normalize(sentence)
    if language.polite.match(plain):
        return language.command.search(plain) is not None
    return not language.question.match(plain) and not _QUESTION.search(plain) and _has_verb(plain, language)


def is_claim(sentence: str, tag: str | None, *, after_command: bool) -> bool:
    """Return whether a model's sentence claims an action, although no tool has succeeded in this turn.

    After a command everything counts as a claim but questions, denials and offers; else only what says "I have done".
    """
    language = find_language(tag)
    plain = _normalize(sentence)
    if language is None or not any(map(str.isalnum, plain)) or _QUESTION.search(plain):
        return False
    if language.denial.search(plain):
        return False
    return after_command or language.claim.search(plain) is not None


def is_claim_about_another(
    sentence: str, tag: str | None, names: Iterable[str], executed: str, *, after_command: bool
) -> bool:
    """Return whether a sentence claims an action on an entity that is not in what was executed; `executed` is lower case."""
    if not is_claim(sentence, tag, after_command=after_command):
        return False
    plain = _normalize(sentence)
    others = (name.lower() for name in names if len(name) >= _LEAST_NAME and name.lower() not in executed)
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", plain) for name in others)


def _has_verb(plain: str, language: Language) -> bool:
    """Return whether a verb of control stands where orders have it: near the beginning, or at the end."""
    words = plain.split()
    ends = (" ".join(words[:_WORDS_BEFORE_A_VERB]), " ".join(words[-1:]))
    return any(language.command.search(part) for part in ends)


def _normalize(sentence: str) -> str:
    return sentence.replace("\u2019", "'").strip().lower()
