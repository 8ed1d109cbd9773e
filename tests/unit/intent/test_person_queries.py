"""Queries for persons at home and in other zones, in all languages of home-assistant-intents that have them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.unit.intent.family import family
from wyoming_rosie.home.model import Home, Zone
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.entity_states import PlainState
from wyoming_rosie_intent.responses import queries
from wyoming_rosie_intent.rules.hassil import HassilRecognizer

ASKED = {
    "en": "who is home",
    "de": "wer ist zu Hause",
    "fr": "qui est à la maison",
    "es": "quién está en casa",
    "it": "chi c'è a casa",
    "nl": "wie is er thuis",
    "ca": "qui hi ha a casa",
    "cs": "kdo je doma",
    "da": "hvem er hjemme",
    "de-CH": "wär isch dihei",
    "el": "ποιος είναι σπίτι",
    "fi": "kuka on kotona",
    "gl": "quen está en casa",
    "hy": "ով է տանը",
    "ml": "വീട് എന്ന സ്ഥലത്തുള്ള ആളുകൾ ആരൊക്കെയാണ്",
    "ms": "siapa di rumah",
    "nb": "hvem er hjemme",
    "ne": "को घरमा छ",
    "pt": "quem está em casa",
    "pt-BR": "quem está em casa",
    "ro": "cine este acasă",
    "sk": "kto je doma",
    "sl": "kdo je doma",
    "sr": "ко је код куће",  # noqa: RUF001 - Serbian
    "sr-Latn": "ko je kod kuće",
    "sv": "vem är i hem",
    "vi": "ai đang ở nhà",
    "zh-CN": "谁在家",
}


@pytest.mark.parametrize(("language", "text"), ASKED.items())
def test_who_is_home_is_understood(language: str, text: str) -> None:
    match = HassilRecognizer(family(), (language,)).recognize(text, language, "kitchen")
    assert match is not None
    assert (match.intent, match.slots["domain"], match.slots["state"]) == ("HassGetState", "person", "home")


IN_A_ZONE = {
    "en": "is Anna at the mill",
    "de": "ist Anna in the mill",
    "fr": "Anna est-elle dans the mill",
    "es": "está Anna en the mill",
    "it": "c'è Anna a the mill",
    "nl": "is Anna op the mill",
    "pl": "czy Anna jest w the mill",
    "sv": "är Anna på the mill",
    "cs": "je Anna v the mill",
    "da": "er Anna på the mill",
}


@pytest.fixture
def home() -> Home:
    return replace(family(), zones=(Zone("Work", ("the mill",)),))


@pytest.mark.parametrize(("language", "text"), IN_A_ZONE.items())
def test_a_zone_of_the_home_is_known_by_its_alias(home: Home, language: str, text: str) -> None:
    match = HassilRecognizer(home, (language,)).recognize(text, language, "kitchen")
    assert match is not None
    assert (match.intent, match.slots["name"], match.slots["state"]) == ("HassGetState", "Anna", "Work")


@pytest.mark.parametrize("text", ["who is at the mill", "how many people are at Work", "is everyone at Work"])
def test_all_persons_may_be_asked_about_in_a_zone(home: Home, text: str) -> None:
    match = HassilRecognizer(home, ("en",)).recognize(text, "en", "kitchen")
    assert match is not None
    assert (match.slots["domain"], match.slots["state"]) == ("person", "Work")


@pytest.mark.parametrize(
    ("language", "text"), [("en", "who is at the moon"), ("en", "who is Einstein"), ("pl", "czy Anna jest w lesie")]
)
def test_a_place_that_is_no_zone_is_not_taken_for_one(home: Home, language: str, text: str) -> None:
    assert HassilRecognizer(home, (language,)).recognize(text, language, "kitchen") is None


@pytest.mark.parametrize(
    ("language", "answer"), [("en", "Yes, Anna is at Work."), ("de", "Ja, Anna ist in der Zone Work.")]
)
def test_the_answer_names_the_zone(home: Home, language: str, answer: str) -> None:
    anna = home.get_entity("Anna")
    assert anna is not None
    match = Match(
        "HassGetState", {"name": "Anna", "state": "Work"}, domain="person", question="one_yesno", language=language
    )
    found = queries.answer_query(
        {anna.id: PlainState("Work")}, Command(match, (anna,)), datetime(2026, 11, 29, tzinfo=UTC)
    )
    assert found is not None
    assert found.text == answer
