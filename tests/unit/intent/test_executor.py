"""Execution of several commands at once."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.engine import Answer, Command, Match
from wyoming_rosie_intent.execution.executor import ActionExecutor

MOMENT = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)
LAMPS = tuple(Entity(f"light.{number}", f"Lamp {number}", "light") for number in range(5))


class SlowActor:
    """Takes a while for each entity and fails for one that is named so."""

    def __init__(self, broken: str = "") -> None:
        self.acted: list[str] = []
        self.most_at_once = self._now = 0
        self._broken = broken

    async def act(self, command: Command, now: datetime) -> Answer:
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0.1)
        self._now -= 1
        if command.targets[0].id == self._broken:
            raise OSError("broken")
        self.acted.append(f"{command.match.intent} {command.targets[0].id}")
        return Answer(f"{command.targets[0].name}.")

    def states(self) -> Mapping[str, Mapping[str, object]]:
        return {}


def commands(*targets: Entity, intent: str = "HassTurnOn") -> tuple[Command, ...]:
    return tuple(Command(Match(intent), (target,)) for target in targets)


async def test_several_things_are_waited_for_at_once_and_answered_in_order() -> None:
    actor = SlowActor()
    answer = await ActionExecutor(Home((), LAMPS), actor).execute(commands(*LAMPS), MOMENT)
    assert answer.text == "Lamp 0. Lamp 1. Lamp 2. Lamp 3. Lamp 4."
    assert actor.most_at_once == len(LAMPS)


async def test_two_commands_about_one_thing_are_done_one_after_the_other() -> None:
    actor = SlowActor()
    both = (*commands(LAMPS[0], intent="HassTurnOff"), *commands(LAMPS[0], intent="HassTurnOn"))
    await ActionExecutor(Home((), LAMPS), actor).execute(both, MOMENT)
    assert actor.acted == ["HassTurnOff light.0", "HassTurnOn light.0"]
    assert actor.most_at_once == 1


async def test_nothing_goes_on_behind_the_back_of_a_failure() -> None:
    actor = SlowActor("light.0")
    with pytest.raises(ExceptionGroup):
        await ActionExecutor(Home((), LAMPS), actor).execute(commands(*LAMPS), MOMENT)
    done = list(actor.acted)
    await asyncio.sleep(0.2)
    assert actor.acted == done
