"""Dialogues whose sentences refer to the turn before, as data, with the state of the house afterwards."""

import tomllib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.intent.outcomes import get_outcome
from tests.unit.intent.sentence_tables import table
from wyoming_rosie.home.loader import load_home
from wyoming_rosie.home.model import DEMO_HOME, Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, DelegateToConductor
from wyoming_rosie_intent.context.last_turn import LIFETIME_SECONDS, MAX_TURNS, LastTurn, LastTurns
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.rules import hassil
from wyoming_rosie_intent.rules.templates import load_custom_sentences

FOLDER = Path(__file__).with_name("dialogues")
CONFIRM = frozenset({"lock.*", "alarm_control_panel.*"})
SECONDS_BETWEEN = 5.0


def read_dialogues(language: str) -> list[Any]:
    found = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))["dialogue"]
    return [pytest.param(language, one, id=one["name"]) for one in found]


@pytest.fixture(scope="module")
def homes() -> Mapping[str, Home]:
    return {
        "en": load_home(DEMO_HOME),
        "de": table.load_home("de"),
        **{name: load_home(FOLDER.with_name("homes") / name) for name in ("two_of_a_kind.toml", "machines.toml")},
    }


@pytest.fixture(scope="module")
def recognizers(homes: Mapping[str, Home]) -> Mapping[str, IntentRecognizer]:
    return {name: hassil.load(hassil.Settings(("de" if name == "de" else "en",)), home) for name, home in homes.items()}


@pytest.mark.parametrize(("language", "spoken"), [*read_dialogues("en"), *read_dialogues("de")])
async def test_a_dialogue(
    homes: Mapping[str, Home], recognizers: Mapping[str, IntentRecognizer], language: str, spoken: Mapping[str, Any]
) -> None:
    name = spoken.get("home", language)
    home = homes[name]
    actor = DemoActor(home)
    before = {entity: dict(state) for entity, state in actor.states().items()}
    answers = [text async for text in speak(actor, home, recognizers[name], language, spoken)]
    assert answers == [expected or answer for (_, expected), answer in zip(spoken["turns"], answers, strict=True)]
    assert changes(before, actor.states()) == as_tuples(spoken["after"])


async def speak(
    actor: DemoActor, home: Home, recognizer: IntentRecognizer, language: str, spoken: Mapping[str, Any]
) -> AsyncIterator[str]:
    words = load_custom_sentences(language)
    dialogue = Dialogue(
        recognizer, ActionExecutor(home, actor, CONFIRM), Confirmations(words["yes"], words["no"], words["courtesies"])
    )
    area = spoken.get("area", "kitchen") or None
    try:
        for at, (text, _) in enumerate(spoken["turns"]):
            conversation = f"{at}" if spoken.get("conversations") else "one"
            said = ConversationInput(text, conversation, language, area)
            outcome = await get_outcome(dialogue, said, at * spoken.get("pause", SECONDS_BETWEEN))
            assert not isinstance(outcome, DelegateToConductor)
            yield outcome.text
    finally:
        dialogue.close()


def changes(before: Mapping[str, Mapping[str, object]], after: Mapping[str, Mapping[str, object]]) -> Any:
    """Return the attributes that differ, without `state`, which follows from them."""
    differences = {
        entity: {key: value for key, value in after[entity].items() if before[entity][key] != value and key != "state"}
        for entity in after
    }
    return {entity: difference for entity, difference in differences.items() if difference}


def as_tuples(after: Mapping[str, Mapping[str, object]]) -> Any:
    return {
        entity: {key: tuple(value) if isinstance(value, list) else value for key, value in state.items()}
        for entity, state in after.items()
    }


def test_a_turn_is_remembered_in_its_conversation_and_its_room_for_a_while() -> None:
    memory = LastTurns()
    memory.record_answer("one", "kitchen", "Done.", now=10.0)
    assert memory.get("one", None, 10.0 + LIFETIME_SECONDS).answer == "Done."
    assert memory.get("other", "Kitchen", 20.0).answer == "Done."
    assert memory.get("other", "bedroom", 20.0) == LastTurn()
    assert memory.get("one", "kitchen", 10.1 + LIFETIME_SECONDS) == LastTurn()


def test_the_oldest_conversations_are_forgotten() -> None:
    memory = LastTurns()
    for number in range(MAX_TURNS + 1):
        memory.record_answer(f"{number}", None, "Done.", now=0.0)
    assert memory.get("0", None, 0.0) == LastTurn()
    assert memory.get(f"{MAX_TURNS}", None, 0.0).answer == "Done."


@pytest.mark.parametrize(
    ("said", "cancelled"),
    [
        ("set a timer for 5 minutes", {"start_minutes": 5}),
        ("wake me at seven", {"kind": "alarm", "clock": "07:00"}),
        ("remind me at 6 pm to call mum", {"kind": "reminder", "clock": "18:00", "name": "call mum"}),
    ],
)
async def test_undoing_a_timer_is_the_conductors(
    homes: Mapping[str, Home], recognizers: Mapping[str, IntentRecognizer], said: str, cancelled: Mapping[str, object]
) -> None:
    home = homes["en"]
    words = load_custom_sentences("en")
    dialogue = Dialogue(
        recognizers["en"], ActionExecutor(home, DemoActor(home)), Confirmations(words["yes"], words["no"])
    )
    await get_outcome(dialogue, ConversationInput(said, "one", "en", "kitchen"), 0.0)
    outcome = await get_outcome(dialogue, ConversationInput("undo that", "one", "en", "kitchen"), 5.0)
    dialogue.close()
    assert isinstance(outcome, DelegateToConductor)
    assert [(match.intent, dict(match.slots)) for match in outcome.matches] == [("HassCancelTimer", cancelled)]


async def test_a_sentence_that_may_execute_nothing_undoes_nothing(
    homes: Mapping[str, Home], recognizers: Mapping[str, IntentRecognizer]
) -> None:
    home = homes["en"]
    actor = DemoActor(home)
    words = load_custom_sentences("en")
    dialogue = Dialogue(recognizers["en"], ActionExecutor(home, actor), Confirmations(words["yes"], words["no"]))
    await get_outcome(dialogue, ConversationInput("turn on the bed light", "one", "en", "kitchen"), 0.0)
    for text in ("undo that", "turn it off", "and the desk lamp too"):
        said = ConversationInput(text, "one", "en", "kitchen", allow_tools=False)
        await get_outcome(dialogue, said, 5.0)
    dialogue.close()
    assert actor.states()["light.bed"]["on"]
    assert not actor.states()["light.desk"]["on"]
