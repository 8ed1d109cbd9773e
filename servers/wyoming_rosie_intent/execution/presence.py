"""Reminders that are due when somebody comes home or leaves: who that is, and whether it can be noticed."""

from collections.abc import Mapping

from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.engine import Answer, Match, SlotValue
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules.alarms import EVENT_SLOT

_DOMAINS = ("person", "device_tracker")
"""Domains of entities that report where somebody is, the best one first."""
_HOME = "home"
_NO_PLACE = frozenset({"", "unavailable", "unknown"})
MAX_KNOWN = 4


def resolve(
    match: Match, home: Home, states: Mapping[str, Mapping[str, object]], speaker: str | None
) -> Match | Answer:
    """Return a reminder with the person's entity, and whether that is at home now; else why it cannot be set."""
    person = _find_person(match, home, speaker)
    if isinstance(person, Answer):
        return person
    place = str(states.get(person.id, {}).get("state", ""))
    if place in _NO_PLACE:
        return _refuse("presence_unknown", match, name=person.name)
    slots: dict[str, SlotValue] = {
        "alarm": "reminder",
        "name": str(match.slots["reminder"]),
        EVENT_SLOT: str(match.slots[EVENT_SLOT]),
        "person": person.id,
        "at_home": int(place == _HOME),
    }
    named: dict[str, SlotValue] = {"person_name": person.name} if "person" in match.slots else {}
    return Match(match.intent, slots | named, match.text, language=match.language)


def _find_person(match: Match, home: Home, speaker: str | None) -> Entity | Answer:
    """Return who is meant: the person that is named, the speaker, or the only one of the home."""
    known = [entity for domain in _DOMAINS for entity in home.entities if entity.domain == domain]
    if not known:
        return _refuse("no_presence", match)
    said = match.slot_text("person")
    named = said or speaker
    if named is not None:
        found = [entity for entity in known if named.casefold() in map(str.casefold, (entity.id, *entity.names))]
        if found:
            return found[0]
    if said is not None:
        names = [entity.name for entity in known if entity.domain == known[0].domain][:MAX_KNOWN]
        return _refuse("unknown_person", match, name=said, known=names)
    persons = [entity for entity in known if entity.domain == known[0].domain]
    return persons[0] if len(persons) == 1 else _refuse("whose_presence", match, name=persons[0].name)


def _refuse(key: str, match: Match, **values: object) -> Answer:
    return Answer(responses.render(key, match.language, **values), done=False)
