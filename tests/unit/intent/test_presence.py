"""Reminders for an arrival or a departure: what is said, whose it is, and what is missing."""

from collections.abc import Iterator, Mapping

import pytest

from tests.unit.intent.outcomes import get_outcome
from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.actors.demo import state
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, DelegateToConductor, NotHandled
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.rules import hassil, number_grammar

ADA = Entity("person.ada", "Ada", "person", place="not_home")
BOB = Entity("person.bob", "Bob", "person", aliases=("daddy",), place="home")
LOST = Entity("person.eve", "Eve", "person", place="unknown")
PHONE = Entity("device_tracker.phone", "Phone", "device_tracker", place="home")
LAMP = Entity("light.lamp", "Lamp", "light")
NOBODY = "Sorry, I cannot notice who comes home: no person is known here who has a device that reports where they are."
ONLY_HUB = (
    "Sorry, only wyoming-rosie-hub keeps reminders for when somebody comes home or leaves. I can remind you at a time."
)


@pytest.mark.parametrize(
    ("language", "text", "event", "person", "reminder"),
    [
        ("en", "remind me to water the plants when I come home", "arrive", None, "water the plants"),
        ("en", "Remind me when I get home to call mum.", "arrive", None, "call mum"),
        ("en", "when I get back home, remind me to buy 3 eggs", "arrive", None, "buy 3 eggs"),
        ("en", "remind me to ask about the keys when Ada comes home", "arrive", "Ada", "ask about the keys"),
        ("en", "remind me to take the bins out when I leave", "leave", None, "take the bins out"),
        ("en", "remind me to lock up as soon as Ada Lovelace leaves the house", "leave", "Ada Lovelace", "lock up"),
        ("de", "erinnere mich an die Wäsche, wenn ich nach Hause komme", "arrive", None, "die Wäsche"),
        ("de", "wenn Ada heimkommt erinnere mich an den Schlüssel", "arrive", "Ada", "den Schlüssel"),
        ("de", "erinnere mich an den Müll wenn ich gehe", "leave", None, "den Müll"),
        ("fr", "rappelle-moi d'arroser les plantes quand je rentre", "arrive", None, "arroser les plantes"),
        ("fr", "rappelle-moi de sortir quand Ada rentre à la maison", "arrive", "Ada", "sortir"),
        ("es", "recuérdame regar las plantas cuando Ada llegue a casa", "arrive", "Ada", "regar las plantas"),
        ("es", "recuérdame coger las llaves cuando salga de casa", "leave", None, "coger las llaves"),
        ("it", "ricordami di annaffiare le piante quando torno a casa", "arrive", None, "annaffiare le piante"),
        ("nl", "herinner me aan de was zodra Ada thuiskomt", "arrive", "Ada", "de was"),
    ],
)
def test_an_event_is_understood(language: str, text: str, event: str, person: str | None, reminder: str) -> None:
    match = number_grammar.recognize(text, language)
    assert match is not None
    assert (match.intent, match.slots["event"], match.slots["reminder"]) == ("HassStartTimer", event, reminder)
    assert match.slots.get("person") == person


@pytest.mark.parametrize(
    "text",
    [
        "when I come home the light is on",
        "don't remind me to call mum when I come home",
        "she said remind me to call mum when I come home",
        "turn on the lamp when I come home",
        "you could remind me to call mum when I come home",
    ],
)
def test_what_is_no_such_reminder_is_none(text: str) -> None:
    assert number_grammar.recognize(text, "en") is None


class House:
    """A dialogue in a house with some people."""

    def __init__(self, *people: Entity) -> None:
        home = Home(entities=(LAMP, *people))
        executor = ActionExecutor(home, DemoActor(home))
        self.dialogue = Dialogue(
            hassil.load(hassil.Settings(("en",)), home), executor, Confirmations(("yes",), ("no",))
        )

    async def say(self, text: str, *, conductor: bool = True, speaker: str | None = None) -> str | Mapping[str, object]:
        """Return the slots that the conductor gets, or the answer."""
        said = ConversationInput(text, "one", "en", "kitchen", speaker=speaker, reminds_of_arrivals=conductor)
        outcome = await get_outcome(self.dialogue, said, 0.0)
        if isinstance(outcome, DelegateToConductor):
            [match] = outcome.matches
            return dict(match.slots)
        assert isinstance(outcome, NotHandled)
        return outcome.text


@pytest.fixture
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A house with the people of the parameter."""
    made = House(*request.param)
    yield made
    made.dialogue.close()


EAT = {"alarm": "reminder", "name": "eat"}
ADAS = {**EAT, "event": "arrive", "person": "person.ada", "at_home": 0}
BOBS = {**EAT, "event": "arrive", "person": "person.bob", "at_home": 1}


@pytest.mark.parametrize(
    ("house", "text", "speaker", "expected"),
    [
        ((ADA,), "remind me to eat when I come home", None, ADAS),
        ((ADA, BOB), "remind me to eat when I come home", "Bob", BOBS),
        ((ADA, BOB), "remind me to eat when Ada comes home", None, {**ADAS, "person_name": "Ada"}),
        ((ADA, BOB), "remind me to eat when daddy comes home", "Ada", {**BOBS, "person_name": "Bob"}),
        ((PHONE,), "remind me to eat when I leave", None, {**EAT, "event": "leave", "person": "device_tracker.phone", "at_home": 1}),
        ((ADA, PHONE), "remind me to eat when I come home", None, ADAS),
        ((), "remind me to eat when I come home", None, NOBODY),
        ((), "remind me to eat when Ada comes home", None, NOBODY),
        ((ADA, BOB), "remind me to eat when I come home", None, "I do not know who you are. Please say a name, such as: when Ada comes home."),
        ((ADA, BOB), "remind me to eat when Zoe comes home", None, "Sorry, I know no person named Zoe here. I know Ada and Bob."),
        ((LOST,), "remind me to eat when I come home", None, "Sorry, I do not know where Eve is: no device reports it."),
    ],
    indirect=["house"],
)  # fmt: skip
async def test_the_person_is_found_or_what_is_missing_is_said(
    house: House, text: str, speaker: str | None, expected: object
) -> None:
    assert await house.say(text, speaker=speaker) == expected


@pytest.mark.parametrize("house", [(ADA,)], indirect=True)
async def test_a_conductor_that_cannot_is_not_asked_to(house: House) -> None:
    assert await house.say("remind me to eat when I come home", conductor=False) == ONLY_HUB


def test_a_person_of_the_demo_home_is_where_the_changed_home_file_says() -> None:
    states = state.create_initial_state(Home(entities=(LAMP, ADA)))
    changed = Home(entities=(LAMP, Entity("person.ada", "Ada", "person", place="home")))
    assert states["person.ada"].state == "not_home"
    assert state.add_new_entities(states, changed)["person.ada"].state == "home"
