"""Sentence templates: the package home-assistant-intents and our own supplements, matched by hassil."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from wyoming_rosie.config import option
from wyoming_rosie.errors import EngineError
from wyoming_rosie.home import DOMAINS, Entity, Home
from wyoming_rosie_intent.engine import Match, UnknownLanguageError, Value, Where
from wyoming_rosie_intent.spoken import digits_as_words

if TYPE_CHECKING:
    from hassil import Intents, RecognizeResult, SlotList
    from hassil.models import MatchEntity

LANGUAGES = ("en",)
LONGEST_SENTENCE = 250
"""Characters; nobody says a command that is longer, and templates with free text take long over it."""
_NOBODY_KNOWS = "?"  # stands for the speaker's area while matching, when it is not known
_WARM_UP = (
    "what time is it",
    "set a timer for twenty five minutes",
    "set brightness to fifty percent",
    "turn on the light",
)


@dataclass(frozen=True)
class Settings:
    bare_names: bool = option(False, "understand the name of a thing alone as an order to turn it on")


def load(settings: Settings, home: Home) -> "HassilRecogniser":
    """Return a recogniser that is warm: its first sentence is as quick as any other. Raises EngineError."""
    try:
        recogniser = HassilRecogniser(_intents("en", bare_names=settings.bare_names), home)
    except ImportError as err:
        raise EngineError(f"{err.name} is not installed; run: pip install 'wyoming-rosie[intent]'") from err
    for sentence in _WARM_UP:
        recogniser.recognise(sentence)
    return recogniser


class HassilRecogniser:
    def __init__(self, intents: "Intents", home: Home) -> None:
        self._intents = intents
        self._home = home
        self._slot_lists = _slot_lists(home)

    @property
    def languages(self) -> Sequence[str]:
        return LANGUAGES

    def recognise(self, text: str, language: str | None = None, area: str | None = None) -> Match | None:
        """Return what one command or question means, said in `area` (its id or name). Raises UnknownLanguageError."""
        if spoken_language(language) not in LANGUAGES:
            raise UnknownLanguageError(f"no sentences for the language {language!r}; there are: {', '.join(LANGUAGES)}")
        if not text.strip() or len(text) > LONGEST_SENTENCE:
            return None
        result = self._best(_cleaned(text), self._area_name(area))
        match = _match(result, text) if result else None
        return match if match and self._makes_sense(match) else None

    def _best(self, text: str, area: str) -> "RecognizeResult | None":
        from hassil import recognize_best

        return recognize_best(
            text,
            self._intents,
            slot_lists=self._slot_lists,
            intent_context={"area": area},
            best_metadata_key="first",
            best_slot_name="name",
            language="en",
        )

    def _area_name(self, given: str | None) -> str:
        """Return the name of an area of this home, or what was given: the conductor may know more areas."""
        area = self._home.area(given) if given else None
        return area.name if area else given or _NOBODY_KNOWS

    def _makes_sense(self, match: Match) -> bool:
        """Refuse "I will be home in five minutes": what a timer is to do later must be a command."""
        if (later := match.said("conversation_command")) is None:
            return True
        result = self._best(later, _NOBODY_KNOWS)
        return result is not None and result.intent.name != match.intent


def spoken_language(given: str | None) -> str:
    """Return the language of a tag such as en-US or en_GB; English when none is given."""
    return re.split("[-_]", given, maxsplit=1)[0].lower() if given else "en"


@cache
def own_sentences(language: str) -> Mapping[str, Any]:
    """Return our supplements to the package's sentences, in the package's format."""
    file = resources.files("wyoming_rosie_intent") / "sentences" / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8"))


def _intents(language: str, *, bare_names: bool) -> "Intents":
    from hassil import Intents, merge_dict
    from home_assistant_intents import get_intents

    templates = get_intents(language)
    if templates is None:
        raise EngineError(f"home-assistant-intents has no sentences for '{language}'; install a newer one")
    own = own_sentences(language)
    unwanted = frozenset() if bare_names else frozenset(own["unwanted"])
    for intent in templates["intents"].values():
        intent["data"] = list(_wanted(intent["data"], unwanted))
    merge_dict(templates, _data_only(own))
    return Intents.from_dict(templates)


def _data_only(own: Mapping[str, Any]) -> dict[str, Any]:
    return {key: own[key] for key in ("intents", "lists", "expansion_rules")}


def _wanted(blocks: Iterable[dict[str, Any]], unwanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Leave out what no home of ours can have: floors, and domains such as person."""
    for block in blocks:
        sentences = [text for text in block["sentences"] if "{floor}" not in text and text not in unwanted]
        if sentences and block.get("slots", {}).get("domain", "light") in DOMAINS:
            yield {**block, "sentences": sentences}


def _slot_lists(home: Home) -> "dict[str, SlotList]":
    from hassil import TextSlotList

    areas = [(spoken, area.name) for area in home.areas for name in area.names for spoken in _spoken(name)]
    names = [_name(entity, spoken) for entity in home.entities for name in entity.names for spoken in _spoken(name)]
    return {
        "area": TextSlotList.from_tuples(areas, allow_template=False, name="area"),
        "name": TextSlotList.from_tuples(names, allow_template=False, name="name"),
        "floor": TextSlotList.from_tuples([], allow_template=False, name="floor"),
    }


def _name(entity: Entity, spoken: str) -> tuple[str, str, dict[str, str]]:
    return spoken, entity.name, {"domain": entity.domain}


def _spoken(name: str) -> tuple[str, ...]:
    """Return how a written name may be heard: as it is, without signs, and with its digits as words."""
    plain = " ".join(re.sub(r"[^\w\s'-]", " ", name.replace("\u2019", "'")).split())
    return tuple(spoken for spoken in dict.fromkeys((name, plain, digits_as_words(plain))) if spoken.strip())


def _cleaned(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _match(result: "RecognizeResult", text: str) -> Match:
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
    return Match(result.intent.name, slots, text, str(domain) if domain else None, result.response or "", where)


def _called(entity: "MatchEntity") -> str:
    """Return what a timer or an item is called: the pizza is a pizza."""
    text = str(entity.value)
    return re.sub(r"^(the|my|our|some)\s+", "", text, flags=re.IGNORECASE) if entity.name in {"name", "item"} else text


def _value(value: Any) -> Value:
    """Return whole numbers as such: hassil makes 5.0 of "5" and 5 of "five"."""
    if isinstance(value, (int, float)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value)
