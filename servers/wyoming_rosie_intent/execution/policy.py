"""What may be done from which room, and what only after a yes: pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import compress
from operator import not_

from wyoming_rosie.home.model import Entity, Home, RoomPolicy
from wyoming_rosie_intent.engine import Command
from wyoming_rosie_intent.responses import responses

MAX_NAMED = 4
_DANGEROUS_DOMAINS = frozenset({"alarm_control_panel", "lock"})
_ENTRY_CLASSES = frozenset({"door", "garage", "gate", "window"})
"""Classes of covers that let people in."""
_ENTRY_WORDS = frozenset({
    "cancello", "cancela", "deur", "door", "doors", "gates", "hek", "poort", "portail", "porta", "porte", "portillon", "portón", "puerta", "serranda", "tor",
    "tür", "verja",
})  # fmt: skip
"""Words for covers that let people in, where their class is not known."""
_MAIN_WORDS = frozenset({"general", "générale", "général", "generale", "haupt", "hoofd", "main", "mains", "maestra", "principal", "principale", "stopcock", "shutoff"})  # fmt: skip
_VALVE_WORDS = frozenset({"agua", "acqua", "eau", "gas", "gaz", "hahn", "kraan", "llave", "rubinetto", "tap", "valve", "valvola", "vanne", "ventil", "wasser", "wasserhahn", "water"})  # fmt: skip
_MAIN_PREFIXES = ("absperr", "haupt", "hoofd")
"""What words for it begin with."""
_VALVE_SUFFIXES = ("hahn", "kraan", "ventil")
_SAFE_DOMAINS = frozenset(
    {"binary_sensor", "calendar", "camera", "device_tracker", "event", "fan", "light", "media_player", "person", "sensor", "todo", "weather"}
)  # fmt: skip
"""Domains in which a word means the place: the light of the garage, the oven's sensor."""
_DANGEROUS_WORDS = frozenset(
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
_DANGEROUS_PARTS = (
    "backofen",
    "einfahrtstor",
    "fornuis",
    "garage",
    "garaje",
    "gartentor",
    "haustür",
    "hoftor",
    "rolltor",
    "schiebetor",
)
"""Words that other words are made with."""
_LOCK_INTENT = "HassTurnOn"
_QUERY_INTENTS = ("HassGet", "HassClimateGet", "HassRespond", "HassTimerStatus")


class Permission(StrEnum):
    ALLOWED = "allowed"
    ASK = "ask"
    REFUSED = "refused"


@dataclass(frozen=True)
class Policy:
    """What is asked about first, and what besides locks, alarms, garages and ovens is dangerous.

    Each is a domain such as `cover`, or a pattern of entities' ids such as `switch.pump_*`.
    """

    confirm: frozenset[str] = frozenset()
    dangerous: frozenset[str] = frozenset()
    detects_danger: bool = True  # locks, alarms, garages and ovens are dangerous without being named


@dataclass(frozen=True)
class PolicyDecision:
    """What to do with a command: the part of it that may be done, and what may not."""

    permission: Permission
    command: Command
    refused: tuple[Entity, ...] = ()


def check_policy(policy: Policy, home: Home, command: Command, area: str | None) -> PolicyDecision:
    """Tell what may be done, asked from an area (its id or name); None and an unknown area are nowhere."""
    if is_query(command):
        return PolicyDecision(Permission.ALLOWED, command)
    allowed_here = [is_allowed(policy, home, entity, area) for entity in command.targets]
    refused = tuple(compress(command.targets, map(not_, allowed_here)))
    rest = tuple(compress(command.targets, allowed_here))
    if refused and not rest:
        return PolicyDecision(Permission.REFUSED, command, refused)
    allowed = replace(command, targets=rest) if refused else command
    return PolicyDecision(
        Permission.ASK if requires_confirmation(policy, allowed) else Permission.ALLOWED, allowed, refused
    )


def is_query(command: Command) -> bool:
    """Tell whether a command only wants to know something."""
    return command.match.intent.startswith(_QUERY_INTENTS)


def requires_confirmation(policy: Policy, command: Command) -> bool:
    """Tell whether somebody has to say yes first."""
    if is_query(command):
        return False
    wanted = (*policy.confirm, *policy.dangerous)
    return any(
        _matches_any(one, wanted) or (is_dangerous(policy, one) and not _is_lock_only(command, one))
        for one in command.targets
    )


def _is_lock_only(command: Command, entity: Entity) -> bool:
    """Tell whether nothing comes of it but a locked door."""
    return entity.domain == "lock" and command.match.intent == _LOCK_INTENT


def is_dangerous(policy: Policy, entity: Entity) -> bool:
    """Tell whether it could let somebody in, or set the house on fire."""
    return _matches_any(entity, policy.dangerous) or (policy.detects_danger and _is_dangerous_by_default(entity))


def is_allowed(policy: Policy, home: Home, entity: Entity, area: str | None) -> bool:
    """Tell whether a thing may be acted on from an area; from nowhere, what every room may and is not dangerous."""
    here = home.get_area(area) if area else None
    if here is not None:
        return _is_allowed_in_room(home.rooms.get(here.id, RoomPolicy()), entity)
    return not is_dangerous(policy, entity) and all(_is_allowed_in_room(room, entity) for room in home.rooms.values())


def format_refusal(home: Home, refused: Sequence[Entity], area: str | None, language: str = "en") -> str:
    """Say what is not done, and why."""
    here = home.get_area(area) if area else None
    names = [entity.name for entity in refused[:MAX_NAMED]]
    if here is None:
        return responses.render("not_from_nowhere", language, names=names)
    return responses.render("not_from_here", language, names=names, area=here.name)


def _is_allowed_in_room(room: RoomPolicy, entity: Entity) -> bool:
    return room.may is None or any(fnmatchcase(entity.id, pattern) for pattern in room.may)


def _matches_any(entity: Entity, patterns: Iterable[str]) -> bool:
    return any(pattern == entity.domain or fnmatchcase(entity.id, pattern) for pattern in patterns)


def _is_dangerous_by_default(entity: Entity) -> bool:
    if entity.domain in _DANGEROUS_DOMAINS or (entity.domain == "cover" and entity.device_class in _ENTRY_CLASSES):
        return True
    return entity.domain not in _SAFE_DOMAINS and (_has_dangerous_name(entity) or _is_main_valve(entity))


def _has_dangerous_name(entity: Entity) -> bool:
    words = _split_words(entity)
    if entity.domain == "cover" and entity.device_class is None and not _ENTRY_WORDS.isdisjoint(words):
        return True
    return any(word in _DANGEROUS_WORDS or any(part in word for part in _DANGEROUS_PARTS) for word in words)


def _is_main_valve(entity: Entity) -> bool:
    """Tell whether the water or gas of the whole home comes through it; a garden has a valve of its own."""
    if entity.domain == "valve" and entity.device_class == "gas":
        return True
    words = _split_words(entity)
    is_main = any(word in _MAIN_WORDS or word.startswith(_MAIN_PREFIXES) for word in words)
    is_valve = (
        entity.domain == "valve"
        or not _VALVE_WORDS.isdisjoint(words)
        or any(word.endswith(_VALVE_SUFFIXES) for word in words)
    )
    return is_main and is_valve


def _split_words(entity: Entity) -> list[str]:
    return re.findall(r"[^\W_]+", " ".join((entity.id, *entity.names)).casefold())
