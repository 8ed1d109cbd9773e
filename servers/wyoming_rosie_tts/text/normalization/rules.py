"""Rules of normalization: a pattern, and the words for what it finds."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Rewrites what the pattern finds; where `rewrite` returns None, the text stays as it is."""

    pattern: re.Pattern[str]
    rewrite: Callable[[re.Match[str]], str | None]

    def apply(self, text: str) -> str:
        return self.pattern.sub(self._replace, text)

    def _replace(self, found: re.Match[str]) -> str:
        words = self.rewrite(found)
        return found[0] if words is None else words


def create_rule(pattern: str, rewrite: Callable[[re.Match[str]], str | None], *, ignore_case: bool = False) -> Rule:
    """Return the rule for a pattern."""
    return Rule(re.compile(pattern, re.IGNORECASE if ignore_case else 0), rewrite)


def substitute(pattern: str, words: str) -> Rule:
    """Return the rule that puts the same words in place of whatever a pattern finds."""
    return create_rule(pattern, lambda _: words)


def apply_rules(rules: Sequence[Rule], text: str) -> str:
    """Apply the rules in order."""
    for rule in rules:
        text = rule.apply(text)
    return text


def any_of(words: Iterable[str]) -> str:
    """Return a pattern for one of the words, the longest that fits; one that never fits if there are none."""
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    return "|".join(map(re.escape, ordered)) or r"(?!)"
