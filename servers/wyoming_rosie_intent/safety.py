"""What may be done from which room, and what only after a yes: pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import compress
from operator import not_

from wyoming_rosie.home import Entity, Home, Room
from wyoming_rosie_intent import answers
from wyoming_rosie_intent.engine import Command

MOST_NAMED = 4
_ALWAYS = frozenset({"alarm_control_panel", "lock"})
_OPENERS = frozenset({"door", "garage", "gate"})
"""Classes of covers that let people in."""
_HARMLESS = frozenset(
    {"binary_sensor", "calendar", "camera", "device_tracker", "event", "fan", "light", "media_player", "person", "sensor", "todo", "weather"}
)  # fmt: skip
"""Domains in which a word means the place: the light of the garage, the oven's sensor."""
_WORDS = frozenset(
    {
        "cooker",
        "cooktop",
        "forno",
        "fornello",
        "gas",
        "gate",
        "herd",
        "hob",
        "horno",
        "kookplaat",
        "oven",
        "ovens",
        "stove",
    }
)
_PARTS = ("backofen", "fornuis", "garage", "garaje", "hoftor")
"""Words that other words are made with."""
_QUESTIONS = ("HassGet", "HassClimateGet", "HassRespond", "HassTimerStatus")


class Verdict(StrEnum):
    ALLOWED = "allowed"
    ASK = "ask"
    REFUSED = "refused"


@dataclass(frozen=True)
class Policy:
    """What is asked about first, and what besides locks, alarms, garages and ovens is dangerous.

    Each is a domain such as `cover`, or a pattern of entities' ids such as `switch.pump_*`.
    """

    confirm: frozenset[str] = frozenset({"lock", "cover"})
    dangerous: frozenset[str] = frozenset()
    knows_danger: bool = True  # locks, alarms, garages and ovens are dangerous without being named


@dataclass(frozen=True)
class Judgement:
    """What to do with a command: the part of it that may be done, and what may not."""

    verdict: Verdict
    command: Command
    refused: tuple[Entity, ...] = ()


def judge(policy: Policy, home: Home, command: Command, area: str | None) -> Judgement:
    """Tell what may be done, asked from an area (its id or name); None and an unknown area are nowhere."""
    if is_question(command):
        return Judgement(Verdict.ALLOWED, command)
    allowed_here = [may(policy, home, entity, area) for entity in command.targets]
    refused = tuple(compress(command.targets, map(not_, allowed_here)))
    rest = tuple(compress(command.targets, allowed_here))
    if refused and not rest:
        return Judgement(Verdict.REFUSED, command, refused)
    allowed = replace(command, targets=rest) if refused else command
    return Judgement(Verdict.ASK if needs_yes(policy, allowed) else Verdict.ALLOWED, allowed, refused)


def is_question(command: Command) -> bool:
    """Tell whether a command only wants to know something."""
    return command.match.intent.startswith(_QUESTIONS)


def needs_yes(policy: Policy, command: Command) -> bool:
    """Tell whether somebody has to say yes first."""
    if is_question(command):
        return False
    return any(_is_one_of(one, policy.confirm) or is_dangerous(policy, one) for one in command.targets)


def is_dangerous(policy: Policy, entity: Entity) -> bool:
    """Tell whether it could let somebody in, or set the house on fire."""
    return _is_one_of(entity, policy.dangerous) or (policy.knows_danger and _is_dangerous_by_itself(entity))


def may(policy: Policy, home: Home, entity: Entity, area: str | None) -> bool:
    """Tell whether a thing may be acted on from an area; from nowhere, what every room may and is not dangerous."""
    here = home.area(area) if area else None
    if here is not None:
        return _permits(home.rooms.get(here.id, Room()), entity)
    return not is_dangerous(policy, entity) and all(_permits(room, entity) for room in home.rooms.values())


def refusal(home: Home, refused: Sequence[Entity], area: str | None, language: str = "en") -> str:
    """Say what is not done, and why."""
    here = home.area(area) if area else None
    names = [entity.name for entity in refused[:MOST_NAMED]]
    if here is None:
        return answers.say("not_from_nowhere", language, names=names)
    return answers.say("not_from_here", language, names=names, area=here.name)


def _permits(room: Room, entity: Entity) -> bool:
    return room.may is None or any(fnmatchcase(entity.id, pattern) for pattern in room.may)


def _is_one_of(entity: Entity, patterns: frozenset[str]) -> bool:
    return any(pattern == entity.domain or fnmatchcase(entity.id, pattern) for pattern in patterns)


def _is_dangerous_by_itself(entity: Entity) -> bool:
    if entity.domain in _ALWAYS or (entity.domain == "cover" and entity.device_class in _OPENERS):
        return True
    return entity.domain not in _HARMLESS and _is_named_dangerous(entity)


def _is_named_dangerous(entity: Entity) -> bool:
    words = re.findall(r"[^\W_]+", " ".join((entity.id, *entity.names)).casefold())
    return any(word in _WORDS or any(part in word for part in _PARTS) for word in words)
