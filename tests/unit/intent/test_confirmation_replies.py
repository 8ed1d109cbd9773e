"""Replies to confirmations: yes, no and unclear ones."""

import pytest

from tests.unit.intent.family import room
from wyoming_rosie_intent.execution.confirmation import MAX_REPEATS, ConfirmationReply, Confirmations
from wyoming_rosie_intent.rules import templates

LANGUAGES = templates.custom_languages()
QUESTION = "Shall I open the Garage Door?"
YES = ["yes", "yeah go on then", "sure why not", "please do", "yes, please do it now", "um yes", "well okay then", "yes open it", "Yes, please open the garage door.",
       "go on", "ja mach ruhig", "na klar", "ja klar mach", "ja, gerne", "oui, vas-y", "sí, claro", "certo, va bene", "ja, doe maar"]  # fmt: skip
NO = ["no", "nah leave it", "no thank you very much", "no don't open it", "please don't", "of course not", "not now thanks", "halt", "stopp", "nee lass mal",
      "bitte nicht", "non merci", "no gracias", "meglio di no", "nee hoor"]  # fmt: skip
UNCLEAR = [
    "yes but not now",
    "yes no",
    "ja halt",
    "yes the other one",
    "sure if nobody is there",
    "i would say yes",
    "what",
    "the garage door",
    "bananas",
    "",
]
OTHER = ["turn on the light", "open the garage door", "bananas are great fruit", "tell me a joke"]


def reply(text: str) -> ConfirmationReply:
    waiting = Confirmations[int](*templates.load_replies(LANGUAGES), templates.load_polite_phrases(LANGUAGES))
    waiting.ask("a", 1, 0.0, QUESTION)
    return waiting.parse_reply("a", text, 1.0)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, ConfirmationReply.YES) for text in YES),
        *((text, ConfirmationReply.NO) for text in NO),
        *((text, ConfirmationReply.UNCLEAR) for text in UNCLEAR),
        *((text, ConfirmationReply.OTHER) for text in OTHER),
    ],
)
def test_what_people_say_to_a_question(text: str, expected: ConfirmationReply) -> None:
    assert reply(text) is expected


def test_a_long_text_is_read_soon() -> None:
    assert reply(" ".join(["yes please now"] * 300)) is ConfirmationReply.UNCLEAR


@pytest.mark.parametrize("text", ["yes but not now", "hmm what", "that door"])
async def test_what_is_neither_yes_nor_no_is_asked_again(text: str) -> None:
    kitchen = await room()
    asked = await kitchen.say("open the garage door")
    again = await kitchen.say(text)
    assert (again.text, again.asks, again.changes) == (asked.text, True, {})
    assert (await kitchen.say("yeah go on then")).changes == {"cover.garage": {"state": "open", "position": 100}}


async def test_a_question_is_not_asked_for_ever() -> None:
    kitchen = await room()
    await kitchen.say("open the garage door")
    for _ in range(MAX_REPEATS):
        assert (await kitchen.say("bananas are")).asks
    assert not (await kitchen.say("bananas are")).asks
    assert not (await kitchen.say("yes")).changes


async def test_a_command_takes_the_place_of_a_question() -> None:
    kitchen = await room()
    await kitchen.say("open the garage door")
    assert (await kitchen.say("turn on the coffee machine")).changes
    assert not (await kitchen.say("yes")).changes
