"""Intent recognizer: templates of home-assistant-intents and of this package, matched by hassil."""

import gc
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError, EngineError
from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_intent.engine import (
    EXCEPTION_SLOTS,
    TARGET_SLOTS,
    AreaScope,
    Match,
    SlotAlternatives,
    SlotValue,
    UnknownLanguageError,
)
from wyoming_rosie_intent.execution import targets
from wyoming_rosie_intent.execution.policy import Policy, is_dangerous
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import (
    durations,
    filler_words,
    multi_command,
    number_grammar,
    slot_lists,
    templates,
    todo_lists,
)
from wyoming_rosie_intent.rules.fuzzy import Correction, Effect, FuzzyRecognizer
from wyoming_rosie_intent.rules.multi_command import SplitRules
from wyoming_rosie_intent.rules.phonetics import Vocabulary
from wyoming_rosie_intent.rules.slot_lists import HomeSlotLists
from wyoming_rosie_intent.rules.templates import Templates, load_custom_sentences

if TYPE_CHECKING:
    from hassil import RecognizeResult
    from hassil.models import MatchEntity

__all__ = ["HassilRecognizer", "Settings", "load", "load_custom_sentences"]
_LOG = structlog.get_logger()
MAX_SENTENCE_LENGTH = 250
"""Characters; longer texts are no commands, and templates with wildcards take long to match them."""
MAX_CACHED_LANGUAGES = 8
"""Languages beyond those of the settings that stay loaded, the most recent ones; each takes about 10 MB."""
_NO_CORRECTION = "only_as_said"  # template metadata: too short for corrections
_GOODS = "goods"  # template metadata: the item may only be something to buy
_FREE_TEXT_SLOTS = frozenset({"item", "name"})
"""Wildcard slots that a corrected sentence may have; a song title cannot be verified."""
_ENTRY_DOMAINS = frozenset({"alarm_control_panel", "cover", "lock", "valve"})
"""Domains that count as dangerous while the target is not known."""
_MIN_NAME_WORDS = 2
_STEP_SIGNS = {"_up": 1, "_down": -1}
_ITEM = "item"
_SEARCH_QUERY = "search_query"
_UNKNOWN_AREA = "?"  # the speaker's area while matching, when it is not known


_DEFAULT_POLICY = Policy()


@dataclass(frozen=True)
class Settings:
    languages: tuple[str, ...] = option(("en",), "languages to load at start; others load at their first use")
    bare_names: bool = option(False, "take the bare name of a device as a command to turn it on")


def load(settings: Settings, home: Home, policy: Policy = _DEFAULT_POLICY) -> "HassilRecognizer":
    """Load and warm up a recognizer. Raises EngineError, ConfigError.

    Corrected names must be nearly exact when the target is dangerous by `policy`.
    """
    try:
        known = templates.supported_languages()
    except ImportError as err:
        raise EngineError(f"{err.name} is not installed; run: {install_command(['intent'])}") from err
    recognizer = HassilRecognizer(home, known, bare_names=settings.bare_names, policy=policy)
    with _paused_collection():
        for language in settings.languages:
            if templates.match_language(language, known) is None:
                raise ConfigError(f"no sentences for the language '{language}'; there are: {', '.join(known)}")
            recognizer.warm_up(language)
    recognizer.pin_loaded_languages()
    return recognizer


@contextmanager
def _paused_collection() -> Iterator[None]:
    """Collect no garbage during the block: each full collection would traverse all that is loaded so far."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass(frozen=True)
class _LanguageRules:
    """Templates and home data of one language."""

    templates: Templates
    names: HomeSlotLists
    fuzzy: FuzzyRecognizer
    split_rules: SplitRules

    @cached_property
    def spoken_names(self) -> frozenset[str]:
        """The names of the home in lower case."""
        return frozenset(map(str.casefold, self.names.spoken))


def _build_language_rules(language_templates: Templates, home: Home) -> _LanguageRules:
    lists = slot_lists.create_slot_lists(home, language_templates.language, language_templates.zones)
    hints = filler_words.load_hints(load_custom_sentences(language_templates.language).get("nearly", {}))
    vocabulary = language_templates.vocabulary if hints.non_command_words else Vocabulary(())
    fuzzy = FuzzyRecognizer(hints, vocabulary, language_templates.word_prefixes(), lists.spoken)
    return _LanguageRules(
        language_templates, lists, fuzzy, multi_command.load_split_rules(home, language_templates.language)
    )


class HassilRecognizer:
    def __init__(
        self,
        home: Home,
        languages: Sequence[str] = ("en",),
        *,
        bare_names: bool = False,
        policy: Policy = _DEFAULT_POLICY,
    ) -> None:
        self._home = home
        self._languages = tuple(languages)
        self._bare_names = bare_names
        self._policy = policy
        self._rules: Mapping[str, _LanguageRules] = {}
        self._pinned: frozenset[str] = frozenset()
        self._loading = threading.Lock()

    @property
    def languages(self) -> Sequence[str]:
        return self._languages

    def warm_up(self, language: str) -> None:
        """Load a language and recognize its warm-up sentences. Raises UnknownLanguageError."""
        for sentence in load_custom_sentences(self._find_language(language)).get("warm_up", ("1", "12:30")):
            self.recognize(sentence, language)

    def pin_loaded_languages(self) -> None:
        """Never drop the languages that are loaded now."""
        self._pinned = frozenset(self._rules)
        gc.collect()
        gc.freeze()  # each full collection would traverse the templates for 100 ms

    def set_home(self, home: Home) -> None:
        """Use another home, or a changed one, from the next sentence on."""
        with self._loading:
            rules = {language: _build_language_rules(known.templates, home) for language, known in self._rules.items()}
            self._home, self._rules = home, rules

    def recognize(self, text: str, language: str | None = None, area: str | None = None) -> Match | None:
        """Recognize one command or question, spoken in `area` (id or name). Raises UnknownLanguageError."""
        known = self._find_language(language)
        if not text.strip() or len(text) > MAX_SENTENCE_LENGTH:
            return None
        recognizer = _AreaRecognizer(self._get_language_rules(known), self._home, self._policy, area)
        match = recognizer.recognize(durations.split_compound_words(slot_lists.clean_text(text)))
        return replace(match, text=text, slots=_restore_commas(match.slots, text)) if match else None

    def trace(self, text: str, language: str | None = None, area: str | None = None) -> "RecognitionTrace":
        """Recognize a sentence as `recognize` does, and return the steps. Raises UnknownLanguageError."""
        known = self._find_language(language)
        match = self.recognize(text, language, area)
        cleaned = durations.split_compound_words(slot_lists.clean_text(text))
        rules = self._get_language_rules(known)
        if not cleaned or len(text) > MAX_SENTENCE_LENGTH:
            return RecognitionTrace(known, cleaned, 0, match, is_exact=False)
        recognizer = _AreaRecognizer(rules, self._home, self._policy, area)
        is_exact = recognizer.recognize_exactly(cleaned) is not None
        templates_tried = sum(
            len(data.sentences)
            for intent in rules.templates.filter(cleaned, rules.names.words).intents.values()
            for data in intent.data
        )
        correction = None if is_exact else recognizer.correct(cleaned)
        return RecognitionTrace(known, cleaned, templates_tried, match, is_exact, correction)

    def _find_language(self, language: str | None) -> str:
        known = templates.match_language(language, self._languages)
        if known is None:
            raise UnknownLanguageError(
                f"no sentences for the language {language!r}; there are: {_format_languages(self._languages)}"
            )
        return known

    def _get_language_rules(self, language: str) -> _LanguageRules:
        rules = self._rules.get(language)
        return rules if rules is not None else self._load_language_rules(language)

    def _load_language_rules(self, language: str) -> _LanguageRules:
        with self._loading:
            if language not in self._rules:
                responses.prepare(language)
                number_grammar.prepare(language)
                rules = _build_language_rules(templates.load(language, bare_names=self._bare_names), self._home)
                self._rules = {**self._drop_oldest(MAX_CACHED_LANGUAGES - 1), language: rules}
                _LOG.debug("the sentences of a language are ready", language=language)
            return self._rules[language]

    def _drop_oldest(self, number: int) -> Mapping[str, _LanguageRules]:
        """Return the pinned languages and the `number` most recent others."""
        others = [language for language in self._rules if language not in self._pinned]
        old = others[: max(0, len(others) - number)]
        return {language: rules for language, rules in self._rules.items() if language not in old}


@dataclass(frozen=True)
class RecognitionTrace:
    """The steps in which a sentence was recognized, or was not."""

    language: str
    cleaned: str
    templates_tried: int
    match: Match | None
    is_exact: bool
    correction: Correction | None = None  # of what matches no template


@dataclass(frozen=True)
class _AreaRecognizer:
    """Recognizes sentences of one language about one home, spoken in one area (id or name)."""

    rules: _LanguageRules
    home: Home
    policy: Policy
    area: str | None

    def recognize(self, text: str) -> Match | None:
        """Recognize a text, exactly or corrected; a duration in it may delay the command."""
        fuzzy = self.rules.fuzzy
        return (
            self.recognize_exactly(text)
            or self._match_with_durations(text, lambda sentence: fuzzy.recognize(sentence, self))
            or fuzzy.recognize(text, self)
        )

    def recognize_exactly(self, text: str) -> Match | None:
        """Recognize a text as it is said."""
        numeric = number_grammar.recognize(text, self._language)
        if numeric is not None and numeric.intent != "HassRespond":
            return numeric  # before durations, since "alarm for 7:30" has none
        return (
            self._match_delayed(text)
            or self._match_with_durations(text, self.match_exact)
            or self.match_exact(text)
            or numeric
        )

    def correct(self, text: str) -> Correction:
        """Return what becomes of a text that is not recognized as it is said."""
        readings = (reading.text for reading in durations.replace_durations(text, self._language))
        found = (self.rules.fuzzy.correct(reading, self) for reading in readings)
        timed = next((correction for correction in found if correction.match is not None), None)
        return timed or self.rules.fuzzy.correct(text, self)

    def _match_delayed(self, text: str) -> Match | None:
        delay = load_custom_sentences(self._language).get("delay")
        found = durations.parse_delayed(text, self._language, delay) if delay else iter(())
        return next((match for match in found if self._is_delayed_command(match, text)), None)

    def _match_with_durations(self, text: str, recognize: Callable[[str], Match | None]) -> Match | None:
        for reading in durations.replace_durations(text, self._language):
            match = recognize(reading.text)
            if match is not None and (restored := reading.restore(match)) is not None:
                return restored
        return None

    def _is_delayed_command(self, match: Match, text: str) -> bool:
        """Return whether the delayed command is recognized as a whole and can be delayed.

        A duration in the middle of a text delays one command only; the others are immediate.
        """
        later = str(match.slots[durations.COMMAND_SLOT])
        commands = multi_command.parse_commands(later, self.recognize, self.rules.split_rules)
        is_inside = not text.startswith(later) and not text.endswith(later)
        return 0 < len(commands) <= (1 if is_inside else multi_command.MAX_COMMANDS) and all(
            map(durations.can_be_delayed, commands)
        )

    @property
    def _language(self) -> str:
        return self.rules.templates.language

    def match_exact(self, text: str) -> Match | None:
        result = self._match_templates(text, self._area_name)
        return self._create_match(result, text) if result else None

    def match_corrected(self, text: str) -> Match | None:
        result = self._match_templates(text, self._area_name)
        return self._create_match(result, text) if result and _allows_correction(result) else None

    def get_effect(self, match: Match) -> Effect:
        entities = targets.find_targets(self.home, match, self.area)
        if not isinstance(entities, tuple) or not entities:
            return Effect((match.intent, match.slots), self._is_dangerous_class(match))
        values = {slot: value for slot, value in match.slots.items() if slot not in TARGET_SLOTS}
        dangerous = any(is_dangerous(self.policy, entity) for entity in entities)
        return Effect((match.intent, values, {entity.id for entity in entities}), dangerous)

    def _is_dangerous_class(self, match: Match) -> bool:
        """Return whether an unknown target would be dangerous; the conductor may know more entities than this home."""
        kinds = match.slot_texts("device_class")
        if not kinds or match.domain is None:
            return match.domain in _ENTRY_DOMAINS
        anything = f"{match.domain}.any"
        return any(is_dangerous(self.policy, Entity(anything, kind, match.domain, device_class=kind)) for kind in kinds)

    @property
    def _area_name(self) -> str:
        """The name of the area in this home, else the given one: the conductor may know more areas."""
        area = self.home.get_area(self.area) if self.area else None
        return area.name if area else self.area or _UNKNOWN_AREA

    def _match_templates(self, text: str, area: str) -> "RecognizeResult | None":
        from hassil import recognize_best

        return recognize_best(
            text,
            self.rules.templates.filter(text, self.rules.names.words),
            slot_lists=self.rules.names.lists,
            intent_context={"area": area},
            best_metadata_key="first",
            best_slot_name="name",
            language=self._language,
        )

    def _create_match(self, result: "RecognizeResult", text: str) -> Match | None:
        match = _remove_polite_words(_convert_result(result, text, self._language), self.rules.split_rules)
        if (item := match.slot_text(_ITEM)) is not None and _has_metadata(result, _GOODS):
            goods = todo_lists.remove_article(item, self._language)
            if goods.casefold() in self.rules.spoken_names or not todo_lists.is_goods(item, self._language):
                return None
            match = todo_lists.with_item(match, goods)
        if (words := load_custom_sentences(self._language).get("timers")) is not None:
            match = durations.clean_timer_name(match, words)
        return replace(match, mentioned_area=self._find_mentioned_area(match)) if self._is_valid(match, text) else None

    def _find_mentioned_area(self, match: Match) -> str | None:
        """Return the area that the sentence names, also within an entity's name: the kitchen lamp is in the kitchen."""
        if match.area_scope is AreaScope.NAMED:
            return match.slot_text("area")
        areas = {entity.area for entity in self.home.find_by_name(match.slot_text("name") or "")}
        area = self.home.get_area(areas.pop() or "") if len(areas) == 1 else None
        text = match.text.casefold()
        return area.name if area and any(name.casefold() in text for name in area.names) else None

    def _puts_thing(self, match: Match) -> bool:
        """Return whether a search query is a thing that one puts or turns on: "mets la table" asks for no song."""
        put = load_custom_sentences(self._language).get("put", {})
        words = [word.casefold() for word in match.text.split()]
        if _SEARCH_QUERY not in match.slots or not words or words[0] not in put.get("verbs", ()):
            return False
        query = f"{match.slot_text(_SEARCH_QUERY)} ".casefold()
        if not set(re.findall(r"\w+", query)).isdisjoint(put.get("things", ())):
            return True
        starts = (query, query.partition(" ")[2])
        names = (name.casefold() for entity in self.home.entities for name in entity.names)
        return any(start.startswith(f"{name} ") for name in names for start in starts)

    def _is_single_word_name(self, match: Match, text: str) -> bool:
        """Return whether a sentence is one word, the name of a scene, script or sensor: too little to act on."""
        if match.domain not in {"scene", "script", "sensor"} or len(text.split()) >= _MIN_NAME_WORDS:
            return False
        names = {name for entity in self.home.find_by_name(match.slot_text("name") or "") for name in entity.names}
        spoken = slot_lists.remove_punctuation(text).casefold()  # in Chinese, a verb and a name are one word
        return not names or spoken in (slot_lists.remove_punctuation(name).casefold() for name in names)

    def _is_valid(self, match: Match, text: str) -> bool:
        """Return whether a match makes sense: not "play dead", nor "I will be home in five minutes" as a delayed command."""
        if (
            _is_meaningless(match)
            or (match.is_remark and (self.policy.remarks == "ignore" or "?" in match.text))
            or self._is_single_word_name(match, text)
            or _is_sentence_about_timer(match)
            or _is_conversation(match)
            or self._puts_thing(match)
            or todo_lists.includes_list_name(match.slot_text("item") or "")
        ):
            return False
        return durations.COMMAND_SLOT not in match.slots or self._is_delayed_command(match, text)


def _format_languages(languages: Sequence[str]) -> str:
    """List the languages; of many, those with custom sentences."""
    named = [language for language in languages if load_custom_sentences(language)] or list(
        languages[:MAX_CACHED_LANGUAGES]
    )
    more = len(languages) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _allows_correction(result: "RecognizeResult") -> bool:
    free = {entity.name for entity in result.entities_list if entity.is_wildcard}
    return free <= _FREE_TEXT_SLOTS and not _has_metadata(result, _NO_CORRECTION)


def _has_metadata(result: "RecognizeResult", key: str) -> bool:
    return bool((result.intent_metadata or {}).get(key))


def _remove_polite_words(match: Match, rules: SplitRules) -> Match:
    """Remove polite words from free text: "some jazz please"; nothing may be left."""
    polite = {
        slot: rules.remove_polite_suffix(match.slot_text(slot) or "")
        for slot in (_ITEM, _SEARCH_QUERY)
        if slot in match.slots
    }
    return replace(match, slots={**match.slots, **polite}) if polite else match


def _is_meaningless(match: Match) -> bool:
    custom = load_custom_sentences(match.language)
    beginnings, alone = custom.get("meaningless", {}), custom.get("meaningless_alone", {})
    inside = custom.get("meaningless_inside", {})
    slots = (*beginnings, *alone, *inside)
    texts = {slot: f"{match.slot_text(slot)} ".casefold() for slot in slots if slot in match.slots}
    is_empty = _SEARCH_QUERY in match.slots and not (match.slot_text(_SEARCH_QUERY) or "").strip()
    return is_empty or any(
        text.strip() in alone.get(slot, ())
        or not set(text.split()).isdisjoint(inside.get(slot, ()))
        or any(text.startswith(f"{beginning} ") for beginning in beginnings.get(slot, ()))
        for slot, text in texts.items()
    )


def _is_sentence_about_timer(match: Match) -> bool:
    custom = load_custom_sentences(match.language)
    articles, others = custom.get("timers", {}).get("articles", ()), custom.get("nearly", {}).get("never", ())
    return durations.has_sentence_as_name(match, articles, others)


def _is_conversation(match: Match) -> bool:
    """Return whether the sentence is conversation and names nothing to play: "the children want to watch films"."""
    talk = load_custom_sentences(match.language).get("talk", {})
    words = match.text.casefold().split()
    if match.slots.keys().isdisjoint(talk.get("slots", ())) or words[0] in talk["unless_begun"]:
        return False
    return not set(talk["words"]).isdisjoint(words)


def _convert_result(result: "RecognizeResult", text: str, language: str) -> Match:
    entities = result.entities
    area_scope = AreaScope.ANYWHERE
    if "area" in entities:
        area_scope = AreaScope.NAMED if entities["area"].text else AreaScope.HERE
        if entities["area"].value == _UNKNOWN_AREA:
            area_scope = AreaScope.UNKNOWN
    slots = {
        name: _convert_value(_remove_article(entity) if entity.is_wildcard else entity.value)
        for name, entity in entities.items()
    }
    steps_last = sorted(
        slots.items(), key=lambda slot: slot[0].endswith(tuple(_STEP_SIGNS))
    )  # they replace "up", "down"
    slots = dict(_convert_step(name, value) for name, value in steps_last)
    slots |= {name: _convert_value(values) for name, values in _find_repeated(result).items()}
    if area_scope is AreaScope.UNKNOWN:
        del slots["area"]
    domain = slots.get("domain") or result.context.get("domain")
    return Match(
        result.intent.name, slots, text, str(domain) if domain else None, result.response or "", area_scope, language
    )


def _convert_step(name: str, value: SlotValue | SlotAlternatives) -> tuple[str, SlotValue | SlotAlternatives]:
    """Convert the amount of a slot such as "volume_down" to a signed step, "volume_step"."""
    sign = next((sign for ending, sign in _STEP_SIGNS.items() if name.endswith(ending)), 0)
    if not sign or not isinstance(value, (int, float)):
        return name, value
    return f"{name.rpartition('_')[0]}_step", sign * value


def _find_repeated(result: "RecognizeResult") -> Mapping[str, list[Any]]:
    """Return the values of exceptions that are named more than once: "except the kitchen and the hall"."""
    values: dict[str, list[Any]] = {}
    for entity in result.entities_list:
        if entity.name in EXCEPTION_SLOTS:
            values.setdefault(entity.name, []).append(entity.value)
    return {name: found for name, found in values.items() if len(found) > 1}


def _remove_article(entity: "MatchEntity") -> str:
    """Return the name of a timer or item without its article: "the pizza" is "pizza"."""
    text = str(entity.value)
    return re.sub(r"^(the|my|our|some)\s+", "", text, flags=re.IGNORECASE) if entity.name in {"name", "item"} else text


def _restore_commas(
    slots: Mapping[str, SlotValue | SlotAlternatives], text: str
) -> Mapping[str, SlotValue | SlotAlternatives]:
    """Restore the commas of an item, which hassil removes from a sentence."""
    item = slots.get("item")
    found = re.search(r"[\s,;]+".join(map(re.escape, str(item).split())), text, re.IGNORECASE) if item else None
    return {**slots, "item": found[0]} if found else slots


def _convert_value(value: Any) -> SlotValue | SlotAlternatives:
    """Convert a hassil value; whole numbers become int, since hassil returns 5.0 for "5" and 5 for "five"."""
    if isinstance(value, (list, tuple)):
        return tuple(map(str, value))
    if isinstance(value, (int, float)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value)
