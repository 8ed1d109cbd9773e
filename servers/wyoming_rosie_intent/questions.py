"""Answers to questions about a house in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from wyoming_rosie.home import Entity
from wyoming_rosie_intent import answers
from wyoming_rosie_intent.answers import is_or_are, kind_of_things, listed, sentence, the
from wyoming_rosie_intent.engine import Answer, Command
from wyoming_rosie_intent.spoken import date_in_words, in_words, time_in_words
from wyoming_rosie_intent.things import Climate, Light, Media, Sensor, Thing, Todo, Weather


def answer(house: Mapping[str, Thing], command: Command, now: datetime) -> Answer | None:
    """Return the answer to a question; None for what is no question."""
    match command.match.intent:
        case "HassGetCurrentTime":
            return Answer(f"It is {time_in_words(now)}.")
        case "HassGetCurrentDate":
            return Answer(f"It is {date_in_words(now)}.")
        case "HassRespond":
            return Answer(answers.SMALL_TALK.get(command.match.question, answers.SMALL_TALK["hello"]))
        case "HassGetState" | "HassGetWeather" | "HassClimateGetTemperature" if not command.targets:
            return Answer(answers.CANNOT, done=False)
        case "HassGetState":
            return Answer(_state(house, command))
        case "HassGetWeather":
            return Answer(
                _weather(command.targets[0], house[command.targets[0].id], named="name" in command.match.slots)
            )
        case "HassClimateGetTemperature":
            return Answer(" ".join(_described(entity, house[entity.id]) for entity in command.targets))
        case _:
            return None


def _state(house: Mapping[str, Thing], command: Command) -> str:
    wanted = command.match.said("state")
    if wanted is None:
        return " ".join(_described(entity, house[entity.id]) for entity in command.targets)
    so = [entity for entity in command.targets if _is(house[entity.id], wanted)]
    others = [entity for entity in command.targets if entity not in so]
    match command.match.question:
        case "all":
            return f"No, {_are(others, house)}." if others else f"Yes, {_are(so, house)}."
        case "which":
            return sentence(_are(so, house)) if so else _none(command, wanted)
        case "how_many":
            return sentence(f"{in_words(len(so))}: {_are(so, house)}") if so else _none(command, wanted)
        case _:
            return f"Yes, {_are(so, house)}." if so else f"No, {_are(others, house)}."


def _are(entities: Sequence[Entity], house: Mapping[str, Thing]) -> str:
    """Say how things are; those in the same state together: "the lamp is on, and the TV is off"."""
    by_state: dict[str, list[str]] = {}
    for entity in entities:
        by_state.setdefault(house[entity.id].state, []).append(entity.name)
    return ", and ".join(
        f"{listed([the(name) for name in names])} {'are' if len(names) > 1 else is_or_are(names[0])} {state}"
        for state, names in by_state.items()
    )


def _is(thing: Thing, state: str) -> bool:
    """Compare with a state that was asked for; a television that plays or pauses is also on."""
    return thing.state == state or (state == "on" and isinstance(thing, Media) and thing.on)


def _none(command: Command, state: str) -> str:
    kind = kind_of_things(command.targets[0].domain, command.match.said("device_class"))
    return f"None of the {kind} are {state}."


def _described(entity: Entity, thing: Thing) -> str:
    named = f"{the(entity.name)} {is_or_are(entity.name)}"
    match thing:
        case Light(on=True):
            return sentence(f"{named} on, {thing.color}, at {thing.brightness} percent")
        case Climate():
            return sentence(f"it is {thing.temperature:g} degrees, and {named} {_set_to(thing)}")
        case Todo():
            return sentence(f"{the(entity.name)} has {listed(thing.items)}" if thing.items else f"{named} empty")
        case Sensor():
            return sentence(f"{named} at {thing.state}")
        case _:
            return sentence(f"{named} {thing.state}")


def _set_to(climate: Climate) -> str:
    return f"set to {climate.target:g}" if climate.on else "off"


def _weather(entity: Entity, thing: Thing, *, named: bool) -> str:
    if not isinstance(thing, Weather):
        return answers.CANNOT
    where = f" in {entity.name}" if named else ""
    return f"It is {thing.state}{where}, with {thing.temperature:g} degrees."
