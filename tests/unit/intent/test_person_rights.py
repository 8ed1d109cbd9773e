"""Rights of persons: `[people.NAME] may`."""

import pytest

from wyoming_rosie.home.model import Area, Entity, Home, PersonPolicy, RoomPolicy
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.execution import policy
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.policy import Permission, Policy

LAMP = Entity("light.lamp", "Lamp", "light", "office")
TV = Entity("media_player.tv", "TV", "media_player", "office")
LOCK = Entity("lock.front", "Front Door", "lock")
AREAS = (Area("office", "Office"), Area("kitchen", "Kitchen"))
TOM_MAY_LIGHTS = {"Tom": PersonPolicy(("light.*",))}
HOME = Home(AREAS, (LAMP, TV, LOCK), people=TOM_MAY_LIGHTS)
OPEN_HOME = Home(AREAS, (LAMP, TV, LOCK), people={**TOM_MAY_LIGHTS, "guest": PersonPolicy()})
LANGUAGES = ("en", "de", "fr", "es", "it", "nl")


def unlock(*targets: Entity, language: str = "en") -> Command:
    return Command(Match("HassTurnOff", language=language), targets)


@pytest.mark.parametrize(
    ("home", "target", "speaker", "permission"),
    [
        (HOME, LAMP, "Tom", Permission.ALLOWED),
        (HOME, LAMP, "tom", Permission.ALLOWED),
        (HOME, LOCK, "Tom", Permission.REFUSED),
        (HOME, TV, "Tom", Permission.REFUSED),
        (HOME, LOCK, "Ada", Permission.ASK),
        (HOME, LOCK, None, Permission.REFUSED),
        (HOME, TV, None, Permission.REFUSED),
        (HOME, LAMP, None, Permission.ALLOWED),
        (OPEN_HOME, TV, None, Permission.ALLOWED),
        (OPEN_HOME, LOCK, None, Permission.ASK),
        (Home(AREAS, (LAMP, TV, LOCK)), LOCK, None, Permission.ASK),
    ],
)
def test_a_person_may_what_the_home_file_says(
    home: Home, target: Entity, speaker: str | None, permission: Permission
) -> None:
    assert policy.check_policy(Policy(), home, unlock(target), "office", speaker).permission is permission


def test_a_person_gets_no_right_that_the_room_has_not() -> None:
    home = Home(AREAS, (LAMP, TV), rooms={"office": RoomPolicy(("media_player.*",))}, people=TOM_MAY_LIGHTS)
    assert policy.check_policy(Policy(), home, unlock(LAMP), "office", "Tom").permission is Permission.REFUSED


def test_everybody_may_ask() -> None:
    question = Command(Match("HassGetState"), (LOCK,))
    assert policy.check_policy(Policy(), HOME, question, "office", None).permission is Permission.ALLOWED


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_is_spoken_in_each_language(language: str) -> None:
    named = policy.format_refusal(Policy(), HOME, (LOCK,), "office", language, "Tom")
    unknown = policy.format_refusal(Policy(), HOME, (LOCK,), "office", language)
    assert "Tom" in named
    assert "Front Door" in named
    assert "Front Door" in unknown
    assert named != unknown


@pytest.mark.parametrize("area", ["office", None])
def test_a_conductor_that_acts_itself_is_told_of_the_refusal(area: str | None) -> None:
    executor = ActionExecutor(HOME, None, Policy())
    match = Match("HassTurnOff", {"name": "Front Door"})
    assert executor.get_refusals([match], area, "Tom") == ("Sorry, Tom, you may not change the Front Door.",)
    assert executor.get_refusals([match], area, "Ada") == ()
