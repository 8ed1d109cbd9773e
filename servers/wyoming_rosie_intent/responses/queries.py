"""Answers to questions about a house whose things are known."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Answer, Command, Match
from wyoming_rosie_intent.entity_states import Climate, Light, Media, Outlook, Sensor, Thing, Todo, Weather
from wyoming_rosie_intent.number_words import date_in_words, in_words, time_in_words
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.responses.responses import is_or_are, kind_of_things, listed, sentence


def answer(house: Mapping[str, Thing], command: Command, now: datetime) -> Answer | None:
    """Return the answer to a question; None for what is no question."""
    language = command.match.language
    match command.match.intent:
        case "HassGetCurrentTime":
            return Answer(_time(now, language))
        case "HassGetCurrentDate":
            return Answer(_date(now, language))
        case "HassRespond":
            return Answer(responses.small_talk(command.match.question, language))
        case "HassGetWeather" if not command.targets:
            return Answer(responses.say("no_weather", language), done=False)
        case "HassGetState" | "HassClimateGetTemperature" if not command.targets:
            return Answer(responses.say("cannot", language), done=False)
        case "HassGetState":
            return Answer(_state(house, command))
        case "HassGetWeather":
            return Answer(_weather(command, house[command.targets[0].id]))
        case "HassClimateGetTemperature":
            return Answer(" ".join(_described(entity, house[entity.id], language) for entity in command.targets))
        case _:
            return None


def _time(now: datetime, language: str) -> str:
    return responses.say("time", language, hour=now.hour, minute=now.minute, spoken_time=time_in_words(now))


def _date(now: datetime, language: str) -> str:
    weekdays, months = responses.days("weekdays", language), responses.days("months", language)
    return responses.say(
        "date",
        language,
        weekday=weekdays[now.weekday()] if weekdays else "",
        month=months[now.month - 1] if months else now.month,
        day=now.day,
        spoken_date=date_in_words(now),
    )


def _state(house: Mapping[str, Thing], command: Command) -> str:
    wanted, language = command.match.any_of("state"), command.match.language
    if not wanted:
        return " ".join(_described(entity, house[entity.id], language) for entity in command.targets)
    so = [entity for entity in command.targets if _is(house[entity.id], wanted)]
    others = [entity for entity in command.targets if entity not in so]
    match command.match.question.removesuffix("_person"):
        case "all":
            return _yes_or_no(not others, others or so, house, language)
        case "which":
            return sentence(_are(so, house, language)) if so else _none(command, wanted)
        case "how_many":
            number = in_words(len(so)) if language == "en" else len(so)
            text = _are(so, house, language)
            return (
                sentence(responses.say("how_many", language, number=number, text=text))
                if so
                else _none(command, wanted)
            )
        case _:
            return _yes_or_no(bool(so), so or others, house, language)


def _yes_or_no(yes: bool, entities: Sequence[Entity], house: Mapping[str, Thing], language: str) -> str:
    return responses.say("yes" if yes else "no", language, text=_are(entities, house, language))


def _are(entities: Sequence[Entity], house: Mapping[str, Thing], language: str) -> str:
    """Say how things are; those in the same state together: "the lamp is on, and the TV is off"."""
    by_state: dict[str, list[Entity]] = {}
    for entity in entities:
        by_state.setdefault(house[entity.id].state, []).append(entity)
    said = (_are_so(alike, state, language) for state, alike in by_state.items())
    return responses.say("joint", language).join(said)


def _are_so(entities: Sequence[Entity], state: str, language: str) -> str:
    verb = responses.are(language) if len(entities) > 1 else is_or_are(entities[0].name, language)
    named = listed([responses.called(entity, language) for entity in entities], language)
    return responses.say("is", language, **{"name": named, "is": verb, "state": responses.state(state, language)})


def _is(thing: Thing, states: Sequence[str]) -> bool:
    """Compare with the states that were asked for; a television that plays or pauses is also on."""
    return thing.state in states or ("on" in states and isinstance(thing, Media) and thing.on)


def _none(command: Command, states: Sequence[str]) -> str:
    language = command.match.language
    kind = kind_of_things(command.targets[0].domain, command.match.any_of("device_class"), language)
    return responses.say("none_are", language, kind=kind, state=responses.state(states[0], language))


def _described(entity: Entity, thing: Thing, language: str) -> str:
    key, values = _description(thing, language)
    named = {"name": responses.called(entity, language), "is": is_or_are(entity.name, language)}
    return sentence(responses.say(key, language, **{**named, **values}))


def _description(thing: Thing, language: str) -> tuple[str, Mapping[str, object]]:
    """Return the phrase for a thing, and what goes into it."""
    match thing:
        case Light(on=True):
            color = responses.state(thing.color, language)
            return "light_is", {"color": color, "brightness": thing.brightness}
        case Climate():
            target = f"{thing.target:g}" if thing.on else None
            return "climate_is", {"temperature": f"{thing.temperature:g}", "target": target}
        case Todo():
            return "list_is", {"items": thing.items}
        case Sensor():
            return "sensor_is", {"state": responses.measured(thing.value, thing.unit, language)}
        case _:
            return "is", {"state": responses.state(thing.state, language)}


def _weather(command: Command, thing: Thing) -> str:
    if not isinstance(thing, Weather):
        return responses.say("cannot", command.match.language)
    return weather(command.match, thing, command.targets[0].name if "name" in command.match.slots else None)


def weather(match: Match, known: Weather, place: str | None = None) -> str:
    """Say how the weather is, and what is expected of the day that was asked about."""
    language, asked = match.language, match.said("day")
    temperature = None if known.temperature is None else f"{known.temperature:g}"
    state = responses.state(known.state, language)
    now = responses.say("weather", language, state=state, place=place, temperature=temperature)
    expected = known.forecast[1:2] if asked == "tomorrow" else known.forecast[:1]
    told = [_outlook(one, asked or "today", language) for one in expected]
    if asked == "tomorrow":
        return " ".join(told) or responses.say("no_forecast", language)
    return " ".join((now, *told))


def _outlook(day: Outlook, name: str, language: str) -> str:
    state, named = responses.state(day.state, language), responses.day(name, language)
    low, high = f"{day.low:.0f}", f"{day.high:.0f}"
    return responses.say("forecast", language, day=named, state=state, low=low, high=high, rain=day.rain)
