"""Parser of multi-command sentences: "turn on the light, close the blinds and set the lamp and the radio to quiet"."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from wyoming_rosie.home.model import Home
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.engine import TARGET_SLOTS, Match, SlotAlternatives, SlotValue
from wyoming_rosie_intent.rules import templates
from wyoming_rosie_intent.rules.filler_words import Words, normalize_words
from wyoming_rosie_intent.rules.split_points import SplitPoints, has_split_point
from wyoming_rosie_intent.rules.template_words import number_words

RecognizeOne: TypeAlias = Callable[[str], Match | None]
Matches: TypeAlias = tuple[Match, ...]
MAX_COMMANDS = 4
_MAX_PARTS = 96
"""Recognizer calls per sentence; real sentences need fewer."""
MAX_SENTENCE_LENGTH = 500
"""Characters of the whole sentence."""
_MAX_VERB_WORDS = 6  # words: could you please turn off all
_MAX_SUFFIX_WORDS = 4  # words
_MAX_VALUE_WORDS = 4  # words: to twenty five percent
_TITLE_SLOTS = frozenset({"search_query"})
"""Slots that take any title: a shared verb would turn every following part into one."""
_BOTH = re.compile(r"\b(?:both|beide|sowohl)\s+", re.IGNORECASE)
_HERE = re.compile(
    r"\b(?:here|(?:this|my) (?:room|area)|hier|(?:diesem|diesen|dieses) (?:raum|zimmer|bereich)|ici|cette pièce"
    r"|aquí|esta habitación|qui|questa stanza|deze (?:kamer|ruimte))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SplitRules:
    """Rules for splitting sentences about one home in one language."""

    split_points: SplitPoints
    polite_phrases: frozenset[Words] = frozenset()

    def remove_polite_suffix(self, text: str) -> str:
        """Return a text without the polite phrases at its end."""
        remaining, words = text.split(), normalize_words(text)
        while remaining and len(remaining) == len(words):
            length = next((len(phrase) for phrase in self.polite_phrases if words[-len(phrase) :] == phrase), 0)
            if not length:
                break
            remaining, words = remaining[:-length], words[:-length]
        return " ".join(remaining)


_DEFAULT_RULES = SplitRules(SplitPoints())


def load_split_rules(home: Home, language: str | None) -> SplitRules:
    """Return the split rules of a home in a language, English by default. Reads a file at first use."""
    family = base_language(language or "en")
    names = {name for items in (home.areas, home.floors, home.entities) for item in items for name in item.names}
    polite = templates.load_custom_sentences(family).get("courtesies", ())
    return SplitRules(SplitPoints(names, number_words(family)), frozenset(normalize_words(phrase) for phrase in polite))


def parse_commands(text: str, recognize: RecognizeOne, rules: SplitRules = _DEFAULT_RULES) -> Matches:
    """Return the commands of a sentence in order; empty unless `recognize` recognizes every part.

    Parts that are only polite ("and thank you") are ignored.
    """
    if len(text) > MAX_SENTENCE_LENGTH:
        return ()
    whole = " ".join(text.split())
    parts = _CommandParser(recognize, rules.split_points)
    found = parts.parse(_remove_polite_parts(whole, rules)) or parts.parse(whole)
    return _inherit_areas(_merge(found)) if len(found) <= MAX_COMMANDS else ()


class _CommandParser:
    """Parses one sentence, recognizing each part once."""

    def __init__(self, recognize: RecognizeOne, split_points: SplitPoints) -> None:
        self._recognize = recognize
        self._split_points = split_points
        self._seen: dict[str, Match | None] = {}

    def parse(self, text: str) -> Matches:
        whole = self._recognize_part(text)
        if whole is not None and not _has_split_in_free_text(whole):
            return (whole,)
        return self._split(text, is_shared=whole is None) or ((whole,) if whole else ())

    def _recognize_part(self, text: str) -> Match | None:
        if text not in self._seen:
            if len(self._seen) >= _MAX_PARTS:
                return None
            self._seen[text] = self._recognize(text)
        return self._seen[text]

    def _split(self, text: str, *, is_shared: bool) -> Matches:
        """Split at a conjunction; with `is_shared`, a verb or an ending may apply to both sides."""
        points = self._split_points.find(text)
        if len(points) >= MAX_COMMANDS:
            return ()
        for point in points:
            head, tail = _BOTH.sub("", text[: point.start()]), text[point.end() :]
            for first in self._parse_first(head, tail, is_shared=is_shared):
                if others := self._parse_rest(first, head, tail, is_shared=is_shared):
                    return (first, *others)
        return ()

    def _parse_first(self, head: str, tail: str, *, is_shared: bool) -> Iterator[Match]:
        """Yield matches of the first part, alone or with the sentence's ending: "set the lamp and the radio to red"."""
        if (first := self._recognize_part(head)) is not None:
            yield first
        elif is_shared:
            words = tail.split()
            for length in range(1, min(_MAX_SUFFIX_WORDS, len(words) - 1) + 1):
                if (first := self._recognize_part(" ".join((head, *words[-length:])))) is not None:
                    yield first

    def _parse_rest(self, first: Match, head: str, text: str, *, is_shared: bool) -> Matches:
        """Parse the following parts; "turn the lamp on and the radio off" has one verb for both."""
        if is_shared and (found := self._parse_next_value(first, head, text)):
            return found
        words = head.split()
        for length in range(min(_MAX_VERB_WORDS if is_shared else 0, len(words) - 1) + 1):
            verb = " ".join((*words[:length], ""))
            is_cut = self._split_points.find(verb) or self._split_points.is_inside_name(head, len(verb))
            found = () if is_cut else self.parse(verb + text)
            is_title = length > 0 and found != () and not _TITLE_SLOTS.isdisjoint(found[0].slots)
            if found and not is_title and (first.text == head or found[0].intent == first.intent):
                return found
        return ()

    def _parse_next_value(self, first: Match, head: str, text: str) -> Matches:
        """Parse another value for the target of the first part: "set the lamp to red | and 20 percent"."""
        point = next(iter(self._split_points.find(text)), None)
        value = text[: point.start()] if point else text
        if not _value_slots(first) or not _TITLE_SLOTS.isdisjoint(first.slots) or len(value.split()) > _MAX_VALUE_WORDS:
            return ()
        words = head.split()
        for length in range(len(words) - 1, 0, -1):
            beginning = " ".join((*words[:length], ""))
            found = self._recognize_part(beginning + value)
            if (
                found is not None
                and found.intent == first.intent
                and _target_slots(found) == _target_slots(first)
                and _value_slots(found)
            ):
                others = (
                    self._parse_rest(found, beginning + value, text[point.end() :], is_shared=True) if point else ()
                )
                return (found, *others) if others or not point else ()
        return ()


def _has_split_in_free_text(match: Match) -> bool:
    """Return whether free text, such as a song title, may contain a second command."""
    return any(
        isinstance(value, str) and has_split_point(value) and not _is_shared_delay(match, slot)
        for slot, value in match.slots.items()
    )


def _is_shared_delay(match: Match, slot: str) -> bool:
    """Return whether a delay at the start applies to all commands: "in ten minutes lock up and …"."""
    return slot == "conversation_command" and match.text.casefold().endswith(str(match.slots[slot]).casefold())


def _remove_polite_parts(text: str, rules: SplitRules) -> str:
    """Remove the parts that are only polite."""
    found = rules.split_points.find(text)
    starts, ends = (0, *(point.end() for point in found)), (*(point.start() for point in found), len(text))
    parts = [
        (text[start:end], point)
        for start, end, point in zip(starts, ends, ("", *(match[0] for match in found)), strict=True)
    ]
    remaining = [(part, point) for part, point in parts if not _is_polite(normalize_words(part), rules.polite_phrases)]
    return "".join(f"{point if place else ''}{part}" for place, (part, point) in enumerate(remaining))


def _is_polite(words: Words, courtesies: frozenset[Words]) -> bool:
    return any(
        words[: len(courtesy)] == courtesy
        and (len(words) == len(courtesy) or _is_polite(words[len(courtesy) :], courtesies))
        for courtesy in courtesies
    )


def _merge(matches: Matches) -> Matches:
    """Merge neighbours that set different values of the same target."""
    merged: list[Match] = []
    for match in matches:
        last = merged[-1] if merged else None
        if last and _has_same_target(last, match) and _value_slots(last).keys().isdisjoint(_value_slots(match)):
            merged[-1] = replace(last, slots={**last.slots, **match.slots})
        else:
            merged.append(match)
    return tuple(merged)


def _has_same_target(first: Match, second: Match) -> bool:
    return bool(_value_slots(first) and _value_slots(second)) and (
        first.intent,
        first.area_scope,
        _target_slots(first),
    ) == (second.intent, second.area_scope, _target_slots(second))


def _inherit_areas(matches: Matches) -> Matches:
    """Give each part that names no area the one that an earlier part named."""
    area: str | None = None
    placed = []
    for match in matches:
        if match.mentioned_area or "floor" in match.slots or _HERE.search(match.text):
            area = match.mentioned_area
        placed.append(match if match.mentioned_area else replace(match, mentioned_area=area))
    return tuple(placed)


def _target_slots(match: Match) -> Mapping[str, SlotValue | SlotAlternatives]:
    """Return the slots that select the target."""
    return {slot: value for slot, value in match.slots.items() if slot in TARGET_SLOTS}


def _value_slots(match: Match) -> Mapping[str, SlotValue | SlotAlternatives]:
    """Return the slots with the values to set."""
    return {slot: value for slot, value in match.slots.items() if slot not in TARGET_SLOTS}
