"""Durations in a sentence: templates see a plain number of minutes in their place, and what was said is put back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from wyoming_rosie.text import durations
from wyoming_rosie.text.durations import Duration
from wyoming_rosie_intent.engine import Match, SlotAlternatives, SlotValue

MAX_DURATIONS = 3
"""Durations in one sentence; nobody says more."""
_PLACEHOLDERS = (97, 98, 99)  # minutes: templates know up to 100
_COMPOUND = re.compile(r"(\w{2,})-?(timer)\b", re.IGNORECASE)
_ELIDED = re.compile(r"\b([dD])['\u2019]$")  # un minuteur d'une heure
_UNITS = ("hours", "minutes", "seconds")
_SLOT = "minutes"
_SLOT_OF_LENGTH = "start_minutes"  # which timer is meant: the 5 minute timer
COMMAND_SLOT = "conversation_command"
"""The slot of HassStartTimer with what is to be done when the time is over."""
_DELAYED_RESPONSE = "command"  # how the package calls what it says when a command is kept for later
_IMMEDIATE_INTENTS = ("HassGet", "HassClimateGet", "HassRespond", "HassNevermind", "HassBroadcast")
_TIMER_SUFFIXES = ("Timer", "Timers", "TimerStatus")


@dataclass(frozen=True)
class DurationText:
    """A sentence with minutes in place of its durations."""

    text: str
    original: str
    durations: Mapping[int, Duration]  # by the minutes that stand for each

    def restore(self, match: Match) -> Match | None:
        """Return what was meant, None when a template took the minutes for something else than a duration."""
        slots: dict[str, SlotValue | SlotAlternatives] = {}
        left = dict(self.durations)
        for slot, value in match.slots.items():
            if slot in {_SLOT, _SLOT_OF_LENGTH} and (found := left.pop(_to_int(value), None)) is not None:
                slots.update(_duration_slots(found, slot.removesuffix(_SLOT)))
            else:
                slots[slot] = value
        is_read = not left and not _is_named_by_duration(match)
        return replace(match, slots=slots, text=self.original) if is_read else None


def replace_durations(text: str, language: str) -> Iterator[DurationText]:
    """Yield the ways to read a text, those with the most durations first; none when there is nothing to read."""
    found = durations.find(text, language)[:MAX_DURATIONS]
    for number in range(len(found), 0, -1):
        for some in combinations(found, number):
            yield _replace(text, some, language)


def total_seconds(slots: Mapping[str, object]) -> int:
    """Return how long an intent's time is."""
    amounts = [slots.get(unit, 0) for unit in _UNITS]
    hours, minutes, rest = (one if isinstance(one, int | float) else 0 for one in amounts)
    return round(3600 * hours + 60 * minutes + rest)


def parse_delayed(text: str, language: str, words: Mapping[str, Sequence[str]]) -> Iterator[Match]:
    """Yield what a sentence may be if it says when to do something: "turn off the TV in ten minutes".

    `words` are those `before` and `after` such a time. The command is what is left of the sentence.
    """
    for found in durations.find(text, language)[:MAX_DURATIONS]:
        before, after = _split_at_delay(text[: found.start], text[found.end :], words)
        if before is None or not (rest := f"{before} {after}".strip(" ,.;!?")):
            continue
        slots = {**_duration_slots(found, ""), COMMAND_SLOT: rest}
        yield Match("HassStartTimer", slots, text, question=_DELAYED_RESPONSE, language=language)


def can_be_delayed(match: Match) -> bool:
    """Tell whether it makes sense to do this later: no answer does, and nothing about timers."""
    return not match.intent.startswith(_IMMEDIATE_INTENTS) and not is_timer_intent(match)


def is_timer_intent(match: Match) -> bool:
    """Tell whether the conductor is to do something about timers."""
    return match.intent.endswith(_TIMER_SUFFIXES)


def split_compound_words(text: str) -> str:
    """Return a text with timers in words of their own: "Pizza-Timer" and "Pizzatimer" as "Pizza Timer"."""
    return _COMPOUND.sub(r"\1 \2", text)


def clean_timer_name(match: Match, words: Mapping[str, Sequence[str]]) -> Match:
    """Return a match whose timer is called as people call it: "the pizza timer" is "pizza", "another" is no name."""
    name = match.slot_text("name")
    if name is None or not is_timer_intent(match):
        return match
    kept = name.split()
    while kept and kept[0].casefold() in words["articles"]:
        kept.pop(0)
    while kept and kept[-1].casefold() in words["timers"]:
        kept.pop()
    slots = {slot: value for slot, value in match.slots.items() if slot != "name"}
    plain = " ".join(kept)
    return replace(match, slots=slots if plain.casefold() in ("", *words["unnamed"]) else {**slots, "name": plain})


def _split_at_delay(before: str, after: str, words: Mapping[str, Sequence[str]]) -> tuple[str | None, str]:
    """Return what stands around a time, without the words that make it one; None when there are none."""
    for word in words["before"]:
        if f" {before}".casefold().endswith(f" {word} "):
            return before[: len(before) - len(word) - 1].rstrip(" ,"), _remove_prefix(words.get("then", ()), after)
    for word in words["after"]:
        if f"{after} ".casefold().startswith(f" {word} "):
            return before.rstrip(" ,"), after[len(word) + 1 :].lstrip(" ,.")
    return None, after


def _remove_prefix(beginnings: Sequence[str], text: str) -> str:
    """Return a text without the first of some beginnings that it has."""
    text = text.lstrip(" ,.")
    found = next((one for one in beginnings if text.casefold().startswith(f"{one} ")), "")
    return text[len(found) :].lstrip()


def _replace(text: str, found: Sequence[Duration], language: str) -> DurationText:
    stand_ins = dict(zip(_PLACEHOLDERS, found, strict=False))
    read = text
    for minutes, one in reversed(stand_ins.items()):
        after = read[one.end :]
        after = f" {after[1:]}" if after.startswith("-") else after  # 10-Minuten-Timer
        before = _ELIDED.sub(r"\1e ", read[: one.start])
        read = before + durations.format_minutes(minutes, language) + after
    return DurationText(read, text, stand_ins)


def _is_named_by_duration(match: Match) -> bool:
    """Tell whether a timer would be called by a duration: "a second timer for 5 minutes" is another one."""
    name = match.slot_text("name") or ""
    return any(found.end - found.start == len(name) for found in durations.find(name, match.language))


def _duration_slots(duration: Duration, prefix: str) -> dict[str, SlotValue]:
    amounts = (duration.hours, duration.minutes, duration.seconds)
    return {prefix + unit: amount for unit, amount in zip(_UNITS, amounts, strict=True) if amount}


def _to_int(value: SlotValue | SlotAlternatives) -> int:
    return int(value) if isinstance(value, int | float) else -1
