"""A house in memory: pure functions of (house, command, time) to (house, answer)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TypeAlias

from wyoming_rosie.home import Home
from wyoming_rosie_intent import answers, lists, questions, things
from wyoming_rosie_intent.changes import changed
from wyoming_rosie_intent.engine import Answer, Command
from wyoming_rosie_intent.states import States
from wyoming_rosie_intent.things import Thing

House: TypeAlias = Mapping[str, Thing]


def furnished(home: Home) -> House:
    """Return the house as it is at first: dark, closed and locked."""
    return {entity.id: things.of(entity.domain) for entity in home.entities}


def act(house: House, command: Command, now: datetime) -> tuple[House, Answer]:
    """Carry out a command, or answer a question."""
    if (answer := questions.answer(house, command, now)) is not None:
        return house, answer
    if command.targets and all(lists.is_there_already(command, house[entity.id]) for entity in command.targets):
        return house, Answer(answers.already_there(command))
    new = {
        entity.id: changed(house[entity.id], command.match.intent, command.match.values) for entity in command.targets
    }
    able = tuple(entity for entity in command.targets if new[entity.id] is not None)
    if not able:
        return house, Answer(
            answers.impossible(command) if command.targets else answers.say("cannot", command.match.language),
            done=False,
        )
    changes = {entity: thing for entity, thing in new.items() if thing is not None}
    return {**house, **changes}, Answer(answers.done(command, able))


def states(house: House) -> Mapping[str, Mapping[str, object]]:
    """Return each thing's state and attributes by the entity's id, ready for JSON."""
    return States(house, lambda thing: {"state": thing.state, **asdict(thing)})


def refurnished(house: House, home: Home) -> House:
    """Return the house with what is new in the home; what was there before is as it was."""
    return {**furnished(home), **house}
