"""A house in memory: pure functions of (house, command, time) to (house, answer)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TypeAlias

from wyoming_rosie.home.model import Entity, Home, Units
from wyoming_rosie_intent import entity_states
from wyoming_rosie_intent.actors.demo.intents import changed
from wyoming_rosie_intent.engine import Answer, Command
from wyoming_rosie_intent.entity_states import Sensor, Thing
from wyoming_rosie_intent.responses import queries, responses
from wyoming_rosie_intent.rules import todo_lists
from wyoming_rosie_intent.state_view import States

House: TypeAlias = Mapping[str, Thing]
_MEASURED: Mapping[tuple[str | None, Units], tuple[float, str]] = {
    ("temperature", "metric"): (21.5, "°C"),
    ("temperature", "imperial"): (70.0, "°F"),
    ("humidity", "metric"): (45.0, "%"),
    ("battery", "metric"): (80.0, "%"),
    ("power", "metric"): (120.0, "W"),
    ("energy", "metric"): (3.5, "kWh"),
    ("illuminance", "metric"): (300.0, "lx"),
    ("carbon_dioxide", "metric"): (600.0, "ppm"),
}
"""What sensors show at first, by their class."""


def furnished(home: Home) -> House:
    """Return the house as it is at first: dark, closed and locked."""
    return {entity.id: _at_first(entity, home.preferences.units) for entity in home.entities}


def _at_first(entity: Entity, units: Units) -> Thing:
    """Return a thing as it is at first; a sensor measures what is usual for its class."""
    thing = entity_states.of(entity.domain)
    if not isinstance(thing, Sensor):
        return thing
    value, unit = _MEASURED.get((entity.device_class, units)) or _MEASURED.get(
        (entity.device_class, "metric"), (thing.value, "")
    )
    return Sensor(value, entity.unit_of_measurement or unit)


def act(house: House, command: Command, now: datetime) -> tuple[House, Answer]:
    """Carry out a command, or answer a question."""
    if (answer := queries.answer(house, command, now)) is not None:
        return house, answer
    if command.targets and all(todo_lists.is_there_already(command, house[entity.id]) for entity in command.targets):
        return house, Answer(responses.already_there(command))
    new = {
        entity.id: changed(house[entity.id], command.match.intent, command.match.values) for entity in command.targets
    }
    able = tuple(entity for entity in command.targets if new[entity.id] is not None)
    if not able:
        return house, Answer(
            responses.impossible(command) if command.targets else responses.say("cannot", command.match.language),
            done=False,
        )
    changes = {entity: thing for entity, thing in new.items() if thing is not None}
    return {**house, **changes}, Answer(responses.done(command, able))


def states(house: House) -> Mapping[str, Mapping[str, object]]:
    """Return each thing's state and attributes by the entity's id, ready for JSON."""
    return States(house, lambda thing: {"state": thing.state, **asdict(thing)})


def refurnished(house: House, home: Home) -> House:
    """Return the house with what is new in the home; what was there before is as it was."""
    return {**furnished(home), **house}
