"""Dates, times, durations and numbers in the sentences of plugins, by the rules that alarms have, too.

A template names them as <date>, <time>, <when> (one or both, or the days of a repetition), <duration>, <number> and
<ordinal>, also as <to_date> and the like where there are several.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.rules import dates, number_grammar
from wyoming_rosie_intent.rules.number_grammar import EncodedSentence

_MARK = "value_"
_NUMBERS = ("duration", "number", "ordinal")
_VALUE_RULE = re.compile(rf"<((?:\w+_)?)(date|time|when|{'|'.join(_NUMBERS)})>")
_RULE = re.compile(r"<(\w+)>")
_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
_DATE_SLOTS = frozenset({"day", "month", "year", "holiday", "relative", "weekday"})
_DAYS_SLOTS = frozenset({"repeat", "every"})


@dataclass(frozen=True)
class SpokenTime:
    """What a sentence says of a date, a time of day or the days of a repetition; their values depend on the time now."""

    slots: Mapping[str, Any] = field(repr=False)


def uses_values(sentence: str) -> bool:
    """Return whether a template has a date, a time or another value in it."""
    return bool(_VALUE_RULE.search(sentence))


def remove_values(sentence: str) -> str:
    """Return a template without its values."""
    return _VALUE_RULE.sub("", sentence)


def create_value_tables(sentences: Sequence[str], language: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the lists and the rules that the templates need. Raises ConfigError for a language without such."""
    lists, rules = number_grammar.get_value_templates(language)
    if not rules:
        there_are = ", ".join(number_grammar.languages())
        raise ConfigError(
            f"there are no dates and times in sentences of the language {language}; there are: {there_are}"
        )
    needed: dict[str, str] = {}
    for prefix, kind in {(found[1], found[2]) for sentence in sentences for found in _VALUE_RULE.finditer(sentence)}:
        if kind in _NUMBERS:
            needed[f"{prefix}{kind}"] = f"{{{kind}:{prefix}{kind}}}"
        else:
            _add_rule(kind, prefix, rules, needed)
    return dict(lists), needed


def decode_values(entities: Mapping[str, Any], encoded: EncodedSentence, wildcards: Collection[str]) -> dict[str, Any]:
    """Return the entities of an encoded sentence: durations, numbers and texts, and a SpokenTime for each date and time."""
    values: dict[str, Any] = {}
    spoken: dict[str, dict[str, Any]] = {}
    for name, value in entities.items():
        plain = _decode(str(value), encoded) if isinstance(value, str) else value
        if name.startswith(_MARK):
            prefix, slot = _split_slot(name)
            number = encoded.values.get(str(value))
            spoken.setdefault(prefix, {})[slot] = value if number is None else number
        else:
            values[name] = encoded.decode_text(str(value)).strip() if name in wildcards else plain
    return values | {f"{prefix}when": SpokenTime(slots) for prefix, slots in spoken.items()}


def resolve_times(entities: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """Return the entities with `date`, `time` and `days` in place of what was said of them; None for a date that is none.

    `time_is_ambiguous` says that the sentence leaves open which half of the day is meant.
    """
    resolved: dict[str, Any] = {}
    for name, value in entities.items():
        if not isinstance(value, SpokenTime):
            resolved[name] = value
            continue
        prefix = name.removesuffix("when")
        found = _resolve(value.slots, now)
        if found is None:
            return None
        resolved |= {f"{prefix}{key}": value for key, value in found.items()}
    return resolved


def _resolve(slots: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    day = dates.find_date(slots, now.date()) if not _DATE_SLOTS.isdisjoint(slots) else None
    if day is not None:
        found["date"] = day
    elif not _DATE_SLOTS.isdisjoint(slots):
        return None
    if not dates.TIME_SLOTS.isdisjoint(slots):
        at = dates.find_time(slots, now, day or now.date())
        if at is None:
            return None
        found["time"] = at
        if dates.is_on_face(slots):
            found["time_is_ambiguous"] = True
    if days := dates.repeated_days(slots):
        found["days"] = days
    return found


def _decode(value: str, encoded: EncodedSentence) -> Any:
    """Return the value of a placeholder: a duration as timedelta, a number as it is; any other text itself."""
    number = encoded.values.get(value)
    if number is None:
        return value
    if value.startswith(("duration", "extension")):
        return timedelta(seconds=number)
    return int(number) if float(number).is_integer() else number


def _add_rule(name: str, prefix: str, rules: Mapping[str, str], needed: dict[str, str]) -> None:
    """Add a rule whose slots have the prefix, and the rules that it needs."""
    text = rules[name]
    needed[f"{prefix}{name}"] = _SLOT.sub(
        lambda found: f"{{{found[1]}:{_MARK}{prefix}{found[2] or found[1]}}}",
        _RULE.sub(lambda found: f"<{prefix}{found[1]}>", text),
    )
    for inner in _RULE.findall(text):
        if f"{prefix}{inner}" not in needed:
            _add_rule(inner, prefix, rules, needed)


def _split_slot(name: str) -> tuple[str, str]:
    """Return prefix and slot of a marked name: "value_to_day" is "to_" and "day"."""
    rest = name.removeprefix(_MARK)
    prefix, separator, slot = rest.rpartition("_")
    return prefix + separator, slot
