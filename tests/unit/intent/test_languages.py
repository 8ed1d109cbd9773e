"""German dialogues with the demo actor in a small home."""

from collections.abc import Iterator

import pytest

from tests.unit.intent.outcomes import get_outcome
from tests.unit.intent.sentence_tables import table
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, Handled, NotHandled
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.rules import hassil, templates


@pytest.fixture(scope="module")
def dialogue() -> Iterator[Dialogue]:
    home = table.load_home("de")
    recognizer = hassil.load(hassil.Settings(("de",)), home)
    executor = ActionExecutor(home, DemoActor(home), frozenset({"lock", "cover"}))
    made = Dialogue(recognizer, executor, Confirmations(*templates.load_replies(["de"])))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("mach das Küchenlicht an", "Küchenlicht eingeschaltet."),
        ("schalte alle Lichter aus", "Alle Lichter ausgeschaltet."),
        ("stelle die Nachttischlampe auf 30 Prozent", "Nachttischlampe auf 30 Prozent gestellt."),
        ("mach das Küchenlicht rot", "Küchenlicht auf rot gestellt."),
        ("stelle die Heizung auf 21 Grad", "Heizung auf 21 Grad gestellt."),
        ("ist die Haustür abgeschlossen", "Ja, Haustür ist abgeschlossen."),
        ("wie ist das Wetter", "Es ist sonnig bei 18 Grad."),
        ("wie spät ist es", "Es ist 15 Uhr 5."),
        ("setze Milch auf die Einkaufsliste", "Milch steht auf der Liste Einkaufsliste."),
    ],
)  # fmt: skip
async def test_an_answer_is_in_the_language_of_the_question(dialogue: Dialogue, said: str, answer: str) -> None:
    outcome = await get_outcome(dialogue, ConversationInput(said, said, "de", "kitchen"))
    assert isinstance(outcome, Handled)
    assert outcome.text == answer


async def test_what_needs_a_yes_is_asked_and_confirmed_in_german(dialogue: Dialogue) -> None:
    asked = await get_outcome(dialogue, ConversationInput("öffne das Garagentor", "one", "de", "kitchen"))
    assert isinstance(asked, Handled)
    assert (asked.text, asked.expects_reply) == ("Soll ich Garagentor öffnen?", True)
    done = await get_outcome(dialogue, ConversationInput("Ja, bitte!", "one", "de", "kitchen"), 1.0)
    assert isinstance(done, Handled)
    assert done.text == "Garagentor geöffnet."


async def test_what_is_not_there_is_said_in_german(dialogue: Dialogue) -> None:
    outcome = await get_outcome(dialogue, ConversationInput("mach die Schreibtischlampe rot", "two", "de", "kitchen"))
    assert isinstance(outcome, NotHandled)
    assert outcome.text == "Ich kann Schreibtischlampe leider nicht auf rot stellen."
