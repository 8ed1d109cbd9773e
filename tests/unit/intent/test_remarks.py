"""Remarks such as "it's too dark in here" change a little in the speaker's room, ask before, or are ignored."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from tests.unit.intent.outcomes import get_outcome
from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, DelegateToConductor, Handled, NotHandled, NotRecognized
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.policy import Policy
from wyoming_rosie_intent.rules import hassil

Talk: TypeAlias = Callable[..., Dialogue]
FEATURES = frozenset({"brightness"})
HOME = Home(
    (Area("den", "Den"), Area("attic", "Attic")),
    (
        Entity("light.den", "Den Light", "light", "den", features=FEATURES),
        Entity("light.attic", "Attic Light", "light", "attic", features=FEATURES),
        Entity("climate.attic", "Thermostat", "climate", "attic"),
        Entity("climate.cellar", "Stove", "climate", "cellar"),
        Entity("binary_sensor.left", "Left Window", "binary_sensor", "den", device_class="window"),
        Entity("cover.roof", "Roof Window", "cover", "attic", device_class="window"),
        Entity("sensor.damp", "Den Humidity", "sensor", "den", device_class="humidity"),
        *(Entity(f"light.spot_{number}", f"Spot {number}", "light", "den") for number in range(1, 6)),
    ),
)


POLICIES: dict[str, Policy] = {
    "act": Policy(),
    "ask": Policy(remarks="ask"),
    "ignore": Policy(remarks="ignore"),
}


@pytest.fixture(scope="module")
def recognizers() -> dict[str, IntentRecognizer]:
    """The recognizers of the policies, loaded outside the event loop."""
    return {name: hassil.load(hassil.Settings(), HOME, policy) for name, policy in POLICIES.items()}


@pytest.fixture
def actor() -> DemoActor:
    return DemoActor(HOME)


@pytest.fixture
def talk(recognizers: dict[str, IntentRecognizer], actor: DemoActor) -> Iterator[Talk]:
    with ExitStack() as opened:

        def open_dialogue(remarks: str = "act", *, acts: bool = True) -> Dialogue:
            executor = ActionExecutor(HOME, actor if acts else None, POLICIES[remarks])
            dialogue = Dialogue(recognizers[remarks], executor, Confirmations(["yes"], ["no"]))
            opened.callback(dialogue.close)
            return dialogue

        yield open_dialogue


def hear(text: str, area: str | None = "den") -> ConversationInput:
    return ConversationInput(text, "one", "en", area)


async def test_a_dark_room_becomes_brighter_and_no_other(talk: Talk, actor: DemoActor) -> None:
    dialogue = talk()
    outcome = await get_outcome(dialogue, hear("it's too dark in here"))
    assert isinstance(outcome, Handled)
    assert outcome.text == "Set the Den Light to 40 percent."
    assert (actor.states()["light.den"]["brightness"], actor.states()["light.attic"]["on"]) == (40, False)


@pytest.mark.parametrize(("area", "text"), [("den", "Sorry, I know no thermostats in the Den."), (None, "I do not know which room you are in. Please say which room you mean.")])  # fmt: skip
async def test_a_cold_room_without_a_thermostat_leaves_that_of_another_alone(
    talk: Talk, actor: DemoActor, area: str | None, text: str
) -> None:
    dialogue = talk()
    outcome = await get_outcome(dialogue, hear("it's too cold in here", area))
    assert isinstance(outcome, NotHandled)
    assert (outcome.text, actor.states()["climate.attic"]["target"]) == (text, 20.0)


async def test_a_remark_may_only_offer(talk: Talk, actor: DemoActor) -> None:
    dialogue = talk("ask")
    outcome = await get_outcome(dialogue, hear("it's too dark in here"))
    assert isinstance(outcome, Handled)
    assert (outcome.text, outcome.expects_reply) == ("Shall I make the Den Light brighter?", True)
    assert actor.states()["light.den"]["on"] is False
    await get_outcome(dialogue, hear("yes"))
    assert actor.states()["light.den"]["brightness"] == 40


async def test_the_volume_of_the_room_is_offered_as_well(talk: Talk) -> None:
    dialogue = talk("ask")
    outcome = await get_outcome(dialogue, hear("it's too loud in here"))
    assert isinstance(outcome, Handled)
    assert outcome.text == "Shall I turn the volume down?"
    assert isinstance(await get_outcome(dialogue, hear("yes")), DelegateToConductor)


async def test_remarks_can_be_ignored(talk: Talk) -> None:
    dialogue = talk("ignore")
    assert isinstance(await get_outcome(dialogue, hear("it's too dark in here")), NotRecognized)


@pytest.mark.parametrize("text", ["make the den light brighter", "turn off all the lights except the attic"])
async def test_without_an_actor_a_slot_that_home_assistant_lacks_is_refused(talk: Talk, text: str) -> None:
    dialogue = talk(acts=False)
    assert isinstance(await get_outcome(dialogue, hear(text)), NotHandled)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("are any windows open", "No, the Left Window and the Roof Window are closed."),
        ("how many windows are open", "None of the windows are open."),
        ("how humid is it in here", "The Den Humidity is at 45 percent."),
        ("are any lights on", "No, the Den Light, the Attic Light, the Spot 1 and 4 more are off."),
    ],
)
async def test_a_question_about_a_class_names_three_and_counts_the_others(talk: Talk, text: str, answer: str) -> None:
    dialogue = talk()
    outcome = await get_outcome(dialogue, hear(text))
    assert isinstance(outcome, Handled)
    assert outcome.text == answer
