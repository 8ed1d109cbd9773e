"""Responses: every phrase of every language, and overrides by users."""

import tomllib
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import AreaScope, Command, Match, SlotValue
from wyoming_rosie_intent.entity_states import ClimateState, EntityState, LightState, MediaPlayerState, TodoListState
from wyoming_rosie_intent.responses import queries, responses
from wyoming_rosie_intent.responses.catalog import ResponseCatalog

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
LAMP = Entity("light.lamp", "Lamp", "light", "office")
GLOBE = Entity("light.globe", "Globe", "light", "office")
LOCK = Entity("lock.front", "Haustür", "lock")
NOW = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)


def table(language: str) -> dict[str, dict[str, object]]:
    return tomllib.loads(
        (resources.files("wyoming_rosie_intent.responses") / "phrases" / f"{language}.toml").read_text("utf-8")
    )


def test_german_has_every_phrase_that_english_has() -> None:
    for name, phrases in table("en").items():
        if name != "states":
            assert phrases.keys() <= table("de")[name].keys(), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_has_a_phrase_that_nobody_says(language: str) -> None:
    known = table("de")
    for name, phrases in table(language).items():
        assert phrases.keys() <= known[name].keys() | table("en")[name].keys(), name


@pytest.mark.parametrize("language", [*LANGUAGES, "pl", "ja", "de-CH"])
@pytest.mark.parametrize("intent", sorted(table("en")["done"]))
def test_what_was_done_is_said_with_the_names_of_things(language: str, intent: str) -> None:
    domain = intent.partition(" ")[2] or "light"
    slots: dict[str, SlotValue] = {"brightness": 5, "position": 5, "percentage": 5, "temperature": 5, "item": "milk", "area": "Office", "volume_level": 5,
             "search_query": "jazz", "fan_mode": "low"}  # fmt: skip
    entity = Entity("x.1", "Xylo", domain)
    match = Match(intent.partition(" ")[0], slots, language=language)
    said = responses.render_done(Command(match, (entity,)), (entity,))
    assert len(said) > 3
    assert said.casefold() not in {"done", "done."}
    if language in LANGUAGES:
        assert "Xylo" in said
        assert "{" not in said


@pytest.mark.parametrize(
    ("language", "one", "some", "asked"),
    [
        ("en", "Turned on the Lamp.", "Turned on the lights in the Office.", "Shall I unlock the Haustür and turn off the Lamp?"),
        ("de", "Lamp eingeschaltet.", "Lichter im Bereich Office eingeschaltet.", "Soll ich Haustür aufschließen und Lamp ausschalten?"),
        ("nl", "Lamp aangezet.", "Lampen in Office aangezet.", "Zal ik Haustür van het slot halen en Lamp uitzetten?"),
    ],
)  # fmt: skip
def test_one_thing_and_several_are_said_otherwise(language: str, one: str, some: str, asked: str) -> None:
    match = Match("HassTurnOn", {"area": "Office"}, area_scope=AreaScope.NAMED, language=language)
    assert responses.render_done(Command(match), (LAMP,)) == one
    assert responses.render_done(Command(match), (LAMP, GLOBE)) == some
    off = Match("HassTurnOff", language=language)
    assert responses.render_question([Command(off, (LOCK,)), Command(off, (LAMP,))]) == asked


@pytest.mark.parametrize(
    ("match", "answer"),
    [
        (Match("HassGetState", {"state": "on"}, question="one_yesno", language="de"), "Nein, Lamp ist aus."),
        (Match("HassGetState", {"state": "off"}, question="which", language="de"), "Lamp und Kugellichter sind aus."),
        (Match("HassGetState", {}, language="de"), "Lamp ist aus. Kugellichter sind aus."),
        (Match("HassGetState", {"state": "on"}, question="which", language="de"), "Keine Lichter sind an."),
        (Match("HassGetCurrentTime", language="de"), "Es ist 15 Uhr 5."),
        (Match("HassGetCurrentDate", language="de"), "Heute ist Samstag, der 21. November."),
        (Match("HassGetCurrentDate", language="fr"), "Nous sommes samedi 21 novembre."),
        (Match("HassRespond", language="de"), "Hallo!"),
    ],
)  # fmt: skip
def test_questions_are_answered_in_their_language(match: Match, answer: str) -> None:
    lights = (LAMP, Entity("light.globe", "Kugellichter", "light"))
    states = {light.id: LightState() for light in lights}
    targets = lights if "question" not in match.question and match.question != "one_yesno" else lights[:1]
    result = queries.answer_query(states, Command(match, targets), NOW)
    assert result is not None
    assert result.text == answer


def test_things_are_described_in_their_language() -> None:
    things: dict[str, EntityState] = {
        "a": ClimateState(temperature=20.5),
        "b": TodoListState(("Milch", "Salz")),
        "c": LightState(on=True, color="red"),
        "d": MediaPlayerState(),
    }
    names = {"a": "Heizung", "b": "Einkauf", "c": "Lampe", "d": "Radio"}
    entities = tuple(Entity(key, name, "light") for key, name in names.items())
    told = queries.answer_query(things, Command(Match("HassGetState", language="de"), entities), NOW)
    assert told is not None
    assert told.text == (
        "Es hat 20,5 Grad, und Heizung ist auf 20 gestellt. Auf der Liste Einkauf: Milch und Salz. "
        "Lampe ist an, rot, mit 100 Prozent. Radio ist angehalten."
    )


def test_names_are_no_templates() -> None:
    lamp = Entity("light.x", "{{ 7 * 7 }} {% for x in y %}", "light")
    assert "{{ 7 * 7 }}" in responses.render_done(Command(Match("HassTurnOn")), (lamp,))


@given(st.text(max_size=30))
def test_any_name_can_be_said(name: str) -> None:
    lamp = Entity("light.x", name, "light")
    for language in ("en", "de", "pl"):
        assert responses.render_done(Command(Match("HassTurnOff", language=language)), (lamp,))
        assert responses.get_verb(name, language)


def test_phrases_of_ones_own_win_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[done]\nHassTurnOn = "As you wish: {{ things }}."\n', "utf-8")
    book = ResponseCatalog(tmp_path)
    assert book.render("done.HassTurnOn", "en", things="the Lamp") == "As you wish: the Lamp."
    assert book.render("said.cannot", "en") == "Sorry, I cannot do that."
    assert book.render("said.cannot", "de") == "Das kann ich leider nicht."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[done]\nHassTurnOn = "{{ things"\n', r"\[done\] 'HassTurnOn' is not a template"),
        ("done = 1\n", r"'done' must be a table"),
        ("[done\n", "not valid TOML"),
    ],
)
def test_phrases_that_cannot_be_said_are_refused_at_start(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "en.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=reason):
        ResponseCatalog(tmp_path)


def test_a_folder_without_phrases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are no phrases in"):
        ResponseCatalog(tmp_path)
