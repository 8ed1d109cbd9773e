"""Grammar of one home: sentence templates, filled with its names, as an automaton of tokens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hassil.expression import Alternative, Expression, ListReference, Permutation, RuleReference, Sequence, TextChunk

from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_asr.engines.pocketsphinx import templates, tokens
from wyoming_rosie_asr.engines.pocketsphinx.automaton import Automaton, Nfa, minimize
from wyoming_rosie_asr.engines.pocketsphinx.pronunciation import Lexicon
from wyoming_rosie_asr.engines.pocketsphinx.templates import SentenceTemplates, TemplateBlock

Phrase: TypeAlias = tuple[str, ...]
"""A sequence of tokens."""


@dataclass(frozen=True)
class Grammar:
    automaton: Automaton
    skipped: tuple[str, ...]
    """Names of the home that have no pronunciation."""


def build_grammar(
    home: Home,
    sentence_templates: SentenceTemplates,
    lexicon: Lexicon,
    extra_names: Iterable[str] = (),
    sentences: Iterable[str] = (),
) -> Grammar:
    """Return the grammar of a home, without the names that have no pronunciation.

    `extra_names` are further names for any entity, `sentences` are added as they are.
    """
    names = _HomeNames(home, lexicon, tuple(extra_names))
    writer = _GrammarWriter(sentence_templates).add_templates(names)
    writer.add_sentences(pronunciation for phrase in sentences for pronunciation in names.pronounce(phrase))
    return Grammar(minimize(writer.nfa, writer.end), tuple(sorted(names.skipped)))


class _HomeNames:
    """Pronunciations of the names of a home's entities and areas."""

    def __init__(self, home: Home, lexicon: Lexicon, extra_names: tuple[str, ...] = ()) -> None:
        self._home = home
        self._lexicon = lexicon
        self._extra_names = extra_names
        self.skipped: set[str] = set()

    def build_lists(self, block: TemplateBlock) -> Mapping[str, list[Phrase]] | None:
        """Return the lists that the home fills for a block; None if it has no matching entity."""
        entities = [entity for entity in self._home.entities if _matches(block, entity)]
        if block.domain and not entities:
            return None
        return {
            "name": [
                *self._pronounce_names(entities),
                *(pronunciation for name in self._extra_names for pronunciation in self.pronounce(name)),
            ],
            "area": self._pronounce_names(self._find_areas(entities)),
            "placed": [phrase for entity in entities for phrase in self._names_with_area(entity)],
        }

    def _find_areas(self, entities: Iterable[Entity]) -> list[Area]:
        """Return the areas of the entities; all areas if none of the entities has one."""
        known = {entity.area for entity in entities} - {None}
        return [area for area in self._home.areas if not known or area.id in known]

    def _names_with_area(self, entity: Entity) -> list[Phrase]:
        areas = [area for area in self._home.areas if entity.area in (None, area.id)]
        return [
            (*name, *preposition, *area)
            for name in self._pronounce_names([entity])
            for area in self._pronounce_names(areas)
            for preposition in (("in",), ("in", "the"))
        ]

    def _pronounce_names(self, items: Iterable[Area | Entity]) -> list[Phrase]:
        return [pronunciation for item in items for name in item.names for pronunciation in self.pronounce(name)]

    def pronounce(self, name: str) -> list[Phrase]:
        pronunciations = self._lexicon.pronounce(name)
        if not pronunciations:
            self.skipped.add(name)
        return pronunciations


class _GrammarWriter:
    """Writes sentences into a nondeterministic automaton."""

    def __init__(self, sentence_templates: SentenceTemplates) -> None:
        self._templates = sentence_templates
        self._lists: Mapping[str, list[Phrase]] = {}
        self.nfa = Nfa()
        self.end = self.nfa.add_state()
        self._first = self.nfa.add_state()  # of every sentence within its frame
        self._last = self.nfa.add_state()

    def add_templates(self, names: _HomeNames) -> "_GrammarWriter":
        self.nfa.connect(self._add_expression(templates.parse(self._templates.frame), 0), self.end)
        for block in self._templates.blocks:
            lists = names.build_lists(block)
            if lists is not None:
                self._lists = lists
                for template in block.say:
                    self.nfa.connect(self._add_expression(templates.parse(template), self._first), self._last)
        return self

    def add_sentences(self, sentences: Iterable[Phrase]) -> None:
        """Add sentences as they are."""
        for sentence in sentences:
            self.nfa.connect(self.nfa.add_path(self._first, sentence), self._last)

    def _add_expression(self, expression: Expression, start: int) -> int:
        """Add an expression after state `start`; return its last state."""
        match expression:
            case TextChunk():
                return self.nfa.add_path(start, expression.original_text.split())
            case RuleReference(rule_name="sentence"):
                self.nfa.connect(start, self._first)
                return self._last
            case RuleReference():
                return self._add_expression(templates.parse(self._templates.rules[expression.rule_name]), start)
            case ListReference():
                phrases = self._list_values(expression.list_name)
                return self._merge(self.nfa.add_path(start, phrase) for phrase in phrases)
            case Alternative():
                return self._merge(self._add_expression(item, start) for item in expression.items)
            case Sequence():
                for item in expression.items:
                    start = self._add_expression(item, start)
                return start
            case Permutation():
                return self._merge(
                    self._add_expression(others, self._add_expression(item, start))
                    for item, others in expression.iterate_permutations()
                )
            case _:
                raise TypeError(f"no such expression: {type(expression).__name__}")

    def _merge(self, ends: Iterable[int]) -> int:
        end = self.nfa.add_state()
        for state in ends:
            self.nfa.connect(state, end)
        return end

    def _list_values(self, name: str) -> Iterable[Phrase]:
        if name in self._lists:
            return self._lists[name]
        if name in self._templates.ranges:
            return map(tokens.number_tokens, self._templates.ranges[name])
        return (tuple(text.split()) for text in self._templates.lists[name])


def _matches(block: TemplateBlock, entity: Entity) -> bool:
    return entity.domain in block.domain and (block.feature is None or block.feature in entity.features)
