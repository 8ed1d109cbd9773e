"""Answers to small talk, sums, conversions and questions about dates."""

from collections.abc import Mapping
from datetime import date, datetime

from wyoming_rosie_intent.engine import Answer, Command, Match
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.responses.number_words import date_to_words
from wyoming_rosie_intent.rules import arithmetic, dates

_DECIMALS = 4
"""Digits after the decimal sign of a result."""


def answer(command: Command, now: datetime) -> Answer:
    """Answer HassRespond; its response key says what was asked."""
    match = command.match
    match match.question:
        case "sum":
            return _answer_sum(match)
        case "converted":
            return _answer_conversion(match)
        case "weekday" | "days_until" | "weeks_until" | "days_since":
            return _answer_about_day(match, now.date())
        case "commands":
            return Answer(responses.render_examples(command.targets, match.language))
        case kind:
            return Answer(responses.render_small_talk(kind, match.language, **_values_of_today(now, match.language)))


def date_values(day: date, language: str) -> Mapping[str, object]:
    """Return the values of a phrase that names a day."""
    weekdays, months = responses.get_day_names("weekdays", language), responses.get_day_names("months", language)
    return {
        "weekday": weekdays[day.weekday()] if weekdays else f"{day:%A}",
        "month": months[day.month - 1] if months else f"{day:%B}",
        "day": day.day,
        "year": day.year,
        "spoken_date": date_to_words(day),
    }


def _values_of_today(now: datetime, language: str) -> Mapping[str, object]:
    return {**date_values(now.date(), language), "week": now.isocalendar().week, "hour": now.hour}


def _answer_sum(match: Match) -> Answer:
    result = arithmetic.calculate(match.slots)
    if result is None:
        return Answer(responses.render_small_talk("no_result", match.language), done=False)
    number = responses.format_number(result, _DECIMALS, match.language)
    return Answer(responses.render_small_talk("sum", match.language, result=number))


def _answer_conversion(match: Match) -> Answer:
    slots, language = match.slot_values, match.language
    amount, unit = (
        (float(slots["duration"]), "s") if "duration" in slots else (float(slots["amount"]), str(slots["unit"]))
    )
    result = arithmetic.convert(amount, unit, str(slots["to"]))
    if result is None or abs(result) > arithmetic.MAX_RESULT:
        return Answer(responses.render_small_talk("no_result", language), done=False)
    measured = responses.format_measurement(result, str(slots["to"]), language)
    return Answer(responses.render_small_talk("converted", language, result=measured))


def _answer_about_day(match: Match, today: date) -> Answer:
    """Name the weekday of a date, or count the days between it and today."""
    language, kind = match.language, match.question
    is_past = kind == "days_since"
    found = dates.find_date(match.slots, today, is_past=is_past)
    if found is None:
        return Answer(responses.render_small_talk("no_such_day", language), done=False)
    days = abs((found - today).days)
    values = {**date_values(found, language), "days": days, "weeks": days // 7, "rest": days % 7}
    return Answer(responses.render_small_talk(kind, language, **values))
