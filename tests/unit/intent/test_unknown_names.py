"""A command about a thing that the home does not have: the answer names it, and what is like it."""

import pytest

from tests.unit.intent.sentence_tables import table
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import unknown_names

UNKNOWN = [
    ("en", "turn on the kitchen candle please", "Sorry, I know no kitchen candle here. I know the ", "Kitchen"),
    ("de", "schalte bitte die Nachtlampe ein", "Nachtlampe kenne ich hier leider nicht. Ich kenne ", "Nachttischlampe"),
    ("fr", "allume la lampe de bureau s'il te plaît", "Désolée, je ne connais pas lampe de bureau ici. Je connais ", "Lampe de chevet"),
    ("es", "enciende la lámpara de mesa por favor", "Lo siento, aquí no conozco lámpara de mesa. Conozco ", "Lámpara de noche"),
    ("it", "accendi la lampada da tavolo grazie", "Mi dispiace, qui non conosco lampada da tavolo. Conosco ", "Lampada da comodino"),
    ("nl", "zet het nachtlicht aan alsjeblieft", "Sorry, ik ken hier geen nachtlicht. Ik ken ", "Nachtlampje"),
]  # fmt: skip
OTHERS = [
    ("en", "turn on the account that you don't have"),
    ("fr", "n'allume pas la lampe de bureau"),
    ("fr", "éteins tout"),
    ("es", "apaga eso"),
    ("it", "spegni tutto"),
    ("nl", "zet dat niet aan"),
]


@pytest.mark.parametrize(("language", "text", "beginning", "near"), UNKNOWN)
def test_an_unknown_name_is_answered_with_those_like_it(language: str, text: str, beginning: str, near: str) -> None:
    responses.prepare(language)
    answer = unknown_names.render_unknown(text, language, table.load_home(language))
    assert answer.startswith(beginning)
    assert near in answer.removeprefix(beginning)


@pytest.mark.parametrize(("language", "text"), OTHERS)
def test_other_sentences_name_nothing_unknown(language: str, text: str) -> None:
    assert unknown_names.find_unknown_name(text, language) is None
