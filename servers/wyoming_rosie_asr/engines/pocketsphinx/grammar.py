"""The sentences that people say to one home: templates filled with its names, as an automaton of tokens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hassil.expression import Alternative, Expression, ListReference, Permutation, RuleReference, Sequence, TextChunk

from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_asr.engines.pocketsphinx import templates, tokens
from wyoming_rosie_asr.engines.pocketsphinx.automaton import Automaton, Net, minimal
from wyoming_rosie_asr.engines.pocketsphinx.pronunciation import Lexicon
from wyoming_rosie_asr.engines.pocketsphinx.templates import Block, Templates

Phrase: TypeAlias = tuple[str, ...]
"""Tokens said one after another."""


@dataclass(frozen=True)
class Grammar:
    automaton: Automaton
    skipped: tuple[str, ...]
    """Names of the home that nobody knows how to say."""


def of_home(
    home: Home, of_language: Templates, lexicon: Lexicon, more: Iterable[str] = (), phrases: Iterable[str] = ()
) -> Grammar:
    """Return the grammar of a home; names that cannot be said are left out of it.

    `more` are names that any of its things may have besides, `phrases` are sentences of their own.
    """
    names = _Names(home, lexicon, tuple(more))
    writer = _Writer(of_language).write(names)
    writer.add(way for phrase in phrases for way in names.ways(phrase))
    return Grammar(minimal(writer.net, writer.end), tuple(sorted(names.skipped)))


class _Names:
    """What the things and areas of a home are called."""

    def __init__(self, home: Home, lexicon: Lexicon, more: tuple[str, ...] = ()) -> None:
        self._home = home
        self._lexicon = lexicon
        self._more = more
        self.skipped: set[str] = set()

    def lists(self, block: Block) -> Mapping[str, list[Phrase]] | None:
        """Return the lists that the home fills for a block; None when it has no such things."""
        entities = [entity for entity in self._home.entities if _is_for(block, entity)]
        if block.domain and not entities:
            return None
        return {
            "name": [*self._phrases(entities), *(way for name in self._more for way in self.ways(name))],
            "area": self._phrases(self._areas_with(entities)),
            "placed": [phrase for entity in entities for phrase in self._placed(entity)],
        }

    def _areas_with(self, entities: Iterable[Entity]) -> list[Area]:
        """Where nobody has said in which area such things are, they may be in any."""
        known = {entity.area for entity in entities} - {None}
        return [area for area in self._home.areas if not known or area.id in known]

    def _placed(self, entity: Entity) -> list[Phrase]:
        areas = [area for area in self._home.areas if entity.area in (None, area.id)]
        return [
            (*name, *where, *area)
            for name in self._phrases([entity])
            for area in self._phrases(areas)
            for where in (("in",), ("in", "the"))
        ]

    def _phrases(self, things: Iterable[Area | Entity]) -> list[Phrase]:
        return [way for thing in things for name in thing.names for way in self.ways(name)]

    def ways(self, name: str) -> list[Phrase]:
        ways = self._lexicon.ways(name)
        if not ways:
            self.skipped.add(name)
        return ways


class _Writer:
    """Writes templates into a net."""

    def __init__(self, of_language: Templates) -> None:
        self._templates = of_language
        self._lists: Mapping[str, list[Phrase]] = {}
        self.net = Net()
        self.end = self.net.state()
        self._first = self.net.state()  # of every sentence within its frame
        self._last = self.net.state()

    def write(self, names: _Names) -> "_Writer":
        self.net.join(self._put(templates.parse(self._templates.frame), 0), self.end)
        for block in self._templates.blocks:
            lists = names.lists(block)
            if lists is not None:
                self._lists = lists
                for template in block.say:
                    self.net.join(self._put(templates.parse(template), self._first), self._last)
        return self

    def add(self, sentences: Iterable[Phrase]) -> None:
        """Write sentences that are no templates."""
        for sentence in sentences:
            self.net.join(self.net.after(self._first, sentence), self._last)

    def _put(self, expression: Expression, start: int) -> int:
        """Write an expression from a state on and return the state at its end."""
        match expression:
            case TextChunk():
                return self.net.after(start, expression.original_text.split())
            case RuleReference(rule_name="sentence"):
                self.net.join(start, self._first)
                return self._last
            case RuleReference():
                return self._put(templates.parse(self._templates.rules[expression.rule_name]), start)
            case ListReference():
                phrases = self._phrases(expression.list_name)
                return self._choice(self.net.after(start, phrase) for phrase in phrases)
            case Alternative():
                return self._choice(self._put(item, start) for item in expression.items)
            case Sequence():
                for item in expression.items:
                    start = self._put(item, start)
                return start
            case Permutation():
                return self._choice(
                    self._put(rest, self._put(item, start)) for item, rest in expression.iterate_permutations()
                )
            case _:
                raise TypeError(f"no such expression: {type(expression).__name__}")

    def _choice(self, ends: Iterable[int]) -> int:
        end = self.net.state()
        for one in ends:
            self.net.join(one, end)
        return end

    def _phrases(self, name: str) -> Iterable[Phrase]:
        if name in self._lists:
            return self._lists[name]
        if name in self._templates.ranges:
            return map(tokens.of_number, self._templates.ranges[name])
        return (tuple(text.split()) for text in self._templates.lists[name])


def _is_for(block: Block, entity: Entity) -> bool:
    return entity.domain in block.domain and (block.feature is None or block.feature in entity.features)
