"""Answers to queries from known entity states."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from wyoming_rosie.home.model import Entity
from wyoming_rosie.text.numbers import format_cardinal
from wyoming_rosie_intent.engine import Answer, Command, Match
from wyoming_rosie_intent.entity_states import (
    ClimateState,
    DailyForecast,
    EntityState,
    LightState,
    MediaPlayerState,
    SensorState,
    TodoListState,
    WeatherState,
)
from wyoming_rosie_intent.responses import responses, small_talk
from wyoming_rosie_intent.responses.number_words import time_to_words
from wyoming_rosie_intent.responses.responses import get_verb, join_words, name_class, to_sentence
from wyoming_rosie_intent.rules import todo_lists

MAX_NAMED = 3
"""Entities that an answer names when it means many."""
_PERSON_STATES = frozenset({"home", "not_home", "unavailable", "unknown"})
_OPENING = ("open", "closed")
_DETECTING = ("detected", "clear")
_BINARY_STATES: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("door", "garage_door", "opening", "window"), _OPENING),
    **dict.fromkeys(("motion", "occupancy", "presence", "smoke", "gas", "carbon_monoxide", "sound"), _DETECTING),
    "battery": ("low", "normal"),
    "lock": ("unlocked", "locked"),
    "moisture": ("wet", "dry"),
}
"""States of binary sensors by device class: on, off."""


def answer_query(states: Mapping[str, EntityState], command: Command, now: datetime) -> Answer | None:
    """Answer a query; None for other intents."""
    language = command.match.language
    match command.match.intent:
        case "HassGetCurrentTime":
            return Answer(_answer_time(now, language))
        case "HassGetCurrentDate":
            return Answer(_answer_date(now, language))
        case "HassRespond":
            return small_talk.answer(command, now)
        case "HassGetWeather" if not command.targets:
            return Answer(responses.render("no_weather", language), done=False)
        case "HassGetState" | "HassClimateGetTemperature" if not command.targets:
            return Answer(responses.render("cannot", language), done=False)
        case "HassGetState" if todo_lists.names_item(command.match):
            return Answer(_answer_item(states, command))
        case "HassGetState":
            return Answer(_answer_state(states, command))
        case "HassGetWeather":
            return Answer(_answer_weather(command, states[command.targets[0].id]))
        case "HassClimateGetTemperature":
            return Answer(" ".join(_describe_entity(entity, states[entity.id], language) for entity in command.targets))
        case _:
            return None


def _answer_item(states: Mapping[str, EntityState], command: Command) -> str:
    """Say whether an item is on a list, as it is written there."""
    language, entity = command.match.language, command.targets[0]
    named = command.match.slot_text("item") or ""
    listed = todo_lists.find_item(named, states[entity.id], language)
    key = "not_on_list" if listed is None else "already_on_list"
    return responses.render(key, language, item=listed or named, things=responses.name_entity(entity, language))


def _answer_time(now: datetime, language: str) -> str:
    return responses.render("time", language, hour=now.hour, minute=now.minute, spoken_time=time_to_words(now))


def _answer_date(now: datetime, language: str) -> str:
    return responses.render("date", language, **small_talk.date_values(now.date(), language))


def _answer_state(states: Mapping[str, EntityState], command: Command) -> str:
    asked_states, language = command.match.slot_texts("state"), command.match.language
    if not asked_states:
        return " ".join(_describe_entity(entity, states[entity.id], language) for entity in command.targets)
    matching = [entity for entity in command.targets if _is_in_state(entity, states[entity.id], asked_states)]
    others = [entity for entity in command.targets if entity not in matching]
    match command.match.question.removesuffix("_person"):
        case "all":
            return _answer_yes_no(not others, others or matching, states, language)
        case "which":
            return (
                to_sentence(_list_states(matching, states, language))
                if matching
                else _answer_none(command, asked_states)
            )
        case "how_many":
            number = format_cardinal(len(matching)) if language == "en" else len(matching)
            text = _list_states(matching, states, language)
            return (
                to_sentence(responses.render("how_many", language, number=number, text=text))
                if matching
                else _answer_none(command, asked_states)
            )
        case _:
            return _answer_yes_no(bool(matching), matching or others, states, language)


def _answer_yes_no(yes: bool, entities: Sequence[Entity], states: Mapping[str, EntityState], language: str) -> str:
    return responses.render("yes" if yes else "no", language, text=_list_states(entities, states, language))


def _list_states(entities: Sequence[Entity], states: Mapping[str, EntityState], language: str) -> str:
    """Describe entities, grouped by state: "the lamp is on, and the TV is off"."""
    by_state: dict[str, list[Entity]] = {}
    for entity in entities:
        by_state.setdefault(_name_state(entity, states[entity.id]), []).append(entity)
    descriptions = (_describe_group(alike, state, language) for state, alike in by_state.items())
    return responses.render("joint", language).join(descriptions)


def _describe_group(entities: Sequence[Entity], state: str, language: str) -> str:
    verb = responses.get_plural_verb(language) if len(entities) > 1 else get_verb(entities[0].name, language)
    named = _name_few(entities, language)
    translated = _translate_state(entities[0].domain, state, language)
    return responses.render("is", language, **{"name": named, "is": verb, "state": translated})


def _translate_state(domain: str, state: str, language: str) -> str:
    """Translate a state; any other state of a person is the zone where she is."""
    is_zone = domain == "person" and state not in _PERSON_STATES
    return responses.render("at_zone", language, zone=state) if is_zone else responses.translate_state(state, language)


def _name_few(entities: Sequence[Entity], language: str) -> str:
    """List a few entities; of many, the first ones and the number of the others."""
    names = [responses.name_entity(entity, language) for entity in entities]
    if len(names) > MAX_NAMED + 1:
        names = [*names[:MAX_NAMED], responses.render("more", language, number=len(names) - MAX_NAMED)]
    return join_words(names, language)


def _is_in_state(entity: Entity, state: EntityState, states: Sequence[str]) -> bool:
    """Return whether an entity is in one of the states; a media player that plays or pauses is also on."""
    if "on" in states and isinstance(state, MediaPlayerState) and state.on:
        return True
    return state.state in states or _name_state(entity, state) in states


def _name_state(entity: Entity, state: EntityState) -> str:
    """Return the state of an entity; that of a binary sensor in the terms of its device class, as Home Assistant shows it."""
    if entity.domain != "binary_sensor" or state.state not in {"on", "off"}:
        return state.state
    on, off = _BINARY_STATES.get(entity.device_class or "", ("on", "off"))
    return on if state.state == "on" else off


def _answer_none(command: Command, states: Sequence[str]) -> str:
    language = command.match.language
    kind = name_class(command.targets[0].domain, command.match.slot_texts("device_class"), language)
    state = _translate_state(command.targets[0].domain, states[0], language)
    return responses.render("none_are", language, kind=kind, state=state)


def _describe_entity(entity: Entity, state: EntityState, language: str) -> str:
    key, values = _select_phrase(entity, state, language)
    named = {"name": responses.name_entity(entity, language), "is": get_verb(entity.name, language)}
    return to_sentence(responses.render(key, language, **{**named, **values}))


def _select_phrase(entity: Entity, state: EntityState, language: str) -> tuple[str, Mapping[str, object]]:
    """Return the phrase that describes a state, and its values."""
    match state:
        case LightState(on=True):
            color = responses.translate_state(state.color, language)
            return "light_is", {"color": color, "brightness": state.brightness}
        case ClimateState():
            target = f"{state.target:g}" if state.on else None
            return "climate_is", {"temperature": f"{state.temperature:g}", "target": target}
        case TodoListState():
            return "list_is", {"items": state.items}
        case SensorState():
            return "sensor_is", {"state": responses.format_measurement(state.value, state.unit, language)}
        case _:
            return "is", {"state": _translate_state(entity.domain, _name_state(entity, state), language)}


def _answer_weather(command: Command, state: EntityState) -> str:
    if not isinstance(state, WeatherState):
        return responses.render("cannot", command.match.language)
    return format_weather(command.match, state, command.targets[0].name if "name" in command.match.slots else None)


def format_weather(match: Match, known: WeatherState, place: str | None = None) -> str:
    """Describe the weather now and the forecast for the requested day."""
    language, day = match.language, match.slot_text("day")
    temperature = None if known.temperature is None else f"{known.temperature:g}"
    state = responses.translate_state(known.state, language)
    now = responses.render("weather", language, state=state, place=place, temperature=temperature)
    expected = known.forecast[1:2] if day == "tomorrow" else known.forecast[:1]
    forecasts = [_format_forecast(day_forecast, day or "today", language) for day_forecast in expected]
    if day == "tomorrow":
        return " ".join(forecasts) or responses.render("no_forecast", language)
    return " ".join((now, *forecasts))


def _format_forecast(day: DailyForecast, name: str, language: str) -> str:
    state, named = responses.translate_state(day.state, language), responses.translate_day(name, language)
    low, high = f"{day.low:.0f}", f"{day.high:.0f}"
    return responses.render("forecast", language, day=named, state=state, low=low, high=high, rain=day.rain)
