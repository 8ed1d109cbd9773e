"""What the recorded commands mean, by their file names; the speaker is in the kitchen of the home that upstream's tests have."""

from pathlib import Path
from typing import Any, TypeAlias

import yaml

Meaning: TypeAlias = tuple[str, dict[str, Any]]
AREA = "Kitchen"
_LIGHTS = {"area": "Kitchen", "domain": "light"}
_TEMPERATURE = ("HassClimateGetTemperature", {"area": "Kitchen"})

SPOKEN: dict[str, Meaning] = {
    "add apples to my shopping list": ("HassListAddItem", {"item": "apples", "name": "Shopping List"}),
    "cancel timer": ("HassCancelTimer", {}),
    "is the front door locked": ("HassGetState", {"name": "Front Door", "state": "locked"}),
    "lock the front door": ("HassTurnOn", {"name": "Front Door"}),
    "next": ("HassMediaNext", {"area": "Kitchen"}),
    "pause": ("HassMediaPause", {"area": "Kitchen"}),
    "pause timer": ("HassPauseTimer", {}),
    "run party time": ("HassTurnOn", {"name": "Party Time"}),
    "set a timer for 3 hours and 10 minutes": ("HassStartTimer", {"hours": 3, "minutes": 10}),
    "set a timer for 5 minutes": ("HassStartTimer", {"minutes": 5}),
    "set bed light brightness to 50 percent": ("HassLightSet", {"name": "Bed Light", "brightness": 50}),
    "set kitchen lights to green": ("HassLightSet", {"color": "green", **_LIGHTS}),
    "timer status": ("HassTimerStatus", {}),
    "turn off lights in the office": ("HassTurnOff", {"area": "Office", "domain": "light"}),
    "turn on standing light": ("HassTurnOn", {"name": "Standing Light"}),
    "what time is it": ("HassGetCurrentTime", {}),
    "what's the temperature": _TEMPERATURE,
    "what's the weather like in new york": ("HassGetWeather", {"name": "New York"}),
}
SYNTHETIC: dict[str, Meaning] = {
    "close the kitchen windows": ("HassTurnOff", {"area": "Kitchen", "device_class": "window", "domain": "cover"}),
    "close the windows in the office": ("HassTurnOff", {"area": "Office", "device_class": "window", "domain": "cover"}),
    "create a timer for 5 and a half minutes": ("HassStartTimer", {"minutes": 5, "seconds": 30}),
    "how much time is left on my timer": ("HassTimerStatus", {}),
    "is the sliding door closed": ("HassGetState", {"name": "Sliding Door", "state": "closed"}),
    "next track": ("HassMediaNext", {"area": "Kitchen"}),
    "open the office curtains": ("HassTurnOn", {"area": "Office", "device_class": "curtain", "domain": "cover"}),
    "pause the tv": ("HassMediaPause", {"name": "TV"}),
    "resume tv": ("HassMediaUnpause", {"name": "TV"}),
    "set a timer for 1 hour": ("HassStartTimer", {"hours": 1}),
    "set bed light color to orange": ("HassLightSet", {"name": "Bed Light", "color": "orange"}),
    "set brightness to 50 percent": ("HassLightSet", {"brightness": 50, **_LIGHTS}),
    "set kitchen brightness to 100 percent": ("HassLightSet", {"brightness": 100, **_LIGHTS}),
    "set lights in the kitchen to yellow": ("HassLightSet", {"color": "yellow", **_LIGHTS}),
    "set the color of the bed light to yellow": ("HassLightSet", {"name": "Bed Light", "color": "yellow"}),
    "skip this song": ("HassMediaNext", {"area": "Kitchen"}),
    "start a timer for 10 minutes and 20 seconds": ("HassStartTimer", {"minutes": 10, "seconds": 20}),
    "start timer for 3 hours": ("HassStartTimer", {"hours": 3}),
    "stop all of my timers": ("HassCancelAllTimers", {}),
    "turn bed light on": ("HassTurnOn", {"name": "Bed Light"}),
    "turn off all of the lights in the kitchen": ("HassTurnOff", _LIGHTS),
    "turn off tv": ("HassTurnOff", {"name": "TV"}),
    "turn on the kitchen lights": ("HassTurnOn", _LIGHTS),
    "turn on the tv": ("HassTurnOn", {"name": "TV"}),
    "turn the lights on": ("HassTurnOn", _LIGHTS),
    "turn the standing light in the office on": ("HassTurnOn", {"name": "Standing Light", "area": "Office"}),
    "what is the temperature": _TEMPERATURE,
    "what is today's date": ("HassGetCurrentDate", {}),
    "what's the temp": _TEMPERATURE,
    "what's the temperature in the kitchen": _TEMPERATURE,
}


def recording_of(sentence: str) -> str:
    """Return the name of the file in which a sentence is spoken."""
    return sentence.replace("'", "").replace(" ", "_") + ".wav"


def home_file(fixtures: Path) -> str:
    """Return upstream's home as a home file of ours."""
    home = yaml.safe_load(fixtures.read_text("utf-8"))["fixtures"]
    areas = [_table("areas", area["name"]) for area in home["areas"]]
    return "\n".join([*areas, *map(_entity, home["entities"])])


def _entity(entity: dict[str, Any]) -> str:
    features = [feature for feature in ("brightness", "color") if entity.get(f"light_supports_{feature}")]
    return _table("entities", entity["name"]) + f'domain = "{entity["domain"]}"\nfeatures = {features}\n'


def _table(kind: str, name: str) -> str:
    return f'[[{kind}]]\nid = "{kind}.{name.lower().replace(" ", "_")}"\nname = "{name}"\n'
