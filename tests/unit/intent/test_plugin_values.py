"""Dates, times, durations and numbers in the sentences of plugins."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.plugins.plugin import Values
from wyoming_rosie_intent.plugins.sentences import PluginSentences, load_sentences
from wyoming_rosie_intent.plugins.values import SpokenTime, resolve_times
from wyoming_rosie_intent.rules import number_grammar

NOW = datetime(2026, 11, 30, 15, 5, tzinfo=ZoneInfo("Europe/Berlin"))
SENTENCES = {
    "Add": {
        "en": ["(add|put) {title} <when>", "add {title} <date> from <time> for <duration>", "add {title} <date>", "put <number> {title} in the diary"],
        "de": ["trag {title} <when> ein", "trag {title} <date> ein"],
        "fr": ["ajoute {title} <when>", "ajoute {title} <date>", "ai-je {title} <date>"],
        "es": ["añade {title} <when>"],
        "it": ["aggiungi {title} <when>"],
        "nl": ["zet {title} <when> in de agenda"],
    },
    "Move": {"en": ["move {title} from <from_date> to <to_date> [at <to_time>]"]},
    "Count": {"en": ["count to {limit}"]},
    "First": {"en": ["play channel {channel}"]},
}  # fmt: skip
LISTS: dict[str, Values] = {"limit": range(1, 11), "channel": {"one": "bbc1", "two": "bbc2"}}


@pytest.fixture(scope="module")
def sentences() -> PluginSentences:
    return load_sentences(SENTENCES, LISTS)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Add dentist tomorrow at 3 pm.", {"title": "dentist", "date": date(2026, 12, 1), "time": time(15)}),
        ("en", "could you please add chess club on friday", {"title": "chess club", "date": date(2026, 12, 4)}),
        ("en", "add chess tomorrow from noon for an hour and a half", {"title": "chess", "date": date(2026, 12, 1), "time": time(12), "duration": timedelta(minutes=90)}),
        ("en", "add gym every monday at half past seven in the evening", {"title": "gym", "time": time(19, 30), "days": (0,)}),
        ("en", "move 2 tests from friday to christmas at 16:00", {"title": "2 tests", "from_date": date(2026, 12, 4), "to_date": date(2026, 12, 25), "to_time": time(16)}),
        ("en", "put twelve eggs in the diary", {"number": 12, "title": "eggs"}),
        ("en", "count to seven", {"limit": 7}),
        ("en", "play channel two", {"channel": "bbc2"}),
        ("de", "trag Zahnarzt morgen um 15 Uhr ein", {"title": "Zahnarzt", "date": date(2026, 12, 1), "time": time(15)}),
        ("de", "trag Chor am 5. Mai um halb drei nachmittags ein", {"title": "Chor", "date": date(2027, 5, 5), "time": time(14, 30)}),
        ("de", "trag Chor übermorgen ein", {"title": "Chor", "date": date(2026, 12, 2)}),
        ("fr", "ajoute dentiste demain à 15 heures", {"title": "dentiste", "date": date(2026, 12, 1), "time": time(15)}),
        ("fr", "ai-je rendez-vous demain", {"title": "rendez vous", "date": date(2026, 12, 1)}),
        ("es", "añade dentista mañana a las 15", {"title": "dentista", "date": date(2026, 12, 1), "time": time(15)}),
        ("it", "aggiungi dentista domani alle 15", {"title": "dentista", "date": date(2026, 12, 1), "time": time(15)}),
        ("nl", "zet tandarts morgen om 15 uur in de agenda", {"title": "tandarts", "date": date(2026, 12, 1), "time": time(15)}),
    ],
)  # fmt: skip
def test_a_plugin_gets_values_for_dates_times_and_numbers(sentences: PluginSentences, language: str, text: str, expected: dict[str, Any]) -> None:  # fmt: skip
    found = sentences.recognize(text, language)
    assert found is not None
    assert resolve_times(found[1], NOW) == expected


@pytest.mark.parametrize("text", ["count to twelve", "play channel three", "add", "what is on tomorrow"])
def test_other_sentences_are_left_alone(sentences: PluginSentences, text: str) -> None:
    assert sentences.recognize(text, "en") is None


@pytest.mark.parametrize(
    ("text", "at", "is_ambiguous"),
    [
        ("add tea tomorrow at 3", time(3), True),
        ("add tea at 3", time(15, 0), True),
        ("add tea at 4", time(16), True),
        ("add tea tomorrow at 3 in the afternoon", time(15), False),
        ("add tea tomorrow at 15:00", time(15), False),
        ("add tea tomorrow at 12", time(12), True),
        ("add tea tomorrow at noon", time(12), False),
    ],
)
def test_an_hour_without_its_half_of_the_day_is_marked(sentences: PluginSentences, text: str, at: time, is_ambiguous: bool) -> None:  # fmt: skip
    found = sentences.recognize(text, "en")
    assert found is not None
    values = resolve_times(found[1], NOW)
    assert values is not None
    assert (values["time"], "time_is_ambiguous" in values) == (at, is_ambiguous)


@pytest.mark.parametrize("text", ["add tea on the 31st of february", "add tea tomorrow at 25:00"])
def test_a_date_or_time_that_never_comes_is_none(sentences: PluginSentences, text: str) -> None:
    found = sentences.recognize(text, "en")
    assert found is not None
    assert resolve_times(found[1], NOW) is None


def test_values_in_a_language_without_them_name_the_languages_that_have_them() -> None:
    with pytest.raises(ConfigError, match="language sv; there are: de, en"):
        load_sentences({"Add": {"sv": ["lägg till {title} <date>"]}}, {})


@pytest.mark.parametrize("sentence", ["{title} <when>", "<date>"])
def test_a_sentence_of_values_alone_is_refused(sentence: str) -> None:
    with pytest.raises(ConfigError, match="would match any text"):
        load_sentences({"Add": {"en": [sentence]}}, {})


@pytest.mark.parametrize("language", number_grammar.languages())
def test_each_language_has_the_rules_that_plugins_use(language: str) -> None:
    assert {"date", "time", "when"} <= number_grammar.get_value_templates(language)[1].keys()


@given(
    st.dictionaries(
        st.sampled_from(["day", "month", "year", "relative", "weekday", "hour", "minute", "clock", "ahead", "to", "part", "repeat", "every"]),
        st.one_of(st.integers(-5, 2100), st.sampled_from(["pm", "weekdays", "7"])),
    ),
    st.datetimes(NOW.replace(year=2000, tzinfo=None), NOW.replace(year=2100, tzinfo=None)),
)  # fmt: skip
def test_whatever_was_heard_becomes_values_or_nothing(slots: dict[str, Any], now: datetime) -> None:
    slots = {
        name: value for name, value in slots.items() if name == "part" or isinstance(value, int) or name == "repeat"
    }
    found = resolve_times({"when": SpokenTime(slots)}, now)
    assert found is None or found.keys() <= {"date", "time", "time_is_ambiguous", "days"}
