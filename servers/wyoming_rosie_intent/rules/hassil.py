"""Sentence templates: the package home-assistant-intents and our own supplements, matched by hassil."""

import gc
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError, EngineError
from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_intent.engine import WHICH, AnyOf, Match, UnknownLanguageError, Value, Where
from wyoming_rosie_intent.execution import targets
from wyoming_rosie_intent.execution.policy import Policy, is_dangerous
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import durations, filler_words, multi_command, slot_lists, templates, todo_lists
from wyoming_rosie_intent.rules.fuzzy import Nearly, Outcome
from wyoming_rosie_intent.rules.multi_command import Speech
from wyoming_rosie_intent.rules.phonetics import Vocabulary
from wyoming_rosie_intent.rules.slot_lists import Names
from wyoming_rosie_intent.rules.templates import Templates, own_sentences

if TYPE_CHECKING:
    from hassil import RecognizeResult
    from hassil.models import MatchEntity

__all__ = ["HassilRecogniser", "Settings", "load", "own_sentences"]
_LOG = structlog.get_logger()
LONGEST_SENTENCE = 250
"""Characters; nobody says a command that is longer, and templates with free text take long over it."""
MOST_LANGUAGES = 8
"""Beside those of the settings that are kept at a time, the last that were read; each needs about 10 MB."""
_ONLY_AS_SAID = "only_as_said"  # in the metadata of a template: too short to be mended
_FREE = frozenset({"item", "name"})
"""Slots with words of the speaker's own that a mended sentence may have; of a song nobody can tell whether it was meant."""
_LET_IN = frozenset({"alarm_control_panel", "cover", "lock", "valve"})
"""Domains of which anything may be dangerous while nobody knows which thing is meant."""
_QUERY = "search_query"
_NOBODY_KNOWS = "?"  # stands for the speaker's area while matching, when it is not known


_NO_MORE_DANGERS = Policy()


@dataclass(frozen=True)
class Settings:
    languages: tuple[str, ...] = option(("en",), "languages to have ready; others are read when they are first spoken")
    bare_names: bool = option(False, "understand the name of a thing alone as an order to turn it on")


def load(settings: Settings, home: Home, policy: Policy = _NO_MORE_DANGERS) -> "HassilRecogniser":
    """Return a recogniser that is warm: its first sentence is as quick as any other. Raises EngineError, ConfigError.

    Of what is dangerous by `policy`, only names that are as good as exact are understood.
    """
    try:
        known = templates.languages()
    except ImportError as err:
        raise EngineError(f"{err.name} is not installed; run: {install_command(['intent'])}") from err
    recogniser = HassilRecogniser(home, known, bare_names=settings.bare_names, policy=policy)
    for language in settings.languages:
        if templates.find(language, known) is None:
            raise ConfigError(f"no sentences for the language '{language}'; there are: {', '.join(known)}")
        recogniser.warm(language)
    recogniser.keep()
    return recogniser


@dataclass(frozen=True)
class _Rules:
    """What is known in one language."""

    templates: Templates
    names: Names
    nearly: Nearly
    speech: Speech


def _rules(of_language: Templates, home: Home) -> _Rules:
    of_home = slot_lists.of(home, of_language.language)
    of_people = filler_words.read(own_sentences(of_language.language).get("nearly", {}))
    vocabulary = of_language.vocabulary if of_people.never else Vocabulary(())
    nearly = Nearly(of_people, vocabulary, of_language.words(), of_home.spoken)
    return _Rules(of_language, of_home, nearly, multi_command.speech(home, of_language.language))


class HassilRecogniser:
    def __init__(
        self,
        home: Home,
        languages: Sequence[str] = ("en",),
        *,
        bare_names: bool = False,
        policy: Policy = _NO_MORE_DANGERS,
    ) -> None:
        self._home = home
        self._languages = tuple(languages)
        self._bare_names = bare_names
        self._policy = policy
        self._rules: Mapping[str, _Rules] = {}
        self._kept: frozenset[str] = frozenset()
        self._loading = threading.Lock()

    @property
    def languages(self) -> Sequence[str]:
        return self._languages

    def warm(self, language: str) -> None:
        """Read a language and understand a few sentences of it, so that the next is as quick as any. Raises UnknownLanguageError."""
        for sentence in own_sentences(self._known(language)).get("warm_up", ("1", "12:30")):
            self.recognise(sentence, language)

    def keep(self) -> None:
        """Keep the languages that were read so far for as long as the program runs."""
        self._kept = frozenset(self._rules)
        gc.collect()
        gc.freeze()  # looking through the templates again and again costs 100 ms each time

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
        said = _Said(self._of(known), self._home, self._policy, area)
        match = said.understood(durations.with_plain_words(slot_lists.cleaned(text)))
        return replace(match, text=text, slots=_as_written(match.slots, text)) if match else None

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
                responses.prepare(language)
                rules = _rules(templates.load(language, bare_names=self._bare_names), self._home)
                self._rules = {**self._newest(MOST_LANGUAGES - 1), language: rules}
                _LOG.debug("the sentences of a language are ready", language=language)
            return self._rules[language]

    def _newest(self, number: int) -> Mapping[str, _Rules]:
        """Return the languages that are kept for ever, and so many others that were read last."""
        others = [language for language in self._rules if language not in self._kept]
        old = others[: max(0, len(others) - number)]
        return {language: rules for language, rules in self._rules.items() if language not in old}


@dataclass(frozen=True)
class _Said:
    """What is understood of sentences in one language, about one home, said in one area (its id or name)."""

    rules: _Rules
    home: Home
    policy: Policy
    area: str | None

    def understood(self, text: str) -> Match | None:
        """Return what a text means, as it is or mended; a time in it may say when to do the rest."""
        match = self._later(text) or self._timed(text, self.exactly) or self.exactly(text)
        nearly = self.rules.nearly
        return match or self._timed(text, lambda one: nearly.recognise(one, self)) or nearly.recognise(text, self)

    def _later(self, text: str) -> Match | None:
        delay = own_sentences(self._language).get("delay")
        found = durations.delays(text, self._language, delay) if delay else iter(())
        return next((match for match in found if self._can_be_done_later(match, text)), None)

    def _timed(self, text: str, understand: Callable[[str], Match | None]) -> Match | None:
        for reading in durations.readings(text, self._language):
            match = understand(reading.text)
            if match is not None and (restored := reading.restored(match)) is not None:
                return restored
        return None

    def _can_be_done_later(self, match: Match, text: str) -> bool:
        """Tell whether what is to be done when a timer ends is all understood now, and can wait.

        A time in the middle of a text is about one command: the others are for now.
        """
        later = str(match.slots[durations.COMMAND])
        commands = multi_command.understand(later, self.understood, self.rules.speech)
        is_inside = not text.startswith(later) and not text.endswith(later)
        return 0 < len(commands) <= (1 if is_inside else multi_command.MOST_COMMANDS) and all(
            map(durations.can_wait, commands)
        )

    @property
    def _language(self) -> str:
        return self.rules.templates.language

    def exactly(self, text: str) -> Match | None:
        result = self._best(text, self._here)
        return self._meant(result, text) if result else None

    def mended(self, text: str) -> Match | None:
        result = self._best(text, self._here)
        return self._meant(result, text) if result and _may_be_mended(result) else None

    def comes_to(self, match: Match) -> Outcome:
        things = targets.find(self.home, match, self.area)
        if not isinstance(things, tuple) or not things:
            return Outcome((match.intent, match.slots), self._is_of_dangerous_kind(match))
        how = {slot: value for slot, value in match.slots.items() if slot not in WHICH}
        dangerous = any(is_dangerous(self.policy, thing) for thing in things)
        return Outcome((match.intent, how, {thing.id for thing in things}), dangerous)

    def _is_of_dangerous_kind(self, match: Match) -> bool:
        """Judge what is nowhere in the home that is known here, but may be somewhere."""
        kinds = match.any_of("device_class")
        if not kinds or match.domain is None:
            return match.domain in _LET_IN
        anything = f"{match.domain}.any"
        return any(is_dangerous(self.policy, Entity(anything, kind, match.domain, device_class=kind)) for kind in kinds)

    @property
    def _here(self) -> str:
        """Return the name of an area of this home, or what was given: the conductor may know more areas."""
        area = self.home.area(self.area) if self.area else None
        return area.name if area else self.area or _NOBODY_KNOWS

    def _best(self, text: str, area: str) -> "RecognizeResult | None":
        from hassil import recognize_best

        return recognize_best(
            text,
            self.rules.templates.fitting(text, self.rules.names.words),
            slot_lists=self.rules.names.lists,
            intent_context={"area": area},
            best_metadata_key="first",
            best_slot_name="name",
            language=self._language,
        )

    def _meant(self, result: "RecognizeResult", text: str) -> Match | None:
        match = _without_courtesies(_match(result, text, self._language), self.rules.speech)
        if (words := own_sentences(self._language).get("timers")) is not None:
            match = durations.named(match, words)
        return replace(match, room=self._room(match)) if self._makes_sense(match, text) else None

    def _room(self, match: Match) -> str | None:
        """Return the area that is named, be it in the name of a thing: the kitchen lamp is in the kitchen."""
        if match.where is Where.SAID:
            return match.said("area")
        areas = {entity.area for entity in self.home.find_by_name(match.said("name") or "")}
        area = self.home.area(areas.pop() or "") if len(areas) == 1 else None
        text = match.text.casefold()
        return area.name if area and any(name.casefold() in text for name in area.names) else None

    def _makes_sense(self, match: Match, text: str) -> bool:
        """Refuse "I will be home in five minutes": what a timer is to do later must be a command; and "play dead"."""
        if _is_meaningless(match) or _is_talk(match) or todo_lists.has_taken_a_list(match.said("item") or ""):
            return False
        return durations.COMMAND not in match.slots or self._can_be_done_later(match, text)


def _some(languages: Sequence[str]) -> str:
    """Name the languages; of many, the best known."""
    named = [language for language in languages if own_sentences(language)] or list(languages[:MOST_LANGUAGES])
    more = len(languages) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _may_be_mended(result: "RecognizeResult") -> bool:
    free = {entity.name for entity in result.entities_list if entity.is_wildcard}
    return free <= _FREE and not (result.intent_metadata or {}).get(_ONLY_AS_SAID)


def _without_courtesies(match: Match, spoken: Speech) -> Match:
    """Leave out of a song's name what is only polite: "some jazz please"; nothing may be left."""
    if _QUERY not in match.slots:
        return match
    return replace(match, slots={**match.slots, _QUERY: spoken.without_courtesies(match.said(_QUERY) or "")})


def _is_meaningless(match: Match) -> bool:
    own = own_sentences(match.language)
    beginnings, alone = own.get("meaningless", {}), own.get("meaningless_alone", {})
    said = {slot: f"{match.said(slot)} ".casefold() for slot in (*beginnings, *alone) if slot in match.slots}
    is_empty = _QUERY in match.slots and not (match.said(_QUERY) or "").strip()
    return is_empty or any(
        text.strip() in alone.get(slot, ()) or any(text.startswith(f"{one} ") for one in beginnings.get(slot, ()))
        for slot, text in said.items()
    )


def _is_talk(match: Match) -> bool:
    """Tell whether words of the speaker's own name nothing that can be played: "the children want to watch films"."""
    talk = own_sentences(match.language).get("talk", {})
    words = match.text.casefold().split()
    if match.slots.keys().isdisjoint(talk.get("slots", ())) or words[0] in talk["unless_begun"]:
        return False
    return not set(talk["words"]).isdisjoint(words)


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


def _as_written(slots: Mapping[str, Value | AnyOf], text: str) -> Mapping[str, Value | AnyOf]:
    """Give an item the commas back that hassil takes out of a sentence."""
    item = slots.get("item")
    found = re.search(r"[\s,;]+".join(map(re.escape, str(item).split())), text, re.IGNORECASE) if item else None
    return {**slots, "item": found[0]} if found else slots


def _value(value: Any) -> Value | AnyOf:
    """Return whole numbers as such: hassil makes 5.0 of "5" and 5 of "five"; and lists as they are."""
    if isinstance(value, (list, tuple)):
        return tuple(map(str, value))
    if isinstance(value, (int, float)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value)
