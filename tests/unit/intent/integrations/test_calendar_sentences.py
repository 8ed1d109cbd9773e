"""Sentences about the calendar in six languages, and those that the calendar leaves alone."""

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any

import pytest

from tests.unit.intent.integrations.calendar_source import FRIDAY, understand
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.integrations.calendar.plugin import CalendarPlugin
from wyoming_rosie_intent.integrations.calendar.tools import TOOLS
from wyoming_rosie_intent.plugins.texts import PluginTexts
from wyoming_rosie_intent.plugins.values import resolve_times

SATURDAY, SUNDAY, MONDAY = date(2026, 11, 28), date(2026, 11, 29), date(2026, 11, 30)
NEXT_FRIDAY = date(2026, 12, 4)
THREE, TEN = time(15), time(10)
SENTENCES = {
    "en": [
        ("what's on tomorrow?", "Events", {"date": SATURDAY}),
        ("What do we have planned next week", "Events", {"period": "next_week"}),
        ("anything on tomorrow afternoon", "Events", {"date": SATURDAY, "period": "afternoon"}),
        ("do i have anything on tomorrow afternoon", "Events", {"date": SATURDAY, "period": "afternoon"}),
        ("what's on my work calendar on monday", "Events", {"date": MONDAY, "calendar": "work"}),
        ("when is my next dentist appointment", "Next", {"title": "dentist"}),
        ("what's my next meeting", "Next", {}),
        ("am i free on friday from 3 pm to 5 pm", "Free", {"date": NEXT_FRIDAY, "from_time": THREE, "to_time": time(17)}),
        ("are we busy this weekend", "Free", {"period": "weekend"}),
        ("when am i free tomorrow", "FreeTimes", {"date": SATURDAY}),
        ("add dentist to my calendar tomorrow at 3 pm for half an hour", "Add", {"title": "dentist", "date": SATURDAY, "time": THREE, "duration": timedelta(minutes=30)}),
        ("create an appointment with Tom next friday at noon", "Add", {"prefix": "Appointment with", "title": "Tom", "date": NEXT_FRIDAY, "time": time(12)}),
        ("put choir in the calendar every sunday at 10:00 in the morning", "Add", {"title": "choir", "days": (6,), "time": TEN}),
        ("move my dentist appointment from tomorrow to monday at 3 pm", "Move", {"title": "dentist", "from_date": SATURDAY, "date": MONDAY, "time": THREE}),
        ("cancel all yoga appointments", "Cancel", {"title": "yoga", "scope": "series"}),
        ("delete the appointment tomorrow at 3 pm", "Cancel", {"date": SATURDAY, "time": THREE}),
    ],
    "de": [
        ("was steht morgen an?", "Events", {"date": SATURDAY}),
        ("Was haben wir nächste Woche vor", "Events", {"period": "next_week"}),
        ("habe ich morgen Nachmittag Termine", "Events", {"date": SATURDAY, "period": "afternoon"}),
        ("wann ist mein nächster Termin", "Next", {}),
        ("wann ist mein Zahnarzttermin", "Next", {"title": "Zahnarzt"}),
        ("bin ich am Freitag zwischen 15 und 17 Uhr frei", "Free", {"date": NEXT_FRIDAY, "from_time": THREE, "to_time": time(17)}),
        ("haben wir am Wochenende Zeit", "Free", {"period": "weekend"}),
        ("wann bin ich morgen frei", "FreeTimes", {"date": SATURDAY}),
        ("mach einen Termin beim Zahnarzt morgen um 15 Uhr", "Add", {"prefix": "Termin beim", "title": "Zahnarzt", "date": SATURDAY, "time": THREE}),
        ("trag morgen um 15 Uhr Zahnarzt ein", "Add", {"title": "Zahnarzt", "date": SATURDAY, "time": THREE}),
        ("trag am 24. Dezember Feier in den Familienkalender ein", "Add", {"title": "Feier", "date": date(2026, 12, 24), "calendar": "Familie"}),
        ("trage jeden Sonntag um 15 Uhr Chor ein", "Add", {"title": "Chor", "days": (6,), "time": THREE}),
        ("verschieb den Zahnarzt auf Freitag um 15 Uhr", "Move", {"title": "Zahnarzt", "date": NEXT_FRIDAY, "time": THREE}),
        ("sag den Zahnarzt morgen ab", "Cancel", {"title": "Zahnarzt", "date": SATURDAY}),
        ("lösch alle Termine Yoga", "Cancel", {"title": "Yoga", "scope": "series"}),
    ],
    "fr": [
        ("qu'est-ce que j'ai demain ?", "Events", {"date": SATURDAY}),
        ("quels rendez-vous ai-je la semaine prochaine", "Events", {"period": "next_week"}),
        ("quel est mon prochain rendez-vous", "Next", {}),
        ("quand est mon rendez-vous chez le dentiste", "Next", {"title": "dentiste"}),
        ("suis-je libre demain à 15 heures", "Free", {"date": SATURDAY, "time": THREE}),
        ("suis-je libre demain entre 15 heures et 17 heures", "Free", {"date": SATURDAY, "from_duration": timedelta(hours=15), "to_duration": timedelta(hours=17)}),
        ("quand suis-je libre demain", "FreeTimes", {"date": SATURDAY}),
        ("ajoute dentiste à mon agenda demain à 15 heures", "Add", {"title": "dentiste", "date": SATURDAY, "time": THREE}),
        ("déplace le dentiste à vendredi à 15 heures", "Move", {"title": "dentiste", "date": NEXT_FRIDAY, "time": THREE}),
        ("annule le yoga lundi", "Cancel", {"title": "yoga", "date": MONDAY}),
        ("annule tous les rendez-vous de yoga", "Cancel", {"title": "yoga", "scope": "series"}),
    ],
    "es": [
        ("¿qué tengo mañana?", "Events", {"date": SATURDAY}),
        ("qué citas tengo la próxima semana", "Events", {"period": "next_week"}),
        ("cuál es mi próxima cita", "Next", {}),
        ("cuándo es mi cita con el dentista", "Next", {"title": "dentista"}),
        ("estoy libre mañana entre las 15 y las 17", "Free", {"date": SATURDAY, "from_time": THREE, "to_time": time(17)}),
        ("cuándo estoy libre mañana", "FreeTimes", {"date": SATURDAY}),
        ("añade dentista al calendario mañana a las 15", "Add", {"title": "dentista", "date": SATURDAY, "time": THREE}),
        ("mueve el dentista al viernes a las 15", "Move", {"title": "dentista", "date": NEXT_FRIDAY, "time": THREE}),
        ("cancela yoga el lunes", "Cancel", {"title": "yoga", "date": MONDAY}),
    ],
    "it": [
        ("cosa ho domani?", "Events", {"date": SATURDAY}),
        ("quali appuntamenti ho la prossima settimana", "Events", {"period": "next_week"}),
        ("qual è il mio prossimo appuntamento", "Next", {}),
        ("quando è il mio appuntamento dal dentista", "Next", {"title": "dentista"}),
        ("sono libero domani dalle 15 alle 17", "Free", {"date": SATURDAY, "from_time": THREE, "to_time": time(17)}),
        ("quando sono libero domani", "FreeTimes", {"date": SATURDAY}),
        ("aggiungi dentista al calendario domani alle 15", "Add", {"title": "dentista", "date": SATURDAY, "time": THREE}),
        ("sposta il dentista a venerdì alle 15", "Move", {"title": "dentista", "date": NEXT_FRIDAY, "time": THREE}),
        ("annulla yoga lunedì", "Cancel", {"title": "yoga", "date": MONDAY}),
    ],
    "nl": [
        ("wat staat er morgen in mijn agenda?", "Events", {"date": SATURDAY}),
        ("welke afspraken heb ik volgende week", "Events", {"period": "next_week"}),
        ("wat is mijn volgende afspraak", "Next", {}),
        ("wanneer is mijn afspraak met de tandarts", "Next", {"title": "tandarts"}),
        ("ben ik morgen tussen 15 uur en 17 uur vrij", "Free", {"date": SATURDAY, "from_duration": timedelta(hours=15), "to_duration": timedelta(hours=17)}),
        ("wanneer ben ik morgen vrij", "FreeTimes", {"date": SATURDAY}),
        ("zet tandarts morgen om 15 uur in mijn agenda", "Add", {"title": "tandarts", "date": SATURDAY, "time": THREE}),
        ("verplaats de tandarts naar vrijdag om 15 uur", "Move", {"title": "tandarts", "date": NEXT_FRIDAY, "time": THREE}),
        ("annuleer yoga op maandag", "Cancel", {"title": "yoga", "date": MONDAY}),
    ],
}  # fmt: skip
LEFT_ALONE = [
    "turn on the light", "what's on", "cancel the timer", "when is christmas", "add milk to the shopping list",
    "what time is it", "remind me tomorrow at 3 to call mum", "wake me at seven", "move the vacuum", "add milk",
    "delete that", "cancel", "what is on the table", "are you free", "put the kettle on", "cancel my alarm",
    "when is my bin day", "remove eggs from the list", "make coffee at 7", "is the door open",
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text", "intent", "values"),
    [(language, *row) for language, rows in SENTENCES.items() for row in rows],
)
def test_a_sentence_is_understood(language: str, text: str, intent: str, values: Mapping[str, Any]) -> None:
    match = understand(text, language)
    assert match is not None
    assert match.intent == f"Calendar{intent}"
    found = resolve_times(match.entities, FRIDAY)
    assert found is not None
    assert {name: value for name, value in found.items() if not name.endswith("ambiguous")} == values


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_other_sentences_are_left_alone(text: str) -> None:
    assert understand(text) is None


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language in ("en", "de") for text, _, _ in SENTENCES[language]]
)
def test_the_rules_for_the_home_leave_these_sentences_to_the_calendar(recognizer: IntentRecognizer, language: str, text: str) -> None:  # fmt: skip
    assert recognizer.recognize(text, language) is None


def test_each_language_has_all_intents_lists_and_answers() -> None:
    texts = PluginTexts(CalendarPlugin.languages)
    intents, lists = texts.get_intents(), texts.get_lists()
    assert set(texts.languages) == {"de", "en", "es", "fr", "it", "nl"}
    assert all(set(sentences) == set(texts.languages) for sentences in intents.values())
    assert all(set(values) == set(texts.languages) for values in lists.values())
    keys = {language: set(texts._tables[language]["answers"]) for language in texts.languages}
    assert all(found == keys["en"] for found in keys.values())
    parts = {"morning", "afternoon", "evening"}
    assert all(parts <= set(values.values()) for values in lists["period"].values() if isinstance(values, Mapping))


def test_the_tools_are_intents_of_the_sentences() -> None:
    intents = PluginTexts(CalendarPlugin.languages).get_intents()
    assert {tool.intent for tool in TOOLS} <= set(intents)
    assert {tool.intent for tool in TOOLS if tool.changes} == {"CalendarAdd", "CalendarMove", "CalendarCancel"}
