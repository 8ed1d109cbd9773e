"""How long something takes: what people say, in words and digits, and how it is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.text import durations

HOUR, MINUTE = 3600, 60
READ = {
    "en": [
        ("5 min", 5 * MINUTE),
        ("120 minutes", 120 * MINUTE),
        ("200 seconds", 200),
        ("a hundred and twenty seconds", 120),
        ("one hundred twenty minutes", 2 * HOUR),
        ("an hour and 15 minutes", 75 * MINUTE),
        ("a minute and thirty seconds", 90),
        ("half an hour and 5 minutes", 35 * MINUTE),
        ("2 hours, 5 minutes and 10 seconds", 2 * HOUR + 310),
        ("an hour and a quarter", 75 * MINUTE),
        ("three quarters of an hour", 45 * MINUTE),
        ("quarter of an hour", 15 * MINUTE),
        ("two and a half hours", 150 * MINUTE),
        ("two hours and a half", 150 * MINUTE),
        ("an hour and half a minute", HOUR + 30),
        ("an hour thirty", 90 * MINUTE),
        ("one minute thirty", 90),
        ("1:30", 90 * MINUTE),
        ("1:30 minutes", 90),
        ("1:05:30", HOUR + 330),
        ("1h30", 90 * MINUTE),
        ("90s", 90),
        ("1.5 hours", 90 * MINUTE),
        ("twenty-five minutes", 25 * MINUTE),
        ("a couple of minutes", 2 * MINUTE),
        ("½ hour", 30 * MINUTE),
        ("five more minutes", 5 * MINUTE),
    ],
    "de": [
        ("eine Stunde und 15 Minuten", 75 * MINUTE),
        ("anderthalb Stunden", 90 * MINUTE),
        ("zweieinhalb Stunden", 150 * MINUTE),
        ("eine Dreiviertelstunde", 45 * MINUTE),
        ("einer halben Stunde und 5 Minuten", 35 * MINUTE),
        ("zweihundert Sekunden", 200),
        ("hundertzwanzig Minuten", 2 * HOUR),
        ("eine Stunde dreißig", 90 * MINUTE),
        ("1,5 Stunden", 90 * MINUTE),
        ("5 Min", 5 * MINUTE),
    ],
    "fr": [
        ("une heure et demie", 90 * MINUTE),
        ("trois quarts d'heure", 45 * MINUTE),
        ("une demi-heure et 5 minutes", 35 * MINUTE),
        ("quatre-vingt-dix secondes", 90),
        ("cent vingt minutes", 2 * HOUR),
        ("1h30", 90 * MINUTE),
    ],
    "es": [
        ("una hora y media", 90 * MINUTE),
        ("tres cuartos de hora", 45 * MINUTE),
        ("media hora y 5 minutos", 35 * MINUTE),
        ("treinta y cinco minutos", 35 * MINUTE),
    ],
    "it": [
        ("un'ora e mezza", 90 * MINUTE),
        ("tre quarti d'ora", 45 * MINUTE),
        ("mezz'ora e 5 minuti", 35 * MINUTE),
        ("centoventi minuti", 2 * HOUR),
    ],
    "nl": [
        ("anderhalf uur", 90 * MINUTE),
        ("een kwartier", 15 * MINUTE),
        ("drie kwartier", 45 * MINUTE),
        ("twee en een half uur", 150 * MINUTE),
        ("een half uur en 5 minuten", 35 * MINUTE),
    ],
}
CASES = [(language, text, seconds) for language, cases in READ.items() for text, seconds in cases]


@pytest.mark.parametrize(("language", "text", "seconds"), CASES, ids=[text for _, text, _ in CASES])
def test_a_duration_is_parsed_whole(language: str, text: str, seconds: int) -> None:
    found = durations.find(f"… {text}", language)
    assert [(one.total, one.start, one.end) for one in found] == [(seconds, 2, 2 + len(text))]


@pytest.mark.parametrize(
    "text", ["at 1:30", "1:30 pm", "the second one", "turn on the light", "5 lamps", "an hourglass", "0 minutes", "²"]
)
def test_other_text_is_no_duration(text: str) -> None:
    assert durations.find(text, "en") == []


def test_amounts_stay_as_spoken() -> None:
    (minutes,) = durations.find("120 minutes", "en-US")
    assert (minutes.hours, minutes.minutes, minutes.seconds) == (0, 120, 0)


def test_two_durations_are_two() -> None:
    assert [one.total for one in durations.find("add 5 minutes to the half hour timer", "en")] == [300, 1800]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "1 hour, 1 minute and 5 seconds"),
        ("de", "1 Stunde, 1 Minute und 5 Sekunden"),
        ("fr", "1 heure, 1 minute et 5 secondes"),
        ("es", "1 hora, 1 minuto y 5 segundos"),
        ("it", "1 ora, 1 minuto e 5 secondi"),
        ("nl", "1 uur, 1 minuut en 5 seconden"),
        ("sv", "1 hour, 1 minute and 5 seconds"),
    ],
)
def test_a_duration_is_formatted(language: str, words: str) -> None:
    assert durations.format_duration(3665, language) == words


@given(st.sampled_from(sorted(durations.languages())), st.integers(1, 99 * 3600))
def test_a_formatted_duration_is_parsed_again(language: str, seconds: int) -> None:
    assert [one.total for one in durations.find(durations.format_duration(seconds, language), language)] == [seconds]


@given(st.sampled_from(sorted(durations.languages())), st.text(max_size=60))
def test_any_text_is_parsed_without_error(language: str, text: str) -> None:
    ends = [0] + [at for one in durations.find(text, language) for at in (one.start, one.end)] + [len(text)]
    assert ends == sorted(ends)
