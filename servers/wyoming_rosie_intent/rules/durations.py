"""Durations in sentences: templates match a plain number of minutes in their place; the slots get the real ones back."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from wyoming_rosie.text import durations
from wyoming_rosie.text.durations import Duration
from wyoming_rosie_intent.engine import Match, SlotAlternatives, SlotValue

MAX_DURATIONS = 3
"""Durations that are recognized in one sentence."""
MAX_NAME_WORDS = 4
"""Words of the longest name of a timer."""
_CONJUNCTIONS = frozenset({"and", "und", "et", "y", "e", "en"})
_PLACEHOLDERS = (97, 98, 99)  # minutes: templates know up to 100
_COMPOUND = re.compile(r"(\w{2,})-?(timer)\b", re.IGNORECASE)
_ELIDED = re.compile(r"\b([dD])['\u2019]$")  # un minuteur d'une heure
_UNITS = ("hours", "minutes", "seconds")
_SLOT = "minutes"
_SLOT_OF_LENGTH = "start_minutes"  # selects a timer: the 5 minute timer
COMMAND_SLOT = "conversation_command"
"""Slot of HassStartTimer with the command to execute at the end of the timer."""
_DELAYED_RESPONSE = "command"  # response key of home-assistant-intents for delayed commands
_IMMEDIATE_INTENTS = ("HassGet", "HassClimateGet", "HassRespond", "HassNevermind", "HassBroadcast")
_TIMER_SUFFIXES = ("Timer", "Timers", "TimerStatus")


@dataclass(frozen=True)
class DurationText:
    """A sentence with placeholder minutes in place of its durations."""

    text: str
    original: str
    durations: Mapping[int, Duration]  # by placeholder minutes

    def restore(self, match: Match) -> Match | None:
        """Return the match with the real durations; None when a template matched a placeholder as something else."""
        slots: dict[str, SlotValue | SlotAlternatives] = {}
        remaining = dict(self.durations)
        for slot, value in match.slots.items():
            if slot in {_SLOT, _SLOT_OF_LENGTH} and (found := remaining.pop(_to_int(value), None)) is not None:
                slots.update(_duration_slots(found, slot.removesuffix(_SLOT)))
            else:
                slots[slot] = value
        is_read = not remaining and not _is_named_by_duration(match)
        return replace(match, slots=slots, text=self.original) if is_read else None


def replace_durations(text: str, language: str) -> Iterator[DurationText]:
    """Yield the text with placeholders for each combination of its durations, the largest combination first."""
    found = durations.find(text, language)[:MAX_DURATIONS]
    for number in range(len(found), 0, -1):
        for some in combinations(found, number):
            yield _replace(text, some, language)


def total_seconds(slots: Mapping[str, object]) -> int:
    """Return the duration in an intent's slots, in seconds."""
    amounts = [slots.get(unit, 0) for unit in _UNITS]
    hours, minutes, seconds = (amount if isinstance(amount, int | float) else 0 for amount in amounts)
    return round(3600 * hours + 60 * minutes + seconds)


def parse_delayed(text: str, language: str, words: Mapping[str, Sequence[str]]) -> Iterator[Match]:
    """Yield the possible delayed commands of a sentence: "turn off the TV in ten minutes".

    `words` are the words `before` and `after` a delay. The command is the rest of the sentence.
    """
    for found in durations.find(text, language)[:MAX_DURATIONS]:
        before, after = _split_at_delay(text[: found.start], text[found.end :], words)
        if before is None or not (command := f"{before} {after}".strip(" ,.;!?")):
            continue
        slots = {**_duration_slots(found, ""), COMMAND_SLOT: command}
        yield Match("HassStartTimer", slots, text, question=_DELAYED_RESPONSE, language=language)


def can_be_delayed(match: Match) -> bool:
    """Return whether a command can be delayed: neither queries nor timer intents can."""
    return not match.intent.startswith(_IMMEDIATE_INTENTS) and not is_timer_intent(match)


def is_timer_intent(match: Match) -> bool:
    """Return whether the intent is about timers, which belong to the conductor."""
    return match.intent.endswith(_TIMER_SUFFIXES)


def split_compound_words(text: str) -> str:
    """Split compounds with "timer": "Pizza-Timer" and "Pizzatimer" become "Pizza Timer"."""
    return _COMPOUND.sub(r"\1 \2", text)


def clean_timer_name(match: Match, words: Mapping[str, Sequence[str]]) -> Match:
    """Return the match with the bare name of the timer: "the pizza timer" is "pizza", "another" is no name."""
    name = match.slot_text("name")
    if name is None or not is_timer_intent(match):
        return match
    words_left = name.split()
    while words_left and words_left[0].casefold() in words["articles"]:
        words_left.pop(0)
    while words_left and words_left[-1].casefold() in words["timers"]:
        words_left.pop()
    slots = {slot: value for slot, value in match.slots.items() if slot != "name"}
    plain = " ".join(words_left)
    return replace(match, slots=slots if plain.casefold() in ("", *words["unnamed"]) else {**slots, "name": plain})


def has_sentence_as_name(match: Match, articles: Collection[str], other_words: Collection[str]) -> bool:
    """Return whether the name of a timer is the beginning of a sentence: "don't set a" is no name, "mac and cheese" is."""
    words = (match.slot_text("name") or "").casefold().split()
    if not words or not is_timer_intent(match):
        return False
    return (
        len(words) > MAX_NAME_WORDS or words[-1] in articles or not _CONJUNCTIONS.issuperset({*words} & {*other_words})
    )


def _split_at_delay(before: str, after: str, words: Mapping[str, Sequence[str]]) -> tuple[str | None, str]:
    """Return the texts around a delay, without its marker words; None and the text after it without a marker."""
    for word in words["before"]:
        if f" {before}".casefold().endswith(f" {word} "):
            return before[: len(before) - len(word) - 1].rstrip(" ,"), _remove_prefix(words.get("then", ()), after)
    for word in words["after"]:
        if f"{after} ".casefold().startswith(f" {word} "):
            return before.rstrip(" ,"), after[len(word) + 1 :].lstrip(" ,.")
    return None, after


def _remove_prefix(beginnings: Sequence[str], text: str) -> str:
    """Return a text without the first of some prefixes that it has."""
    text = text.lstrip(" ,.")
    found = next((beginning for beginning in beginnings if text.casefold().startswith(f"{beginning} ")), "")
    return text[len(found) :].lstrip()


def _replace(text: str, found: Sequence[Duration], language: str) -> DurationText:
    stand_ins = dict(zip(_PLACEHOLDERS, found, strict=False))
    read = text
    for minutes, stand_in in reversed(stand_ins.items()):
        after = read[stand_in.end :]
        after = f" {after[1:]}" if after.startswith("-") else after  # 10-Minuten-Timer
        before = _ELIDED.sub(r"\1e ", read[: stand_in.start])
        read = before + durations.format_minutes(minutes, language) + after
    return DurationText(read, text, stand_ins)


def _is_named_by_duration(match: Match) -> bool:
    """Return whether the name of the timer is a duration; "a second timer for 5 minutes" is another timer."""
    name = match.slot_text("name") or ""
    return any(found.end - found.start == len(name) for found in durations.find(name, match.language))


def _duration_slots(duration: Duration, prefix: str) -> dict[str, SlotValue]:
    amounts = (duration.hours, duration.minutes, duration.seconds)
    return {prefix + unit: amount for unit, amount in zip(_UNITS, amounts, strict=True) if amount}


def _to_int(value: SlotValue | SlotAlternatives) -> int:
    return int(value) if isinstance(value, int | float) else -1
