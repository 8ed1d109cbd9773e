"""State of the simulated home: pure functions of (state, command, time) to (state, answer)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TypeAlias

from wyoming_rosie.home.model import Entity, Home, Units
from wyoming_rosie_intent import entity_states
from wyoming_rosie_intent.actors.demo.intents import apply_intent
from wyoming_rosie_intent.engine import Answer, Command
from wyoming_rosie_intent.entity_states import EntityState, PlainState, SensorState, StateAttributesView
from wyoming_rosie_intent.execution import relative_values
from wyoming_rosie_intent.responses import queries, responses
from wyoming_rosie_intent.rules import todo_lists

EntityStates: TypeAlias = Mapping[str, EntityState]
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
"""Initial values of sensors by device class."""


def create_initial_state(home: Home) -> EntityStates:
    """Create the initial state: dark, closed and locked."""
    return {entity.id: _create_entity_state(entity, home.preferences.units) for entity in home.entities}


def _create_entity_state(entity: Entity, units: Units) -> EntityState:
    """Create the initial state of an entity; a sensor has a typical value for its device class."""
    if entity.place is not None:
        return PlainState(entity.place)
    entity_state = entity_states.initial_state(entity.domain)
    if not isinstance(entity_state, SensorState):
        return entity_state
    value, unit = _MEASURED.get((entity.device_class, units)) or _MEASURED.get(
        (entity.device_class, "metric"), (entity_state.value, "")
    )
    return SensorState(value, entity.unit_of_measurement or unit)


def execute(state: EntityStates, command: Command, now: datetime) -> tuple[EntityStates, Answer]:
    """Execute a command or answer a question."""
    if (answer := queries.answer_query(state, command, now)) is not None:
        return state, answer
    command = todo_lists.with_listed_item(command, state)
    if command.targets and all(todo_lists.has_item(command, state[entity.id]) for entity in command.targets):
        return state, Answer(responses.render_already_listed(command))
    resolved = relative_values.resolve_steps(command, state)
    if command.targets and not resolved:
        return state, Answer(responses.render_off_already(command))
    new = {
        entity.id: apply_intent(state[entity.id], part.match.intent, part.match.slot_values)
        for part in resolved
        for entity in part.targets
    }
    able = tuple(entity for entity in command.targets if new.get(entity.id) is not None)
    if not able:
        return state, Answer(
            responses.render_impossible(command)
            if command.targets
            else responses.render("cannot", command.match.language),
            done=False,
        )
    changes = {entity: entity_state for entity, entity_state in new.items() if entity_state is not None}
    match = responses.summarize_values(command.match, [part.match for part in resolved])
    return {**state, **changes}, Answer(responses.render_done(Command(match, command.targets), able))


def view_states(state: EntityStates) -> Mapping[str, Mapping[str, object]]:
    """Return state and attributes by entity id, ready for JSON."""
    return StateAttributesView(state, lambda entity_state: {"state": entity_state.state, **asdict(entity_state)})


def add_new_entities(state: EntityStates, home: Home) -> EntityStates:
    """Add the new entities of a home; the others keep their state, but people are where the home file says."""
    created = create_initial_state(home)
    return {**created, **state} | {entity.id: created[entity.id] for entity in home.entities if entity.place}
