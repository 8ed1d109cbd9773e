"""Which facts replace which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.memory.stop_words import get_stop_words
from wyoming_rosie_intent.memory.topics import find_topic

CONTRADICTORY = [
    ("en", "my bin day is Tuesday", "my bin day is Friday"),
    ("en", "My bin day is on Tuesday.", "that my bin day is Friday"),
    ("en", "the wifi password is sunflower", "the wifi password is marzipan"),
    ("en", "the spare key is under the pot", "the spare key is behind the door"),
    ("en", "our rent is 800 euros", "our rent is 900 euros"),
    ("en", "the dentist appointment is at 3 pm", "the dentist appointment is at 10:30"),
    ("de", "mein Mülltag ist Dienstag", "mein Mülltag ist Freitag"),
    ("de", "das WLAN-Passwort ist Sonnenblume", "das WLAN-Passwort ist Marzipan"),
    ("fr", "mon jour de poubelle est mardi", "mon jour de poubelle est le jeudi"),
    ("es", "mi color favorito es azul", "mi color favorito es rojo"),
    ("it", "la password del wifi è girasole", "la password del wifi è marzapane"),
    ("nl", "mijn vuilnisdag is dinsdag", "mijn vuilnisdag is vrijdag"),
]
TRUE_TOGETHER = [
    ("en", "my sister is Ada", "my sister is ill"),
    ("en", "my sister is a doctor", "my sister is a mother"),
    ("en", "my bin day is Tuesday", "my birthday is Tuesday"),
    ("en", "I am allergic to nuts", "I am allergic to eggs"),
    ("en", "the meeting is on Tuesday", "the meeting is in the office"),
    ("de", "meine Schwester heißt Ada", "meine Schwester ist krank"),
    ("fr", "mon frère est médecin", "mon frère est à Paris"),
    ("xx", "my bin day is Tuesday", "my bin day is Friday"),
]


@pytest.mark.parametrize(("language", "old", "new"), CONTRADICTORY)
def test_a_new_value_of_the_same_thing_replaces_the_old_one(language: str, old: str, new: str) -> None:
    assert find_topic(old, language) is not None
    assert find_topic(old, language) == find_topic(new, language)


@pytest.mark.parametrize(("language", "old", "new"), TRUE_TOGETHER)
def test_what_may_be_true_together_stays(language: str, old: str, new: str) -> None:
    assert find_topic(old, language) is None or find_topic(old, language) != find_topic(new, language)


@pytest.mark.parametrize("tag", ["en-GB", "en_US", "EN"])
def test_a_language_may_be_written_as_any_tag(tag: str) -> None:
    assert find_topic("my bin day is Tuesday", tag) == find_topic("my bin day is Tuesday", "en")
    assert get_stop_words(tag) == get_stop_words("en")


@given(st.text(max_size=300), st.sampled_from(["en", "de", "fr", "es", "it", "nl", "", "en-GB"]))
def test_any_text_has_a_topic_or_none(text: str, language: str) -> None:
    assert find_topic(text, language) != ""
