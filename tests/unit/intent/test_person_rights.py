"""Rights of persons: `[people.NAME] may`."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.unit.intent.outcomes import get_outcome
from wyoming_rosie.home.model import Area, Entity, Home, PersonPolicy, RoomPolicy
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, DelegateToConductor, Handled, NotHandled, Outcome
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.execution import policy
from wyoming_rosie_intent.execution.audit_log import AuditEntry, AuditOutcome
from wyoming_rosie_intent.execution.confirmation import MAX_REPEATS, Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.policy import Permission, Policy
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import hassil

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


class FamilyHome:
    """The demo home with a child who may switch lights, and what was done in it."""

    def __init__(self, home: Home) -> None:
        self.home = replace(home, people=TOM_MAY_LIGHTS)
        self.actor = DemoActor(self.home)
        self.audit: list[AuditEntry] = []
        recognizer, own = hassil.load(hassil.Settings(), self.home), hassil.load_custom_sentences("en")
        executor = ActionExecutor(self.home, self.actor, Policy(), self.audit.append)
        self.dialogue = Dialogue(recognizer, executor, Confirmations(own["yes"], own["no"]))

    async def say(self, text: str, speaker: str | None, area: str | None = "kitchen") -> Outcome:
        return await get_outcome(self.dialogue, ConversationInput(text, "one", "en", area, speaker=speaker), 0.0)

    @property
    def is_locked(self) -> bool:
        return self.actor.states()["lock.front"]["state"] == "locked"


@pytest.fixture
def family_home(home: Home) -> Iterator[FamilyHome]:
    one = FamilyHome(home)
    yield one
    one.dialogue.close()


async def test_a_yes_needs_the_rights_of_whoever_says_it(family_home: FamilyHome) -> None:
    await family_home.say("unlock the front door", "Ada")
    assert await family_home.say("yes", "Tom") == NotHandled("Sorry, Tom, you may not change the Front Door.")
    assert family_home.is_locked
    await family_home.say("yes", "Ada")
    assert family_home.is_locked, "the question is over"
    assert [(entry.outcome, entry.speaker) for entry in family_home.audit] == [
        (AuditOutcome.ASKED, "Ada"),
        (AuditOutcome.REFUSED, "Tom"),
    ]


async def test_a_yes_of_an_unknown_voice_may_be_said_again_with_more_words(family_home: FamilyHome) -> None:
    await family_home.say("unlock the front door", "Ada")
    again = await family_home.say("yes", None)
    assert again == Handled(
        "Sorry, I do not know your voice, so I leave the Front Door alone. "
        "If you live here, say yes once more, with the whole command.",
        expects_reply=True,
    )
    assert family_home.is_locked
    await family_home.say("yes, unlock the front door", "Ada")
    assert not family_home.is_locked


async def test_an_unknown_voice_is_not_asked_for_ever(family_home: FamilyHome) -> None:
    await family_home.say("unlock the front door", "Ada")
    outcomes = [await family_home.say("yes", None) for _ in range(MAX_REPEATS + 1)]
    assert [isinstance(outcome, Handled) for outcome in outcomes] == [True] * MAX_REPEATS + [False]
    await family_home.say("yes", "Ada")
    assert family_home.is_locked


async def test_a_yes_to_a_delayed_command_needs_the_rights_too(family_home: FamilyHome) -> None:
    for speaker in ("Tom", None, "Ada"):
        await family_home.say("unlock the front door in ten minutes", "Ada")
        outcome = await family_home.say("yes", speaker)
        assert isinstance(outcome, DelegateToConductor) == (speaker == "Ada"), speaker


@pytest.mark.parametrize("area", ["kitchen", None])
async def test_a_yes_counts_wherever_nobody_is_kept_from_it(family_home: FamilyHome, area: str | None) -> None:
    await family_home.say("unlock the front door", "Ada")
    await family_home.say("yes", "Ada", area)
    assert not family_home.is_locked


@pytest.mark.parametrize("language", LANGUAGES)
def test_more_words_are_asked_for_in_each_language(language: str) -> None:
    text = responses.render("confirm_with_more_words", language)
    assert text.endswith(".")
    assert (text == responses.render("confirm_with_more_words", "en")) == (language == "en")
