"""Sentence templates: the package home-assistant-intents and our own supplements, matched by hassil."""

import gc
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError, EngineError
from wyoming_rosie.home import Home
from wyoming_rosie_intent import answers, names, nearly, templates
from wyoming_rosie_intent.engine import Match, UnknownLanguageError, Value, Where
from wyoming_rosie_intent.names import Names
from wyoming_rosie_intent.nearly import Nearly
from wyoming_rosie_intent.templates import Templates, own_sentences

if TYPE_CHECKING:
    from hassil import RecognizeResult
    from hassil.models import MatchEntity

__all__ = ["HassilRecogniser", "Settings", "load", "own_sentences"]
_LOG = structlog.get_logger()
LONGEST_SENTENCE = 250
"""Characters; nobody says a command that is longer, and templates with free text take long over it."""
MOST_LANGUAGES = 8
"""That are kept at a time, the last that were read; each needs about 10 MB."""
_NOBODY_KNOWS = "?"  # stands for the speaker's area while matching, when it is not known


@dataclass(frozen=True)
class Settings:
    languages: tuple[str, ...] = option(("en",), "languages to have ready; others are read when they are first spoken")
    bare_names: bool = option(False, "understand the name of a thing alone as an order to turn it on")


def load(settings: Settings, home: Home) -> "HassilRecogniser":
    """Return a recogniser that is warm: its first sentence is as quick as any other. Raises EngineError, ConfigError."""
    try:
        known = templates.languages()
    except ImportError as err:
        raise EngineError(f"{err.name} is not installed; run: pip install 'wyoming-rosie[intent]'") from err
    recogniser = HassilRecogniser(home, known, bare_names=settings.bare_names)
    for language in settings.languages:
        if templates.find(language, known) is None:
            raise ConfigError(f"no sentences for the language '{language}'; there are: {', '.join(known)}")
        recogniser.warm(language)
    gc.collect()
    gc.freeze()  # the templates are for ever; looking through them again and again costs 100 ms each time
    return recogniser


@dataclass(frozen=True)
class _Rules:
    """What is known in one language."""

    templates: Templates
    names: Names
    nearly: Nearly


def _rules(of_language: Templates, home: Home) -> _Rules:
    of_home = names.of(home, of_language.language)
    manners = nearly.manners(own_sentences(of_language.language).get("nearly", {}))
    return _Rules(of_language, of_home, Nearly(manners, of_language.words(), of_home.spoken))


class HassilRecogniser:
    def __init__(self, home: Home, languages: Sequence[str] = ("en",), *, bare_names: bool = False) -> None:
        self._home = home
        self._languages = tuple(languages)
        self._bare_names = bare_names
        self._rules: Mapping[str, _Rules] = {}
        self._loading = threading.Lock()

    @property
    def languages(self) -> Sequence[str]:
        return self._languages

    def warm(self, language: str) -> None:
        """Read a language and understand a few sentences of it, so that the next is as quick as any. Raises UnknownLanguageError."""
        for sentence in own_sentences(self._known(language)).get("warm_up", ("1", "12:30")):
            self.recognise(sentence, language)

    def move_to(self, home: Home) -> None:
        """Speak about another home from the next sentence on, or about this one as it has become."""
        with self._loading:
            rules = {language: _rules(known.templates, home) for language, known in self._rules.items()}
            self._home, self._rules = home, rules

    def recognise(self, text: str, language: str | None = None, area: str | None = None) -> Match | None:
        """Return what one command or question means, said in `area` (its id or name). Raises UnknownLanguageError."""
        known = self._known(language)
        if not text.strip() or len(text) > LONGEST_SENTENCE:
            return None
        rules, here = self._of(known), self._area_name(area)
        match = self._exactly(rules, names.cleaned(text), here)
        if match is None:
            match = rules.nearly.recognise(text, lambda repaired: self._exactly(rules, repaired, here))
        return replace(match, text=text) if match else None

    def _known(self, language: str | None) -> str:
        known = templates.find(language, self._languages)
        if known is None:
            raise UnknownLanguageError(
                f"no sentences for the language {language!r}; there are: {_some(self._languages)}"
            )
        return known

    def _of(self, language: str) -> _Rules:
        rules = self._rules.get(language)
        return rules if rules is not None else self._read(language)

    def _read(self, language: str) -> _Rules:
        with self._loading:
            if language not in self._rules:
                answers.prepare(language)
                rules = _rules(templates.load(language, bare_names=self._bare_names), self._home)
                self._rules = {**dict(list(self._rules.items())[1 - MOST_LANGUAGES :]), language: rules}
                _LOG.debug("the sentences of a language are ready", language=language)
            return self._rules[language]

    def _exactly(self, rules: _Rules, text: str, area: str) -> Match | None:
        result = self._best(rules, text, area)
        match = _match(result, text, rules.templates.language) if result else None
        return match if match and self._makes_sense(rules, match) else None

    def _best(self, rules: _Rules, text: str, area: str) -> "RecognizeResult | None":
        from hassil import recognize_best

        return recognize_best(
            text,
            rules.templates.fitting(text, rules.names.words),
            slot_lists=rules.names.lists,
            intent_context={"area": area},
            best_metadata_key="first",
            best_slot_name="name",
            language=rules.templates.language,
        )

    def _area_name(self, given: str | None) -> str:
        """Return the name of an area of this home, or what was given: the conductor may know more areas."""
        area = self._home.area(given) if given else None
        return area.name if area else given or _NOBODY_KNOWS

    def _makes_sense(self, rules: _Rules, match: Match) -> bool:
        """Refuse "I will be home in five minutes": what a timer is to do later must be a command; and "play dead"."""
        if _is_meaningless(match):
            return False
        if (later := match.said("conversation_command")) is None:
            return True
        result = self._best(rules, later, _NOBODY_KNOWS)
        return result is not None and result.intent.name != match.intent


def _some(languages: Sequence[str]) -> str:
    """Name the languages; of many, the best known."""
    named = [language for language in languages if own_sentences(language)] or list(languages[:MOST_LANGUAGES])
    more = len(languages) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _is_meaningless(match: Match) -> bool:
    of_slots = own_sentences(match.language).get("meaningless", {})
    said = {slot: f"{match.said(slot)} ".casefold() for slot in of_slots if slot in match.slots}
    return any(text.startswith(f"{beginning} ") for slot, text in said.items() for beginning in of_slots[slot])


def _match(result: "RecognizeResult", text: str, language: str) -> Match:
    entities = result.entities
    where = Where.ANYWHERE
    if "area" in entities:
        where = Where.SAID if entities["area"].text else Where.HERE
        if entities["area"].value == _NOBODY_KNOWS:
            where = Where.UNKNOWN
    slots = {name: _value(_called(entity) if entity.is_wildcard else entity.value) for name, entity in entities.items()}
    if where is Where.UNKNOWN:
        del slots["area"]
    domain = slots.get("domain") or result.context.get("domain")
    return Match(
        result.intent.name, slots, text, str(domain) if domain else None, result.response or "", where, language
    )


def _called(entity: "MatchEntity") -> str:
    """Return what a timer or an item is called: the pizza is a pizza."""
    text = str(entity.value)
    return re.sub(r"^(the|my|our|some)\s+", "", text, flags=re.IGNORECASE) if entity.name in {"name", "item"} else text


def _value(value: Any) -> Value:
    """Return whole numbers as such: hassil makes 5.0 of "5" and 5 of "five"."""
    if isinstance(value, (int, float)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value)
