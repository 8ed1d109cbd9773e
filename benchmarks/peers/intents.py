"""Other recognizers of intents for the same home and sentences: hassil with Home Assistant's templates, and gazetteer-matcher."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hassil import Intents, SlotList, TextSlotList, recognize_best
from home_assistant_intents import get_intents

from wyoming_rosie.home.model import Area, Floor, Home
from wyoming_rosie_intent.engine import AreaScope, Match, SlotValue

REPOSITORY = Path(__file__).parents[2]
GAZETTEER = REPOSITORY / ".venv-peers" / "gazetteer" / "bin" / "python"
"""Made by `scripts/peers`."""
SECONDS = 600.0


@dataclass(frozen=True)
class GazetteerRun:
    """What gazetteer-matcher made of the sentences, in their order."""

    ready_seconds: float
    megabytes: float
    matches: Sequence[tuple[Match, ...]]
    milliseconds: Sequence[float]


class StrictHassil:
    """Home Assistant's templates as they are: no own templates, no corrections, one command in a sentence."""

    def __init__(self, home: Home, language: str) -> None:
        data = get_intents(language)
        assert data is not None, language
        self._intents = Intents.from_dict(data)
        self._language = language
        self.set_home(home)

    def set_home(self, home: Home) -> None:
        """Use another home from the next sentence on."""
        self._home = home
        entities = [(name, one.name, {"domain": one.domain}) for one in home.entities for name in one.names]
        self._lists: dict[str, SlotList] = {
            "name": TextSlotList.from_tuples(entities, name="name"),
            "area": _create_place_list("area", home.areas),
            "floor": _create_place_list("floor", home.floors),
        }

    def recognize(self, text: str, area: str) -> tuple[Match, ...]:
        spoken_in = self._home.get_area(area)
        found = recognize_best(
            text,
            self._intents,
            slot_lists=self._lists,
            intent_context={"area": spoken_in.name if spoken_in else area},
            best_slot_name="name",
            language=self._language,
        )
        if found is None:
            return ()
        slots = {name: entity.value for name, entity in found.entities.items()}
        domain = slots.get("domain") or found.context.get("domain")
        return (_create_match(found.intent.name, slots, text, domain, self._language),)


def _create_place_list(kind: str, places: Sequence[Area | Floor]) -> SlotList:
    return TextSlotList.from_tuples([(name, one.name, {}) for one in places for name in one.names], name=kind)


def run_gazetteer(home: Home, texts: Sequence[str], area: str) -> GazetteerRun:
    """Interpret English sentences in the other environment."""
    given = {"home": _describe_home(home), "area": area, "texts": list(texts)}
    command = (str(GAZETTEER), str(Path(__file__).with_name("gazetteer.py")))
    found = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=True, timeout=SECONDS
    )
    data = json.loads(found.stdout)
    results = data["results"]
    matches = [
        tuple(_convert_frame(home, intent, slots, text) for intent, slots in result["frames"])
        for result, text in zip(results, texts, strict=True)
    ]
    return GazetteerRun(
        data["ready_seconds"], data["megabytes"], matches, [result["milliseconds"] for result in results]
    )


def _describe_home(home: Home) -> dict[str, Any]:
    """Return the home as gazetteer-matcher takes it, by the ids."""
    areas = {one.id: {"name": one.name, "aliases": list(one.aliases), "floor": one.floor} for one in home.areas}
    floors = {one.id: {"name": one.name, "aliases": list(one.aliases)} for one in home.floors}
    entities = {
        one.id: {
            "name": one.name,
            "aliases": list(one.aliases),
            "domain": one.domain,
            "area": one.area,
            **({"device_class": one.device_class} if one.device_class else {}),
        }
        for one in home.entities
    }
    return {"areas": areas, "floors": floors, "entities": entities}


def _convert_frame(home: Home, intent: str, slots: dict[str, Any], text: str) -> Match:
    """Return a frame, which names entities and places by their ids, as a match, which has their names."""
    names = {"name": {one.id: one.name for one in home.entities}} | {
        kind: {one.id: one.name for one in found} for kind, found in (("area", home.areas), ("floor", home.floors))
    }
    spoken = {
        slot: names.get(slot, {}).get(value, value) if isinstance(value, str) else value
        for slot, value in slots.items()
    }
    named = next((one.domain for one in home.entities if one.id == slots.get("name")), None)
    return _create_match(intent, spoken, text, slots.get("domain") or named, "en")


def _create_match(intent: str, slots: dict[str, Any], text: str, domain: object, language: str) -> Match:
    scope = AreaScope.NAMED if "area" in slots else AreaScope.ANYWHERE
    values = {name: _convert_value(value) for name, value in slots.items()}
    return Match(intent, values, text, domain if isinstance(domain, str) else None, "", scope, language)


def _convert_value(value: Any) -> SlotValue | tuple[str, ...]:
    """Return whole numbers as int, lists as alternatives."""
    if isinstance(value, (list, tuple)):
        return tuple(map(str, value))
    if isinstance(value, (int, float)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value)
