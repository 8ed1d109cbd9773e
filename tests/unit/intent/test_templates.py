"""Templates of many languages, filtered by the words of a sentence."""

import gc
import weakref
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.intent.sentence_tables import table
from tests.unit.intent.sentence_tables.table import load_sentences
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Area, Entity, Floor, Home, Zone
from wyoming_rosie_intent.execution.policy import is_conductor_intent
from wyoming_rosie_intent.rules import hassil, slot_lists, templates
from wyoming_rosie_intent.rules.templates import Templates

SHIPPED = ("en", "de", "fr", "es", "it", "nl")


@pytest.fixture(scope="module", params=["en", "de"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def known(language: str) -> Templates:
    return templates.load(language, bare_names=False)


def best(text: str, intents: Any, lists: Any) -> tuple[str, Mapping[str, Any]] | None:
    from hassil import recognize_best

    found = recognize_best(
        text,
        intents,
        slot_lists=lists,
        intent_context={"area": "Kitchen"},
        best_metadata_key="first",
        best_slot_name="name",
    )
    return (found.intent.name, {name: entity.value for name, entity in found.entities.items()}) if found else None


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_choosing_templates_by_words_changes_no_result(language: str, known: Templates, step: int) -> None:
    home = replace(table.load_home(language), zones=(Zone("Work", ("the mill",)),))
    of_home = slot_lists.create_slot_lists(home, language, known.zones)
    for text in (
        *(said.text for said in load_sentences(language)[::step]),
        "is anyone at Work",
        "who is at the mill",
        "wer ist in Work",
    ):
        chosen = best(text, known.filter(text, of_home.words), of_home.lists)
        assert chosen == best(text, known.intents, of_home.lists), text


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", {"light", "lights", "lamps", "curtains", "percent", "twenty"}), ("de", {"licht", "lichter", "jalousien", "einschalten"})],
)  # fmt: skip
def test_whole_words_are_known_though_templates_have_them_in_pieces(language: str, words: set[str]) -> None:
    vocabulary = set(templates.load(language, bare_names=False).vocabulary.words)
    assert words <= vocabulary
    assert not {"s", "e", "light[s]", ""} & vocabulary


@pytest.mark.parametrize(
    ("tag", "language"),
    [(None, "en"), ("en-US", "en"), ("EN", "en"), ("de_AT", "de"), ("de-CH", "de-CH"), ("zh", "zh-CN"), ("pt-PT", "pt"), ("xx", None), ("", "en")],
)  # fmt: skip
def test_a_tag_means_the_nearest_language(tag: str | None, language: str | None) -> None:
    assert templates.match_language(tag, templates.supported_languages()) == language


def test_an_unknown_language_in_the_settings_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no sentences for the language 'xx'; there are: af, ar, "):
        hassil.load(hassil.Settings(("xx",)), Home())
    assert gc.isenabled()


TURN_ON = {
    "de": "schalte die Kugel ein", "fr": "allume la Kugel", "es": "enciende la Kugel", "it": "accendi la Kugel", "nl": "zet de Kugel aan",
    "pl": "włącz Kugel", "sv": "tänd Kugel", "da": "tænd Kugel", "nb": "skru på Kugel", "gl": "acende a Kugel",
}  # fmt: skip


@pytest.mark.parametrize("language", TURN_ON)
def test_a_thing_is_turned_on_in_any_language(language: str) -> None:
    home = Home((), (Entity("light.1", "Kugel", "light"),))
    match = hassil.load(hassil.Settings((language,)), home).recognize(TURN_ON[language], language)
    assert match is not None
    assert (match.intent, match.slots["name"], match.language) == ("HassTurnOn", "Kugel", language)


CONDUCTORS = {
    "en": ["stop", "never mind", "set a timer for 5 minutes", "cancel the timer", "set the volume to 50 percent"],
    "de": [
        "stopp",
        "vergiss es",
        "stelle einen Timer auf 5 Minuten",
        "Timer abbrechen",
        "stelle die Lautstärke auf 50 Prozent",
    ],
    "fr": ["stop", "laisse tomber", "mets un minuteur de 5 minutes", "annule le minuteur", "règle le volume à 50 %"],
    "es": ["para", "olvídalo", "pon un temporizador de 5 minutos", "cancela el temporizador", "pon el volumen al 50%"],
    "it": ["basta", "lascia stare", "imposta un timer di 5 minuti", "annulla il timer", "imposta il volume al 50%"],
    "nl": ["stop", "laat maar", "zet een timer van 5 minuten", "annuleer de timer", "zet het volume op 50 procent"],
}


@pytest.mark.parametrize("language", SHIPPED)
def test_timers_volume_and_stop_are_the_conductors_in_every_language(language: str) -> None:
    recognizer = hassil.load(hassil.Settings((language,)), Home((Area("kitchen", "Kitchen"),)))
    for text in CONDUCTORS[language]:
        match = recognizer.recognize(text, language, "kitchen")
        assert match is not None, text
        assert is_conductor_intent(match), match


def test_yes_and_no_are_known_in_every_language_that_has_phrases() -> None:
    yes, no = templates.load_replies(SHIPPED)
    assert {"yes", "ja", "oui", "sí", "sì"} <= yes
    assert {"no", "nein", "non", "nee"} <= no
    assert not yes & no


def test_lights_of_a_floor_are_meant_by_its_name() -> None:
    home = Home(
        (Area("office", "Office", floor="up"),),
        (Entity("light.1", "Globe", "light", "office"),),
        (Floor("up", "First Floor", ("upstairs",)),),
    )
    match = hassil.load(hassil.Settings(), home).recognize("turn off the lights upstairs")
    assert match is not None
    assert match.slots == {"domain": "light", "floor": "First Floor"}


def test_languages_of_the_settings_are_kept_and_others_freed() -> None:
    recognizer = hassil.load(hassil.Settings(("en",)), Home())
    rules = recognizer._rules["en"]
    recognizer.recognize("1", "sw")
    first = weakref.ref(recognizer._rules["sw"].templates)
    for language in ("mn", "id", "ka", "te", "et", "fa", "kn", "ms", "ta"):
        recognizer.recognize("1", language)
    gc.collect()
    assert recognizer._rules["en"] is rules
    assert len(recognizer._rules) == hassil.MAX_CACHED_LANGUAGES + 1
    assert first() is None


def test_recognizers_share_the_templates_in_use_and_know_their_own_home() -> None:
    homes = (Home((), (Entity("light.1", name, "light"),)) for name in ("Globe", "Moon"))
    globe, moon = (hassil.load(hassil.Settings(), home) for home in homes)
    assert globe._rules["en"].templates is moon._rules["en"].templates
    assert globe._rules["en"].templates is not templates.load("en", bare_names=True)
    assert globe.recognize("turn on the globe") is not None
    assert moon.recognize("turn on the globe") is None


def test_a_home_that_changed_is_spoken_about_from_then_on() -> None:
    recognizer = hassil.load(hassil.Settings(), Home())
    assert recognizer.recognize("turn on the globe") is None
    recognizer.set_home(Home((), (Entity("light.1", "Globe", "light"),)))
    assert recognizer.recognize("turn on the globe") is not None


@pytest.fixture(scope="module")
def speaker() -> hassil.HassilRecognizer:
    return hassil.load(hassil.Settings(), Home())


HOSTILE = st.text(max_size=40) | st.sampled_from(
    ["{name}", "[a|b", "<area>", "(x", "\\", "a" * 5000, "\x00\n", "ignore all that was said", "''"]
)


@settings(max_examples=30, deadline=None)
@given(st.lists(HOSTILE.filter(str.strip), min_size=1, max_size=5))
def test_names_with_any_characters_do_no_harm(speaker: hassil.HassilRecognizer, given_names: list[str]) -> None:
    entities = tuple(Entity(f"light.{number}", name, "light") for number, name in enumerate(given_names))
    speaker.set_home(Home((), entities))
    assert speaker.recognize("what time is it") is not None
    for name in given_names:
        speaker.recognize(f"turn on the {name}"[:200])


def test_a_sentence_of_a_million_characters_is_none_at_once() -> None:
    recognizer = hassil.HassilRecognizer(Home())
    assert recognizer.recognize("turn on the light " * 60_000) is None
