"""The sentences that are said about commands, in English."""

from collections.abc import Iterable, Mapping, Sequence

from wyoming_rosie.home import Area, Entity
from wyoming_rosie_intent.engine import Command, Match, Where

NOT_UNDERSTOOD = "Sorry, I did not understand that."
HEARD_NOTHING = "Sorry, I did not hear anything."
CANNOT = "Sorry, I cannot do that."
WHICH_ROOM = "I do not know which room you are in. Please say which room you mean."
ONE_AT_A_TIME = "Please say that as two sentences."
LEFT_ALONE = "Okay, I will leave it."
SMALL_TALK = {
    "hello": "Hello!",
    "listening": "No. I only listen after you have said my wake word.",
    "data": "Nowhere. What you say stays in this home.",
    "commands": "Try: turn on the kitchen light, is the front door locked, or set a timer for five minutes.",
    "creator": "I am Rosie, made of small programs by people who like their homes private.",
}
"""Answers to HassRespond, by the kind of its sentence."""

_PLURALS = {
    "climate": "thermostats",
    "cover": "covers",
    "fan": "fans",
    "light": "lights",
    "lock": "locks",
    "media_player": "media players",
    "scene": "scenes",
    "script": "scripts",
    "sensor": "sensors",
    "switch": "switches",
    "todo": "lists",
    "vacuum": "vacuum cleaners",
    "valve": "valves",
    "weather": "weather stations",
}
# fmt: off
_MANY_THINGS = frozenset({
    "awnings", "blinds", "curtains", "doors", "drapes", "fans", "gates", "lamps", "lights", "shades", "shutters",
    "speakers", "spots", "windows",
})
# fmt: on
_ROUTINES = frozenset({"scene", "script"})
_DONE: Mapping[str, str] = {
    "HassTurnOn": "Turned on {things}.",
    "HassTurnOn cover": "Opened {things}.",
    "HassTurnOn valve": "Opened {things}.",
    "HassTurnOn lock": "Locked {things}.",
    "HassTurnOn scene": "Activated {things}.",
    "HassTurnOn script": "Started {things}.",
    "HassTurnOff": "Turned off {things}.",
    "HassTurnOff cover": "Closed {things}.",
    "HassTurnOff valve": "Closed {things}.",
    "HassTurnOff lock": "Unlocked {things}.",
    "HassLightSet": "Set {things} to {value}.",
    "HassSetPosition": "Set {things} to {position} percent.",
    "HassFanSetSpeed": "Set {things} to {percentage} percent.",
    "HassClimateSetTemperature": "Set {things} to {temperature} degrees.",
    "HassClimateSetFanMode": "Set the fan mode of {things} to {fan_mode}.",
    "HassMediaUnpause": "Playing on {things}.",
    "HassMediaPause": "Paused {things}.",
    "HassMediaNext": "Skipped to the next track on {things}.",
    "HassMediaPrevious": "Back to the previous track on {things}.",
    "HassMediaSearchAndPlay": "Playing {search_query} on {things}.",
    "HassMediaPlayerMute": "Muted {things}.",
    "HassMediaPlayerUnmute": "Unmuted {things}.",
    "HassSetVolume": "Set the volume of {things} to {volume_level} percent.",
    "HassSetVolumeRelative": "Changed the volume of {things}.",
    "HassListAddItem": "Added {item} to {things}.",
    "HassShoppingListAddItem": "Added {item} to {things}.",
    "HassListRemoveItem": "Took {item} off {things}.",
    "HassListCompleteItem": "Took {item} off {things}.",
    "HassShoppingListCompleteItem": "Took {item} off {things}.",
    "HassVacuumStart": "Started {things}.",
    "HassVacuumCleanArea": "{Things} will clean the {area}.",
    "HassVacuumReturnToBase": "{Things} returns to its base.",
}
_SHALL_I: Mapping[str, str] = {
    "HassTurnOn": "turn on",
    "HassTurnOn cover": "open",
    "HassTurnOn valve": "open",
    "HassTurnOn lock": "lock",
    "HassTurnOn scene": "activate",
    "HassTurnOn script": "start",
    "HassTurnOff": "turn off",
    "HassTurnOff cover": "close",
    "HassTurnOff valve": "close",
    "HassTurnOff lock": "unlock",
}


def done(command: Command, targets: Sequence[Entity]) -> str:
    """Say what was done to `targets`."""
    sentence = _DONE.get(_kind(command.match, targets)) or _DONE[command.match.intent]
    named = things(command.match, targets)
    return sentence.format(**command.match.slots, things=named, Things=_capital(named), value=_light(command.match))


def question(commands: Iterable[Command]) -> str:
    """Ask whether to carry out the commands."""
    return f"Shall I {listed([_order(command) for command in commands])}?"


def impossible(command: Command) -> str:
    """Say that nothing of what the command names can do such a thing, or that its list has no such item or no room."""
    named = things(command.match, command.targets)
    item = command.match.said("item")
    if item is None:
        return f"Sorry, {named} cannot do that."
    if command.match.intent.endswith("AddItem"):
        return f"Sorry, {named} is full."
    return f"Sorry, I cannot find {item} on {named}."


def cannot_be(match: Match, targets: Sequence[Entity]) -> str:
    """Say that a light has no such colour or brightness."""
    return f"Sorry, I cannot set {things(match, targets)} to {_light(match)}."


def nothing_there(domain: str, device_class: str | None, area: str | None) -> str:
    """Say that there are no such things in the area, or at all."""
    return f"Sorry, I know no {kind_of_things(domain, device_class)}{f' in the {area}' if area else ''}."


def not_in(name: str, area: str) -> str:
    """Say that the thing is not where it was said to be."""
    return f"Sorry, I know no {name} in the {area}."


def which_one(name: str, areas: Sequence[Area]) -> str:
    """Ask the speaker to say it again with a room; there are several."""
    rooms = f" The rooms are {listed([f'the {area.name}' for area in areas])}." if len(areas) > 1 else ""
    return f"There are several {name}. Please say which one.{rooms}"


def things(match: Match, targets: Sequence[Entity]) -> str:
    """Name the things that a command is about."""
    if len(targets) == 1:
        return targets[0].name if targets[0].domain in _ROUTINES else the(targets[0].name)
    if "name" in match.slots:
        return the(str(match.slots["name"]))
    if not targets:
        return "that"
    group = kind_of_things(targets[0].domain, match.said("device_class"))
    if match.where in {Where.SAID, Where.HERE} and all(entity.area == targets[0].area for entity in targets):
        return f"the {group} in the {match.slots['area']}"
    return f"all the {group}"


def kind_of_things(domain: str, device_class: str | None = None) -> str:
    """Return the plural for what a domain or device class holds."""
    return f"{device_class}s" if device_class else _PLURALS.get(domain, "things")


def the(name: str) -> str:
    """Put an article before a name that has none of its own."""
    first = name.split()[0].casefold()
    return name if first in {"the", "my", "our"} or first.endswith(("'s", "\u2019s")) else f"the {name}"


def is_or_are(name: str) -> str:
    """Return the verb for a thing's name: curtains are, a lamp is."""
    return "are" if name.split()[-1].casefold() in _MANY_THINGS else "is"


def listed(words: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop."""
    return f"{_capital(text)}."


def _order(command: Command) -> str:
    match = command.match
    named = things(match, command.targets)
    if match.intent == "HassSetPosition":
        return f"set {named} to {match.slots.get('position')} percent"
    verb = _SHALL_I.get(_kind(match, command.targets)) or _SHALL_I.get(match.intent, "change")
    return f"{verb} {named}"


def _kind(match: Match, targets: Sequence[Entity]) -> str:
    return f"{match.intent} {targets[0].domain}" if targets else match.intent


def _light(match: Match) -> str:
    slots = match.slots
    if "color" in slots:
        return str(slots["color"])
    return f"{slots['brightness']} percent" if "brightness" in slots else f"{slots.get('temperature')} kelvin"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
