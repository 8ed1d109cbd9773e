"""Commands of a model without tool support, in the demo home."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm.command_tool import CommandToolset, is_action_request
from wyoming_rosie_intent.llm.model import ToolCall
from wyoming_rosie_intent.llm.output.textual_commands import COMMAND, SENTENCE
from wyoming_rosie_intent.llm.toolset import NeedsConductor, NeedsConfirmation, ToolContext, ToolOutcome, ToolResult
from wyoming_rosie_intent.rules import hassil

Obey: TypeAlias = Callable[..., Awaitable[ToolOutcome]]


@pytest.fixture(scope="module")
def recognizer() -> hassil.HassilRecognizer:
    from wyoming_rosie.home import loader, model

    return hassil.HassilRecognizer(loader.load_home(model.DEMO_HOME), ("en", "de"))


@pytest.fixture
async def obey(home: Home, recognizer: hassil.HassilRecognizer) -> AsyncIterator[Obey]:
    household = ActionExecutor(home, DemoActor(home), frozenset({"lock", "cover"}))
    commands = CommandToolset(household, recognizer)

    async def use(sentence: str, said: str, language: str = "en") -> ToolOutcome:
        setting = ToolContext(home.get_area("kitchen"), datetime(2026, 11, 21, 15, 5, tzinfo=UTC), None, language, said)
        return await commands.call_tool(ToolCall("1", COMMAND, {SENTENCE: sentence}), setting)

    yield use
    commands.close()


async def test_what_was_ordered_is_done_at_once_and_told(obey: Obey) -> None:
    outcome = await obey("turn on the Kitchen Light", "please switch the cooking lamp on")
    assert isinstance(outcome, ToolResult)
    assert (outcome.has_acted, outcome.spoken, outcome.is_final) == (True, "Turned on the Kitchen Light.", True)
    assert [match.intent for match in outcome.matches] == ["HassTurnOn"]


@pytest.mark.parametrize(
    "said",
    ["what is the capital of France", "it is rather dark in here", "don't turn on anything", "mach bloß kein Licht an"],
)
async def test_what_nobody_ordered_is_asked_about(obey: Obey, said: str) -> None:
    outcome = await obey("turn on the Kitchen Light", said)
    assert isinstance(outcome, NeedsConfirmation)
    assert [entity.name for command in outcome.commands for entity in command.targets] == ["Kitchen Light"]
    assert not outcome.spoken


async def test_what_is_dangerous_is_asked_about_though_it_was_ordered(obey: Obey) -> None:
    assert isinstance(await obey("unlock the Front Door", "open up for him"), NeedsConfirmation)


async def test_a_question_is_answered_without_asking(obey: Obey) -> None:
    outcome = await obey("is the kitchen light on", "what about the lamp over the stove")
    assert isinstance(outcome, ToolResult)
    assert not outcome.has_acted
    assert outcome.spoken == "No, the Kitchen Light is off."


async def test_a_sentence_that_no_rule_knows_does_nothing(obey: Obey) -> None:
    outcome = await obey("make it cosy", "turn on the cosy mood")
    assert outcome == ToolResult(
        "Not done: Sorry, I did not understand that.", refusal="Sorry, I did not understand that.", is_final=True
    )


async def test_a_command_may_be_in_the_persons_language_or_english(obey: Obey) -> None:
    for sentence in ("schalte Kitchen Light ein", "turn on the Kitchen Light"):
        outcome = await obey(sentence, "schalte die Lampe am Herd ein", "de")
        assert isinstance(outcome, ToolResult)
        assert outcome.has_acted


async def test_a_timer_is_for_the_conductor_if_somebody_ordered_one(obey: Obey) -> None:
    assert isinstance(await obey("set a timer for 5 minutes", "start the egg thing, five minutes"), NeedsConductor)
    assert isinstance(await obey("set a timer for 5 minutes", "how long does an egg take"), ToolResult)


@pytest.mark.parametrize(
    ("sentence", "ordered"),
    [
        ("turn on the lamp by the sofa", True),
        ("schalte die Leselampe ein", True),
        ("allume la lampe du salon", True),
        ("what is the time in Tokyo", False),
        ("do not open anything", False),
        ("Licht im Bad wäre schön", False),
        ("照明をつけて", False),
    ],
)
def test_orders_are_told_from_other_sentences(sentence: str, ordered: bool) -> None:
    assert is_action_request(sentence) == ordered
