"""Policy: which commands are allowed from which room and to whom, and which need a confirmation, as pure functions."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import compress
from operator import not_
from typing import Literal, TypeAlias

from wyoming_rosie.home.model import Entity, Home, RoomPolicy
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.responses import responses

MAX_NAMED = 4
_DANGEROUS_DOMAINS = frozenset({"alarm_control_panel", "lock"})
_ENTRY_CLASSES = frozenset({"door", "garage", "gate", "window"})
"""Device classes of covers that people can enter through."""
_ENTRY_WORDS = frozenset({
    "cancello", "cancela", "deur", "door", "doors", "gates", "hek", "poort", "portail", "porta", "porte", "portillon", "portón", "puerta", "serranda", "tor",
    "tür", "verja",
})  # fmt: skip
"""Words for such covers, when their device class is not known."""
_MAIN_WORDS = frozenset({"general", "générale", "général", "generale", "haupt", "hoofd", "main", "mains", "maestra", "principal", "principale", "stopcock", "shutoff"})  # fmt: skip
_VALVE_WORDS = frozenset({"agua", "acqua", "eau", "gas", "gaz", "hahn", "kraan", "llave", "rubinetto", "tap", "valve", "valvola", "vanne", "ventil", "wasser", "wasserhahn", "water"})  # fmt: skip
_MAIN_PREFIXES = ("absperr", "haupt", "hoofd")
"""Prefixes of words for main valves."""
_VALVE_SUFFIXES = ("hahn", "kraan", "ventil")
_SAFE_DOMAINS = frozenset(
    {"binary_sensor", "calendar", "camera", "device_tracker", "event", "fan", "light", "media_player", "person", "sensor", "todo", "weather"}
)  # fmt: skip
"""Domains in which a dangerous word only names the place: the garage light, the oven's sensor."""
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
"""Parts of compound words."""
_LOCK_INTENT = "HassTurnOn"
_CONDUCTOR_INTENTS = frozenset({"HassNevermind", "HassBroadcast"})
_QUERY_INTENTS = ("HassGet", "HassClimateGet", "HassRespond", "HassTimerStatus")


Remarks: TypeAlias = Literal["act", "ask", "ignore"]
"""What a remark such as "it's too dark in here" does in the speaker's room."""


class Permission(StrEnum):
    ALLOWED = "allowed"
    ASK = "ask"
    REFUSED = "refused"


@dataclass(frozen=True)
class Policy:
    """Targets that need a confirmation, and dangerous ones beside locks, alarms, garages and ovens.

    Each is a domain such as `cover`, or a pattern of entity ids such as `switch.pump_*`.
    """

    confirm: frozenset[str] = frozenset()
    dangerous: frozenset[str] = frozenset()
    detects_danger: bool = True  # locks, alarms, garages and ovens are dangerous by default
    remarks: Remarks = "act"


@dataclass(frozen=True)
class PolicyDecision:
    """Decision on a command: its allowed part and the refused targets."""

    permission: Permission
    command: Command
    refused: tuple[Entity, ...] = ()


def check_policy(
    policy: Policy, home: Home, command: Command, area: str | None, speaker: str | None = None
) -> PolicyDecision:
    """Decide on a command that a person spoke in an area (id or name).

    None and unknown areas have the least rights, and so have guests, for whom `speaker` is None.
    """
    if is_query(command):
        return PolicyDecision(Permission.ALLOWED, command)
    allowed = [
        is_allowed(policy, home, entity, area) and is_allowed_to(policy, home, entity, speaker)
        for entity in command.targets
    ]
    return _decide(policy, command, allowed)


def check_person(policy: Policy, home: Home, command: Command, speaker: str | None) -> PolicyDecision:
    """Decide on a command by who gave it alone, in a room of which nothing is known."""
    if is_query(command):
        return PolicyDecision(Permission.ALLOWED, command)
    return _decide(policy, command, [is_allowed_to(policy, home, entity, speaker) for entity in command.targets])


def _decide(policy: Policy, command: Command, is_allowed: Sequence[bool]) -> PolicyDecision:
    refused = tuple(compress(command.targets, map(not_, is_allowed)))
    remaining = tuple(compress(command.targets, is_allowed))
    if refused and not remaining:
        return PolicyDecision(Permission.REFUSED, command, refused)
    allowed = replace(command, targets=remaining) if refused else command
    return PolicyDecision(
        Permission.ASK if requires_confirmation(policy, allowed) else Permission.ALLOWED, allowed, refused
    )


def is_query(command: Command) -> bool:
    """Return whether a command only asks for information."""
    return is_query_intent(command.match.intent)


def is_query_intent(intent: str) -> bool:
    """Return whether an intent only asks for information."""
    return intent.startswith(_QUERY_INTENTS)


def is_conductor_intent(match: Match) -> bool:
    """Return whether an intent is the conductor's: timers, "stop" and the room's volume, but not that of a named player."""
    if match.intent.startswith("HassSetVolume"):
        return "name" not in match.slots
    return match.intent in _CONDUCTOR_INTENTS or match.intent.endswith(("Timer", "Timers", "TimerStatus"))


def requires_confirmation(policy: Policy, command: Command) -> bool:
    """Return whether a command needs a confirmation."""
    if is_query(command):
        return False
    if command.match.is_remark and policy.remarks == "ask":
        return True
    listed = (*policy.confirm, *policy.dangerous)
    return any(
        _matches_any(entity, listed) or (is_dangerous(policy, entity) and not _is_lock_only(command, entity))
        for entity in command.targets
    )


def _is_lock_only(command: Command, entity: Entity) -> bool:
    """Return whether the command only locks a door."""
    return entity.domain == "lock" and command.match.intent == _LOCK_INTENT


def is_dangerous(policy: Policy, entity: Entity) -> bool:
    """Return whether an entity could let an intruder in or start a fire."""
    return _matches_any(entity, policy.dangerous) or (policy.detects_danger and _is_dangerous_by_default(entity))


def is_allowed(policy: Policy, home: Home, entity: Entity, area: str | None) -> bool:
    """Return whether an entity may be controlled from an area.

    Without a known area, it must be allowed in every room and not be dangerous.
    """
    here = home.get_area(area) if area else None
    if here is not None:
        return _is_allowed_in_room(home.rooms.get(here.id, RoomPolicy()), entity)
    return not is_dangerous(policy, entity) and all(_is_allowed_in_room(room, entity) for room in home.rooms.values())


def is_allowed_to(policy: Policy, home: Home, entity: Entity, speaker: str | None) -> bool:
    """Return whether a person may control an entity, in any room.

    Who is in none of `[people]` may. A guest without a policy of their own may control what everybody may, if it is not dangerous.
    """
    person = home.get_person_policy(speaker)
    if person is not None:
        return _is_listed(person.may, entity)
    if speaker is not None or not home.people:
        return True
    return not is_dangerous(policy, entity) and all(_is_listed(one.may, entity) for one in home.people.values())


def format_refusal(
    policy: Policy,
    home: Home,
    refused: Sequence[Entity],
    area: str | None,
    language: str = "en",
    speaker: str | None = None,
) -> str:
    """Return the message about refused targets, with the reason: the person's, or else the room's."""
    here = home.get_area(area) if area else None
    names = [entity.name for entity in refused[:MAX_NAMED]]
    if not all(is_allowed_to(policy, home, entity, speaker) for entity in refused):
        if speaker is None:
            return responses.render("not_for_guests", language, names=names)
        return responses.render("not_for_person", language, names=names, person=speaker)
    if here is None:
        return responses.render("not_from_nowhere", language, names=names)
    return responses.render("not_from_here", language, names=names, area=here.name)


def _is_allowed_in_room(room: RoomPolicy, entity: Entity) -> bool:
    return _is_listed(room.may, entity)


def _is_listed(may: tuple[str, ...] | None, entity: Entity) -> bool:
    return may is None or any(fnmatchcase(entity.id, pattern) for pattern in may)


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
    """Return whether an entity is the main water or gas valve, as opposed to one of the garden."""
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
