"""Commands that need a confirmation, and commands that do not."""

import pytest

from tests.unit.intent.family import family, said
from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.execution import policy
from wyoming_rosie_intent.execution.policy import Policy


@pytest.mark.parametrize(
    "text",
    ["close the blinds", "open the bedroom blinds", "close the curtains", "open the shutter", "lock the front door", "open the sprinkler"],
)  # fmt: skip
async def test_what_nobody_minds_is_done_at_once(text: str) -> None:
    came = await said(text, "living" if "curtains" in text else "kitchen")
    assert came.done
    assert not came.asks


@pytest.mark.parametrize(
    "text",
    [
        "unlock the front door",
        "open the garage door",
        "close the garage door",
        "open the driveway gate",
        "open the main water valve",
        "close the main water valve",
    ],
)
async def test_what_lets_somebody_in_or_floods_the_house_is_asked_about(text: str) -> None:
    came = await said(text, "kitchen")
    assert came.asks
    assert not came.changes


def thing(identifier: str, name: str, device_class: str | None = None) -> Entity:
    return Entity(identifier, name, identifier.partition(".")[0], device_class=device_class)


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (thing("cover.1", "Rollo", "blind"), False),
        (thing("cover.1", "Somewhere"), False),
        (thing("cover.1", "Gartentor"), True),
        (thing("cover.1", "Back Door"), True),
        (thing("cover.1", "Skylight", "window"), True),
        (thing("cover.1", "Portail"), True),
        (thing("valve.1", "Hauptwasserhahn"), True),
        (thing("valve.1", "Haupthahn"), True),
        (thing("valve.1", "Water Main"), True),
        (thing("valve.1", "Vanne générale"), True),
        (thing("valve.1", "Kitchen", "gas"), True),
        (thing("switch.1", "Main Water"), True),
        (thing("switch.1", "Main Light"), False),
        (thing("valve.1", "Sprinkler", "water"), False),
        (thing("valve.1", "Lawn Water"), False),
        (thing("light.1", "Garage Light"), False),
    ],
)
def test_dangerous_things_are_known_by_class_and_name(entity: Entity, expected: bool) -> None:
    assert policy.is_dangerous(Policy(), entity) is expected


@pytest.mark.parametrize(
    ("pattern", "entity"), [("lock", "lock.front"), ("cover", "cover.bed"), ("cover.b*", "cover.bed")]
)
def test_more_can_be_asked_about(pattern: str, entity: str) -> None:
    target = next(one for one in family().entities if one.id == entity)
    command = Command(Match("HassTurnOn"), (target,))
    assert not policy.requires_confirmation(Policy(), command)
    assert policy.requires_confirmation(Policy(confirm=frozenset({pattern})), command)


def test_a_lock_that_is_named_dangerous_is_asked_about_whatever_is_done_to_it() -> None:
    target = next(one for one in family().entities if one.domain == "lock")
    assert policy.requires_confirmation(
        Policy(dangerous=frozenset({"lock.front"})), Command(Match("HassTurnOn"), (target,))
    )
