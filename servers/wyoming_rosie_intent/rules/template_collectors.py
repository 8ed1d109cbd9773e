"""Collectors of the words and lists of sentence templates; imported with the first template, since they need hassil."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce

from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    Sentence,
    Sequence,
    TextChunk,
)
from hassil.intents import RangeSlotList, SlotList, TextSlotList

from wyoming_rosie_intent.rules.template_words import MAX_NUMBER, WORD, fold_case, number_words

_WILDCARD = "\0"
"""Stands for text that a template does not spell out."""
_MAX_COMBINATIONS = 200
"""Combinations of one word's parts; words with more are left out of the spelling corrections."""


@dataclass(frozen=True)
class ListName:
    """A list in a template whose values are not part of the template."""

    name: str


@dataclass(frozen=True)
class PrefixCollector:
    """Collects the prefixes of the words of expressions, and the lists in them."""

    rules: dict[str, Sentence]
    lists: dict[str, SlotList]
    language: str
    _known: dict[str, frozenset[str | ListName]] = field(default_factory=dict)  # by names of rules and lists
    _required: dict[str, tuple[frozenset[str], ...]] = field(default_factory=dict)  # by names of rules and lists

    def collect(self, expression: Expression) -> frozenset[str | ListName]:
        """Return the prefixes of all words in all variants of an expression, and the lists in it."""
        match expression:
            case TextChunk():
                words = map(WORD.match, fold_case(expression.text).split())
                return frozenset(found[0] for found in words if found)
            case RuleReference() if expression.rule_name in self.rules:
                return self._collect_cached(f"<{expression.rule_name}>", [self.rules[expression.rule_name].expression])
            case ListReference():
                return self._collect_list(expression.list_name)
            case Group():
                return frozenset().union(*map(self.collect, expression.items))
        return frozenset({ListName("")})  # it may have any words

    def collect_required(self, expression: Expression) -> tuple[frozenset[str], ...]:
        """Return, for each list in all variants of an expression, prefixes of which a matching text has at least one."""
        match expression:
            case RuleReference() if expression.rule_name in self.rules:
                name = f"<{expression.rule_name}>"
                if name not in self._required:
                    self._required[name] = self.collect_required(self.rules[expression.rule_name].expression)
                return self._required[name]
            case ListReference():
                name = expression.list_name
                if name not in self._required:
                    self._required[name] = tuple(self._iter_required_of_list(name))
                return self._required[name]
            case Alternative(items=[one]) if not expression.is_optional:
                return self.collect_required(one)
            case Sequence():
                return tuple(clause for item in expression.items for clause in self.collect_required(item))
        return ()

    def _collect_cached(self, name: str, expressions: Iterable[Expression]) -> frozenset[str | ListName]:
        if name not in self._known:
            self._known[name] = frozenset()  # for recursive rules
            self._known[name] = frozenset().union(*map(self.collect, expressions))
        return self._known[name]

    def _collect_list(self, name: str) -> frozenset[str | ListName]:
        values = self.lists.get(name)
        if not isinstance(values, TextSlotList):
            return frozenset({ListName(name)})
        return self._collect_cached(f"{{{name}}}", [value.text_in for value in values.values])

    def _iter_required_of_list(self, name: str) -> Iterator[frozenset[str]]:
        values = self.lists.get(name)
        if isinstance(values, RangeSlotList) and values.stop <= MAX_NUMBER and (words := number_words(self.language)):
            yield frozenset(map(fold_case, words)) | frozenset("0123456789")
        if isinstance(values, TextSlotList):
            found = [self.collect(value.text_in) for value in values.values]
            texts = [[piece for piece in pieces if isinstance(piece, str)] for pieces in found]
            if (
                texts
                and all(texts)
                and all(len(text) == len(pieces) for text, pieces in zip(texts, found, strict=True))
            ):
                yield frozenset(piece for text in texts for piece in text)


@dataclass(frozen=True)
class _TextParts:
    """Texts of an expression: those without a space, and the first and last words of the others."""

    whole: frozenset[str] = frozenset()
    begins: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()

    def __or__(self, other: "_TextParts") -> "_TextParts":
        return _TextParts(self.whole | other.whole, self.begins | other.begins, self.ends | other.ends)


_NONE: frozenset[str] = frozenset()
_EMPTY = _TextParts(whole=frozenset({""}))
_ANY_TEXT = _TextParts(frozenset({_WILDCARD}))


@dataclass(frozen=True)
class WordCollector:
    """Collects the whole words of expressions: "light" and "lights" of "light[s]"."""

    rules: Mapping[str, Sentence]
    lists: Mapping[str, SlotList]
    _words: set[str] = field(default_factory=set)
    _known: dict[str, _TextParts] = field(default_factory=dict)  # by names of rules and lists

    def add(self, expression: Expression) -> None:
        text = self._collect(expression)
        self._words.update(text.whole, text.begins, text.ends)

    @property
    def words(self) -> frozenset[str]:
        return frozenset(filter(WORD.fullmatch, self._words))

    def _collect(self, expression: Expression) -> _TextParts:
        match expression:
            case TextChunk():
                return self._split_chunk(expression.text.casefold())
            case RuleReference() if expression.rule_name in self.rules:
                return self._collect_cached(f"<{expression.rule_name}>", [self.rules[expression.rule_name].expression])
            case ListReference():
                values = getattr(self.lists.get(expression.list_name), "values", None)
                texts = [value.text_in for value in values] if values else []
                return self._collect_cached(f"{{{expression.list_name}}}", texts) if texts else _ANY_TEXT
            case Sequence():
                return reduce(self._join, map(self._collect, expression.items), _EMPTY)
            case Alternative():
                return reduce(_TextParts.__or__, map(self._collect, expression.items), _TextParts())
            case Permutation():
                for item in expression.items:
                    self.add(item)
        return _ANY_TEXT

    def _collect_cached(self, name: str, expressions: Iterable[Expression]) -> _TextParts:
        if name not in self._known:
            self._known[name] = _ANY_TEXT  # for recursive rules
            self._known[name] = reduce(_TextParts.__or__, map(self._collect, expressions), _TextParts())
        return self._known[name]

    def _split_chunk(self, text: str) -> _TextParts:
        first, *others = re.split(r"\s+", text)
        if not others:
            return _TextParts(whole=frozenset({first}))
        self._words.update(others[:-1])
        return _TextParts(begins=frozenset({first}), ends=frozenset({others[-1]}))

    def _join(self, left: _TextParts, right: _TextParts) -> _TextParts:
        if left is _EMPTY:
            return right
        self._words.update(_join_all(left.ends, right.begins))
        return _TextParts(
            _join_all(left.whole, right.whole),
            left.begins | _join_all(left.whole, right.begins),
            right.ends | _join_all(left.ends, right.whole),
        )


def _join_all(left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
    if not left or not right:
        return _NONE
    if len(left) * len(right) > _MAX_COMBINATIONS:
        return frozenset({_WILDCARD})
    return frozenset(_WILDCARD if _WILDCARD in first + second else first + second for first in left for second in right)
