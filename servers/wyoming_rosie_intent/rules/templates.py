"""Sentence templates of each language, from home-assistant-intents and from this package."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakValueDictionary

from wyoming_rosie.errors import EngineError
from wyoming_rosie.home.model import DOMAINS
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.rules.phonetics import Vocabulary
from wyoming_rosie_intent.rules.template_words import MAX_NUMBER, WORD, fold_case, number_words

if TYPE_CHECKING:
    from hassil import Intents, TextSlotList
    from hassil.expression import Sentence
    from hassil.intents import IntentData, SlotList

    from wyoming_rosie_intent.rules.template_collectors import ListName, PrefixCollector

RequiredWords: TypeAlias = frozenset[str]
"""Word parts of which a matching sentence has at least one."""
TemplateSet: TypeAlias = int
"""A set of templates as a bit mask."""
_NEGATIVE_STEP = ("{volume_step_down:volume_step}", "{volume_step_up:volume_down}")
"""A list of the package and its replacement: hassil ignores the multiplier of a number that is a word."""
_ZONE = "zone"
_HOME_LISTS = ("area", "battery", "floor", "name", "product", _ZONE)
"""Lists whose values come from the home, some of the zones from the language."""


class Templates:
    """All templates of one language, indexed by their words."""

    def __init__(self, intents: "Intents") -> None:
        self._intents = intents
        self._templates = tuple(_split_templates(intents))
        self._clauses: dict[RequiredWords, TemplateSet] = defaultdict(int)  # templates that require each
        self._beginnings: dict[str, TemplateSet] = defaultdict(int)  # templates with each prefix of a word
        self._any_word: TemplateSet = 0
        self._lists: dict[str, TemplateSet] = defaultdict(int)
        self._skipped = frozenset(word for phrase in intents.skip_words for word in fold_case(phrase).split())
        shared = _create_prefix_collector(intents.expansion_rules, intents.slot_lists, intents.language)
        for number, (_, data) in enumerate(self._templates):
            has_own = data.expansion_rules or data.slot_lists
            words = _create_prefix_collector(*self._get_rules_and_lists(data), intents.language) if has_own else shared
            self._index(data, 1 << number, words)

    @property
    def language(self) -> str:
        return self._intents.language

    @property
    def intents(self) -> "Intents":
        return self._intents

    @property
    def zones(self) -> "TextSlotList":
        """The words of the language for "at home" and "away"; empty if they are not known."""
        from hassil import TextSlotList

        known = self._intents.slot_lists[_ZONE]
        assert isinstance(known, TextSlotList), known
        return known

    def word_prefixes(self) -> frozenset[str]:
        """Return the prefixes of all words in the templates, in lower case."""
        return frozenset(self._beginnings)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The whole words of the templates, in lower case."""
        from wyoming_rosie_intent.rules.template_collectors import WordCollector

        shared = WordCollector(self._intents.expansion_rules, self._intents.slot_lists)
        found = set(number_words(self.language))
        for _, data in self._templates:
            has_own_rules = data.expansion_rules or data.slot_lists
            wording = WordCollector(*self._get_rules_and_lists(data)) if has_own_rules else shared
            for sentence in data.sentences:
                wording.add(sentence.expression)
            found |= wording.words if has_own_rules else frozenset()
        return Vocabulary(shared.words | found)

    def filter(self, text: str, home_words: Mapping[str, frozenset[str]]) -> "Intents":
        """Return the templates that may match a text, by its words and those of the home's lists."""
        from hassil import Intents
        from hassil.intents import Intent

        if self._intents.settings.ignore_whitespace:
            return self._intents
        remaining = self._filter_templates(text, home_words)
        by_intent: dict[str, list[IntentData]] = defaultdict(list)
        while remaining:
            lowest = remaining & -remaining
            intent, data = self._templates[lowest.bit_length() - 1]
            by_intent[intent].append(data)
            remaining ^= lowest
        return Intents(
            self._intents.language,
            {name: Intent(name, data) for name, data in by_intent.items()},
            self._intents.slot_lists,
            self._intents.expansion_rules,
            self._intents.skip_words,
            self._intents.settings,
        )

    def _filter_templates(self, text: str, home_words: Mapping[str, frozenset[str]]) -> TemplateSet:
        from hassil.util import normalize_for_matching

        normalized = fold_case(normalize_for_matching(text).text)
        remaining = (1 << len(self._templates)) - 1
        for word in normalized.split():
            if word not in self._skipped and (prefix := WORD.match(word)) and "-" not in word and "_" not in word:
                remaining &= self._find_by_word(prefix[0], home_words)
        for clause, requiring in self._clauses.items():
            if remaining & requiring and not any(piece in normalized for piece in clause):
                remaining &= ~requiring
        return remaining

    def _find_by_word(self, word: str, home_words: Mapping[str, frozenset[str]]) -> TemplateSet:
        """Return the templates with a word or a prefix of it, since templates may split off endings."""
        if word[0].isdigit():
            return -1
        found = self._any_word
        for end in range(1, len(word) + 1):
            found |= self._beginnings.get(word[:end], 0)
            for name in _HOME_LISTS:
                if word[:end] in home_words[name]:
                    found |= self._lists[name]
        return found

    def _index(self, data: "IntentData", bit: TemplateSet, words: "PrefixCollector") -> None:
        for sentence in data.sentences:
            required = (frozenset(map(fold_case, clause)) for clause in sentence.get_required_clauses(words.rules))
            for clause in (*required, *words.collect_required(sentence.expression)):
                self._clauses[clause] |= bit
            for piece in words.collect(sentence.expression):
                self._index_word(piece, bit, words.lists)

    def _get_rules_and_lists(self, data: "IntentData") -> "tuple[dict[str, Sentence], dict[str, SlotList]]":
        """Return the rules and lists available to a template: the shared ones and its own."""
        rules = {**self._intents.expansion_rules, **data.expansion_rules}
        return rules, {**self._intents.slot_lists, **data.slot_lists}

    def _index_word(self, piece: "str | ListName", bit: TemplateSet, lists: "Mapping[str, SlotList]") -> None:
        if isinstance(piece, str):
            self._beginnings[piece] |= bit
        elif piece.name in _HOME_LISTS:
            self._lists[piece.name] |= bit
        elif _is_number_list(lists.get(piece.name)) and (words := number_words(self.language)):
            for word in words:
                self._beginnings[fold_case(word)] |= bit
        else:
            self._any_word |= bit


def _create_prefix_collector(
    rules: "dict[str, Sentence]", lists: "Mapping[str, SlotList]", language: str
) -> "PrefixCollector":
    """Create a collector to which the lists of the home are unknown."""
    from wyoming_rosie_intent.rules.template_collectors import PrefixCollector

    others = {name: values for name, values in lists.items() if name not in _HOME_LISTS}
    return PrefixCollector(rules, others, language)


def _is_number_list(values: "SlotList | None") -> bool:
    from hassil.intents import RangeSlotList

    return isinstance(values, RangeSlotList) and values.stop <= MAX_NUMBER


def _split_templates(intents: "Intents") -> "Iterator[tuple[str, IntentData]]":
    """Yield the name of the intent and a block of its own for each template."""
    for intent in intents.intents.values():
        for data in intent.data:
            for sentence in data.sentences:
                alone = replace(data, sentence_texts=[sentence.text or ""])
                alone.__dict__["sentences"] = [sentence]  # already parsed
                yield intent.name, alone


_IN_USE: WeakValueDictionary[tuple[str, bool], Templates] = WeakValueDictionary()
"""Loaded templates, by language and whether bare names count as commands."""


def supported_languages() -> Sequence[str]:
    """Return the tags of all languages with sentences. Raises ImportError without the package."""
    from home_assistant_intents import get_languages

    return sorted(get_languages())


def match_language(tag: str | None, known: Iterable[str]) -> str | None:
    """Return the known language for a tag such as en-US, de_AT or zh; without a tag, for English."""
    normalized = (tag or "en").replace("_", "-").casefold()
    tags = {language.casefold(): language for language in known}
    family = normalized.partition("-")[0]
    relatives = sorted(language for language in tags if language.partition("-")[0] == family)
    return tags.get(normalized) or tags.get(family) or (tags[relatives[0]] if relatives else None)


def load(language: str, *, bare_names: bool) -> Templates:
    """Return the templates of a language, those in use if another recognizer has them. Raises EngineError."""
    key = (language, bare_names)
    if (known := _IN_USE.get(key)) is None:
        known = _IN_USE[key] = _load(language, bare_names=bare_names)
    return known


def _load(language: str, *, bare_names: bool) -> Templates:
    from hassil import Intents, merge_dict
    from home_assistant_intents import get_intents

    templates = get_intents(language)
    if templates is None:
        raise EngineError(f"home-assistant-intents has no sentences for '{language}'; install a newer one")
    custom = load_custom_sentences(language)
    unwanted = frozenset() if bare_names else frozenset(custom.get("unwanted", ()))
    lists = {**_create_zone_list(language), **custom.get("lists", {})}
    for intent in templates["intents"].values():
        intent["data"] = list(_filter_blocks(intent["data"], unwanted))
    templates["lists"].pop(_ZONE, None)  # any words: "who is {zone}" would match every question
    merge_dict(
        templates,
        {**{key: custom[key] for key in ("intents", "expansion_rules", "skip_words") if key in custom}, "lists": lists},
    )
    return Templates(Intents.from_dict(templates))


@cache
def _load_zones() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((resources.files("wyoming_rosie_intent.rules") / "zones.toml").read_text("utf-8"))


def _create_zone_list(language: str) -> Mapping[str, Any]:
    """Create the list of places where a person may be: at home, and away."""
    values = [{"in": spoken, "out": zone} for zone, spoken in _load_zones().get(language, {}).items()]
    return {_ZONE: {"values": values}}


@cache
def load_custom_sentences(language: str) -> Mapping[str, Any]:
    """Load this package's additional sentences of a language, in the format of home-assistant-intents; may be empty."""
    file = resources.files("wyoming_rosie_intent.rules") / "sentences" / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}


def custom_languages() -> Sequence[str]:
    """Return the languages with additional sentences."""
    files = (resources.files("wyoming_rosie_intent.rules") / "sentences").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def load_replies(languages: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the phrases for yes and for no in any of the languages."""
    custom = [load_custom_sentences(base_language(language)) for language in languages]
    yes, no = (frozenset(word for sentences in custom for word in sentences.get(key, ())) for key in ("yes", "no"))
    return yes - no, no


def load_polite_phrases(languages: Iterable[str]) -> frozenset[str]:
    """Return the phrases that may accompany a yes or a no, in any of the languages."""
    custom = [load_custom_sentences(base_language(language)) for language in languages]
    nearly = [sentences.get("nearly", {}) for sentences in custom]
    keys = ((custom, "courtesies"), (nearly, "fillers"), (nearly, "it"))
    return frozenset(text for tables, key in keys for table in tables for text in table.get(key, ()))


def _filter_blocks(blocks: Iterable[dict[str, Any]], unwanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Remove unwanted sentences."""
    for block in blocks:
        sentences = [text.replace(*_NEGATIVE_STEP) for text in block["sentences"] if text not in unwanted]
        if sentences and block.get("slots", {}).get("domain", "light") in DOMAINS:
            yield {**block, "sentences": sentences}
