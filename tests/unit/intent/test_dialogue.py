"""Dialogues with the demo actor in the demo home."""

from collections.abc import Mapping

import pytest

from tests.unit.intent.outcomes import get_outcome
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import (
    ConversationInput,
    DelegateToConductor,
    Handled,
    NotHandled,
    NotRecognized,
    Outcome,
)
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import TIMEOUT_SECONDS, Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.responses import catalog, responses

States = dict[str, dict[str, object]]


async def say(dialogue: Dialogue, text: str, area: str | None = "kitchen", now: float = 0.0) -> Outcome:
    return await get_outcome(dialogue, ConversationInput(text, "one", None, area), now)


def changes(before: Mapping[str, Mapping[str, object]], after: Mapping[str, Mapping[str, object]]) -> States:
    differences = {
        entity: {key: value for key, value in after[entity].items() if before[entity][key] != value} for entity in after
    }
    return {entity: difference for entity, difference in differences.items() if difference}


ON, OFF = {"state": "on", "on": True}, {"state": "off", "on": False}
ACTS: list[tuple[str, str, States]] = [
    ("turn on the kitchen lights", "Turned on the Kitchen Light.", {"light.kitchen": ON}),
    ("turn on the light", "Turned on the Kitchen Light.", {"light.kitchen": ON}),
    ("turn on the television", "Turned on the TV.", {}),
    ("turn off the tv", "Turned off the TV.", {"media_player.tv": OFF}),
    (
        "turn on all the lights",
        "Turned on all the lights.",
        {"light.kitchen": ON, "light.living_room": ON, "light.bed": ON, "light.desk": ON},
    ),
    ("set kitchen lights to green", "Set the Kitchen Light to green.", {"light.kitchen": {**ON, "color": "green"}}),
    ("set the bed light to 30 percent", "Set the Bed Light to 30 percent.", {"light.bed": {**ON, "brightness": 30}}),
    ("turn on the coffee machine", "Turned on the Coffee Machine.", {"switch.coffee_machine": ON}),
    ("set the ceiling fan to 40 percent", "Set the Ceiling Fan to 40 percent.", {"fan.bedroom": {**ON, "speed": 40}}),
    (
        "set the thermostat to 22.5 degrees",
        "Set the Thermostat to 22.5 degrees.",
        {"climate.thermostat": {"target": 22.5}},
    ),
    (
        "set the temperature to 19 degrees",
        "Set the Thermostat to 19 degrees.",
        {"climate.thermostat": {"target": 19.0}},
    ),
    ("play", "Playing on the TV.", {"media_player.tv": {"state": "playing", "playing": True}}),
    ("next", "Skipped to the next track on the TV.", {"media_player.tv": {"track": 2}}),
    ("set the tv volume to 55 percent", "Set the volume of the TV to 55 percent.", {"media_player.tv": {"volume": 55}}),
    ("mute the tv", "Muted the TV.", {"media_player.tv": {"muted": True}}),
    (
        "play some jazz",
        "Playing some jazz on the TV.",
        {"media_player.tv": {"state": "playing", "playing": True, "title": "some jazz"}},
    ),
    ("movie time", "Activated Movie Time.", {"scene.movie": {"state": "1", "runs": 1}}),
    ("run good night", "Started Good Night.", {"script.good_night": {"state": "1", "runs": 1}}),
    (
        "add milk to my shopping list",
        "Added milk to the Shopping List.",
        {"todo.shopping": {"state": "1", "items": ("milk",)}},
    ),
    ("put milk on the list", "Added milk to the Shopping List.", {"todo.shopping": {"state": "1", "items": ("milk",)}}),
    (
        "turn on the kitchen light and the bed light",
        "Turned on the Kitchen Light. Turned on the Bed Light.",
        {"light.kitchen": ON, "light.bed": ON},
    ),
]


@pytest.mark.parametrize(
    ("text", "kind"), [("is the kitchen light on?", Handled), ("turn on the kitchen light", NotRecognized)]
)
async def test_a_sentence_that_may_execute_nothing_may_still_ask(
    dialogue: Dialogue, actor: DemoActor, text: str, kind: type
) -> None:
    before = actor.states()
    outcome = await get_outcome(dialogue, ConversationInput(text, "one", None, "kitchen", allow_tools=False), 0.0)
    assert isinstance(outcome, kind)
    assert kind is Handled or outcome == NotRecognized("Sorry, I cannot do that.")
    assert actor.states() == before


@pytest.mark.parametrize(("text", "answer", "expected"), ACTS)
async def test_a_command_changes_the_house_and_says_so(
    dialogue: Dialogue, actor: DemoActor, text: str, answer: str, expected: States
) -> None:
    before = actor.states()
    outcome = await say(dialogue, text)
    assert isinstance(outcome, Handled)
    assert (outcome.text, outcome.expects_reply) == (answer, False)
    assert changes(before, actor.states()) == expected


ASKS = [
    ("is the kitchen light on?", "No, the Kitchen Light is off."),
    ("are the kitchen lights on", "No, the Kitchen Light is off."),
    ("which lights are on", "The Bed Light is on."),
    ("how many lights are on", "One: the Bed Light is on."),
    ("are all the lights on", "No, the Kitchen Light, the Living Room Lamp and the Desk Lamp are off."),
    ("which lights are off", "The Kitchen Light, the Living Room Lamp and the Desk Lamp are off."),
    ("are any lights on", "Yes, the Bed Light is on."),
    ("are any fans on", "No, the Ceiling Fan is off."),
    ("which fans are on", "None of the fans are on."),
    ("how is the bed light", "The Bed Light is on, red, at 100 percent."),
    ("is the front door locked", "Yes, the Front Door is locked."),
    ("did I lock the front door", "Yes, the Front Door is locked."),
    ("is everything locked", "Yes, the Front Door is locked."),
    ("is the garage door open", "No, the Garage Door is closed."),
    ("are the living room curtains open", "No, the Living Room Curtains are closed."),
    ("is the tv on", "Yes, the TV is paused."),
    ("what is the temperature", "It is 21 degrees, and the Thermostat is set to 20."),
    ("what's the weather", "It is sunny, with 18 degrees."),
    ("what's the weather at home", "It is sunny in Home, with 18 degrees."),
    ("what is on my shopping list", "The Shopping List has milk and salt."),
    ("what time is it", "It is three oh five PM."),
    ("what's today's date", "It is Saturday, the twenty-first of November."),
    ("hello", "Hello!"),
]


@pytest.mark.parametrize(("text", "answer"), ASKS)
async def test_a_question_is_answered_from_the_house_and_changes_nothing(
    dialogue: Dialogue, actor: DemoActor, text: str, answer: str
) -> None:
    for before in ("set the bed light to red", "add milk to my shopping list", "add salt to my shopping list"):
        await say(dialogue, before)
    states = actor.states()
    outcome = await say(dialogue, text)
    assert isinstance(outcome, Handled)
    assert outcome.text == answer
    assert changes(states, actor.states()) == {}


CANNOT = [
    ("set the desk lamp to green", "Sorry, I cannot set the Desk Lamp to green."),
    ("close the kitchen windows", "Sorry, I know no windows in the Kitchen."),
    ("turn on the fan", "Sorry, I know no fans in the Kitchen."),
    ("what's the temperature in the bedroom", "Sorry, I know no thermostats in the Bedroom."),
    ("turn on the bed light in the office", "Sorry, I know no Bed Light in the Office."),
    ("take bread off my shopping list", "Sorry, I cannot find bread on the Shopping List."),
    ("turn on the bed light and set a timer for 5 minutes", responses.render("one_at_a_time")),
]


@pytest.mark.parametrize(("text", "answer"), CANNOT)
async def test_what_cannot_be_is_said_and_nothing_changes(
    dialogue: Dialogue, actor: DemoActor, text: str, answer: str
) -> None:
    before = actor.states()
    outcome = await say(dialogue, text)
    assert isinstance(outcome, NotHandled)
    assert outcome.text == answer
    assert outcome.matches
    assert changes(before, actor.states()) == {}


async def test_a_language_that_nobody_has_spoken_yet_is_read_where_it_blocks_nobody(dialogue: Dialogue) -> None:
    catalog._load_builtin.cache_clear()
    responses._prepared.clear()
    outcome = await get_outcome(dialogue, ConversationInput("", "one", "fr"))
    assert isinstance(outcome, NotRecognized)
    assert outcome.text == responses.render("heard_nothing", "fr") != responses.render("heard_nothing")


async def test_a_speaker_in_no_known_room_is_asked_to_say_it(dialogue: Dialogue) -> None:
    outcome = await say(dialogue, "turn on the light", area=None)
    assert isinstance(outcome, Handled)
    assert outcome.expects_reply
    assert outcome.text == responses.render("which_room")


@pytest.mark.parametrize(
    ("text", "question", "answer", "expected"),
    [
        ("unlock the front door", "Shall I unlock the Front Door?", "Unlocked the Front Door.", {"lock.front": {"state": "unlocked", "locked": False}}),
        ("open the garage door", "Shall I open the Garage Door?", "Opened the Garage Door.", {"cover.garage": {"state": "open", "position": 100}}),
        (
            "set the garage door to 40 percent",
            "Shall I set the Garage Door to 40 percent?",
            "Set the Garage Door to 40 percent.",
            {"cover.garage": {"state": "open", "position": 40}},
        ),
        ("lock the front door", "Shall I lock the Front Door?", "Locked the Front Door.", {}),
    ],
)  # fmt: skip
async def test_a_lock_or_cover_moves_only_after_a_yes(
    dialogue: Dialogue, actor: DemoActor, text: str, question: str, answer: str, expected: States
) -> None:
    before = actor.states()
    asked = await say(dialogue, text)
    assert isinstance(asked, Handled)
    assert (asked.text, asked.expects_reply) == (question, True)
    assert changes(before, actor.states()) == {}
    done = await say(dialogue, "Yes, please.", now=TIMEOUT_SECONDS)
    assert done == Handled(answer, asked.matches)
    assert changes(before, actor.states()) == expected


@pytest.mark.parametrize(
    ("reply", "now", "expected"),
    [
        ("no", 1.0, Handled(responses.render("left_alone"))),
        ("never mind", 1.0, Handled(responses.render("left_alone"))),
        ("yes", TIMEOUT_SECONDS + 1, NotRecognized(responses.render("not_understood"))),
        ("tell me a joke", 1.0, NotRecognized(responses.render("not_understood"))),
        ("", 1.0, NotRecognized(responses.render("heard_nothing"))),
        pytest.param("x" * 1_000_000, 1.0, NotRecognized(responses.render("too_long")), id="a million characters"),
    ],
)
async def test_without_a_yes_in_time_nothing_moves(
    dialogue: Dialogue, actor: DemoActor, reply: str, now: float, expected: Outcome
) -> None:
    before = actor.states()
    await say(dialogue, "open the garage door")
    assert await say(dialogue, reply, now=now) == expected
    assert await say(dialogue, "yes", now=now) == NotRecognized(responses.render("not_understood"))
    assert changes(before, actor.states()) == {}


async def test_another_command_instead_of_a_yes_is_carried_out_alone(dialogue: Dialogue, actor: DemoActor) -> None:
    before = actor.states()
    await say(dialogue, "open the garage door")
    assert isinstance(await say(dialogue, "turn on the bed light"), Handled)
    assert changes(before, actor.states()) == {"light.bed": ON}


async def test_a_yes_in_another_conversation_opens_nothing(dialogue: Dialogue, actor: DemoActor) -> None:
    before = actor.states()
    await say(dialogue, "open the garage door")
    await get_outcome(dialogue, ConversationInput("yes", "another"), 1.0)
    assert changes(before, actor.states()) == {}


async def test_of_two_commands_only_the_one_that_needs_it_waits_for_a_yes(dialogue: Dialogue, actor: DemoActor) -> None:
    before = actor.states()
    asked = await say(dialogue, "turn on the bed light and open the garage door")
    assert isinstance(asked, Handled)
    assert (asked.text, asked.expects_reply) == ("Turned on the Bed Light. Shall I open the Garage Door?", True)
    assert changes(before, actor.states()) == {"light.bed": ON}
    await say(dialogue, "yes")
    assert changes(before, actor.states()).keys() == {"light.bed", "cover.garage"}


@pytest.mark.parametrize(
    "text",
    ["set a timer for 5 minutes", "cancel all timers", "how much time is left on my timer", "volume up", "set the volume to 50", "stop", "never mind"],
)  # fmt: skip
async def test_timers_volume_and_stop_are_the_conductors(dialogue: Dialogue, actor: DemoActor, text: str) -> None:
    before = actor.states()
    assert isinstance(await say(dialogue, text), DelegateToConductor)
    assert changes(before, actor.states()) == {}


@pytest.fixture
def dialogue_without_actor(home: Home, recognizer: IntentRecognizer) -> Dialogue:
    return Dialogue(recognizer, ActionExecutor(home, None, frozenset({"lock"})), Confirmations(["yes"], ["no"]))


@pytest.mark.parametrize(
    "text", ["unlock the front door", "turn on the light", "what time is it", "set a timer for 5 minutes"]
)
async def test_without_an_actor_everything_is_the_conductors(dialogue_without_actor: Dialogue, text: str) -> None:
    assert isinstance(await say(dialogue_without_actor, text), DelegateToConductor)


async def test_without_an_actor_and_a_room_nobody_is_told_to_light_the_whole_house(
    dialogue_without_actor: Dialogue,
) -> None:
    assert isinstance(await say(dialogue_without_actor, "turn on the light", area=None), NotHandled)
