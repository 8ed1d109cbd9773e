import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.llm import filler
from wyoming_rosie_intent.llm.filler import EARLY_SECONDS, LATE_SECONDS, FillerGenerator, FirstTokenLatency, is_command
from wyoming_rosie_intent.llm.model import ModelError, ModelEvent, Prompt, StreamEnd, TextDelta
from wyoming_rosie_intent.llm.prompts import prompt

PHRASES = [
    ("are the lights upstairs on", "Checking the lights…"),
    ("which lights did I leave on?", "Checking the lights…"),
    ("is the garage door still open", "Checking the garage door…"),
    ("what's the weather like tomorrow", "Checking the weather…"),
    ("will it rain this afternoon", "Checking the weather…"),
    ("how warm is it in the bedroom", "Checking the temperature…"),
    ("what is the temperature outside", "Checking the temperature…"),
    ("what is on my calendar", "Checking the calendar…"),
    ("do we need milk? look at the shopping list", "Checking the shopping list…"),
    ("did I lock the front door", "Checking the front door…"),
    ("what are the news", "Checking the news…"),
    ("is the washing machine done", "Checking the washing machine…"),
    ("how much power does the house use", "Checking the power…"),
    ("has somebody been at the door", "Checking the door…"),
    ("why is the sky blue", "Let me think…"),
    ("tell me a joke", "Let me think…"),
    ("who was the first president of France", "Let me think…"),
    ("explain photosynthesis", "Let me think…"),
    ("what is the meaning of life", "Let me think…"),
    ("", "Let me think…"),
]
GERMAN = [
    ("sind die Lichter oben an", "Ich prüfe die Lichter…"),
    ("wie wird das Wetter morgen", "Ich prüfe das Wetter…"),
    ("regnet es heute noch", "Ich prüfe das Wetter…"),
    ("ist die Garage noch offen", "Ich prüfe die Garage…"),
    ("wie warm ist es im Schlafzimmer", "Ich prüfe die Temperatur…"),
    ("steht die Milch auf der Einkaufsliste", "Ich prüfe die Einkaufsliste…"),
    ("warum ist der Himmel blau", "Einen Moment…"),
]
CONTROL = """
turn on the kitchen light
please turn off everything
could you turn on the light
can you please set the thermostat to 20
set a scene for dinner
make it warmer in here
I want you to open the curtains
would you close the blinds
dim the lights
lock up the house
play something nice
stop the music
pause
add milk to the list
switch it off
put on some jazz
hey, turn it up a bit
run the good night routine
start the vacuum
okay then, unlock the door
schalte das Licht ein
mach bitte das Licht an
kannst du das Licht ausschalten
stell die Heizung auf 20 Grad
öffne die Rollläden
schließ die Tür ab
spiel etwas Musik
dreh die Heizung auf
allume la lumière
éteins tout s'il te plaît
peux-tu fermer les volets
enciende la luz
por favor, apaga la luz
accendi la luce
puoi spegnere la luce
doe het licht aan
zet de verwarming op 20
""".strip().splitlines()
QUESTIONS = """
is the kitchen light on
which lights did you turn on
what happens when I turn on the light
why did you turn off the heating
how do I set the thermostat
is the garage door open
what's playing
who is at the door
tell me about the history of locks
what should I put on a pizza
did I close the window
ist das Licht an
warum ist die Tür offen
was läuft im Fernsehen
""".strip().splitlines()


@pytest.mark.parametrize(("text", "phrase"), PHRASES)
def test_a_phrase_names_what_is_asked_about(text: str, phrase: str) -> None:
    assert filler.find_phrase(text, "en") == phrase


@pytest.mark.parametrize(("text", "phrase"), GERMAN)
def test_a_phrase_in_german(text: str, phrase: str) -> None:
    assert filler.find_phrase(text, "de-DE") == phrase


OTHERS = [
    ("quel temps fait-il", "fr", "Je vérifie la météo…"),
    ("est-ce que la porte est ouverte", "fr", "Je vérifie la porte…"),
    ("qué tiempo hace", "es", "Compruebo el tiempo…"),
    ("che tempo fa", "it", "Controllo il meteo…"),
    ("hoe warm is het", "nl", "Ik controleer de temperatuur…"),
    ("wat is de zin van het leven", "nl", "Een ogenblik…"),
]


@pytest.mark.parametrize(("text", "language", "phrase"), OTHERS)
def test_a_phrase_in_other_languages(text: str, language: str, phrase: str) -> None:
    assert filler.find_phrase(text, language) == phrase
    assert len(phrase.split()) <= 4
    assert not is_command(text)


def test_an_unknown_language_has_no_phrase() -> None:
    assert filler.find_phrase("jaka jest pogoda", "pl") is None


@pytest.mark.parametrize("text", CONTROL)
def test_an_order_is_known(text: str) -> None:
    assert is_command(text)


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_is_no_order(text: str) -> None:
    assert not is_command(text)


@given(st.text(max_size=200))
def test_no_phrase_is_longer_than_four_words(text: str) -> None:
    said = filler.find_phrase(text, "en")
    assert said is not None
    assert 0 < len(said.split()) <= 4


def test_what_was_measured_tells_what_is_expected() -> None:
    measured = FirstTokenLatency()
    assert measured.get_filler_delay("local", warm=True) == EARLY_SECONDS
    measured.record("local", 0.2, warm=True)
    assert measured.get_filler_delay("local", warm=True) == LATE_SECONDS
    assert measured.get_filler_delay("local", warm=False) == EARLY_SECONDS
    for _ in range(5):
        measured.record("local", 2.0, warm=True)
    assert measured.get_filler_delay("local", warm=True) == EARLY_SECONDS


class SmallModel:
    """Answers with the given texts, after a while."""

    name = "small"

    def __init__(self, *texts: str, seconds: float = 0.0, error: ModelError | None = None) -> None:
        self._texts = texts
        self._seconds = seconds
        self._error = error
        self.closed = 0

    async def warm_up(self, prompt: Prompt) -> None:
        raise AssertionError

    async def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        try:
            await asyncio.sleep(self._seconds)
            if self._error:
                raise self._error
            for text in self._texts:
                yield TextDelta(text)
            yield StreamEnd()
        finally:
            self.closed += 1


def fillers(model: SmallModel | None) -> FillerGenerator:
    return FillerGenerator(prompt.load().render_filler, model)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (SmallModel("Looking up", " the train"), "Looking up the train…"),
        (SmallModel('"Checking the train."\n'), "Checking the train…"),
        (SmallModel("**Checking** the train 🚆"), "Checking the train…"),
        (SmallModel("I am looking at the train timetable for you"), "Checking the weather…"),
        (SmallModel("I turned it on"), "Checking the weather…"),
        (SmallModel("Checking the train", "\nUser: and now?"), "Checking the train…"),
        (SmallModel(""), "Checking the weather…"),
        (SmallModel("...!"), "Checking the weather…"),
        (SmallModel("Looking", seconds=3600.0), "Checking the weather…"),
        (SmallModel(error=ModelError("no")), "Checking the weather…"),
        (None, "Checking the weather…"),
    ],
)
async def test_a_small_model_says_at_most_four_words_or_the_phrase_is_used(model: SmallModel | None, said: str) -> None:
    made = await asyncio.to_thread(fillers, model)
    assert await made.generate("what is the weather", None) == said
    assert model is None or model.closed == 1
