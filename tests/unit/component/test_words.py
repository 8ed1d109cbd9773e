"""Commands, claims and fillers by their words, in every language that the component has words for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.claims import is_claim, is_claim_about_another, is_command
from rules.fillers import MAX_WORDS, find_phrase, may_fill, parse_filler
from rules.languages import Failure, find_language, get_phrase

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
COMMANDS = [
    ("en", "turn on the lights"), ("en", "please switch off the heating"), ("en", "can you open the garage door"),
    ("en", "lock up the house"), ("de", "schalte das Licht ein"), ("de", "das Licht ausschalten"),
    ("de", "kannst du die Heizung ausschalten"), ("fr", "allume la lumière"), ("es", "apaga la luz"),
    ("it", "accendi la luce"), ("nl", "doe het licht aan"), ("en-GB", "Turn it down."),
]  # fmt: skip
OTHERS = [
    ("en", "what is the weather like"), ("en", "is the garage door open"), ("en", "when did I close the door"),
    ("en", "tell me a joke"), ("en", "I had a long day"), ("de", "wie warm ist es im Bad"), ("de", "ist das Fenster offen"),
    ("fr", "quel temps fait-il"), ("es", "qué tiempo hace"), ("it", "che tempo fa"), ("nl", "hoe laat is het"),
    ("pl", "włącz światło"),
]  # fmt: skip
CLAIMS = [
    ("en", "I've turned on the lights."), ("en", "Done."), ("en", "I have just locked the door."),
    ("de", "Ich habe das Licht eingeschaltet."), ("de", "Erledigt."), ("fr", "J'ai allumé la lumière."),
    ("es", "He encendido la luz."), ("it", "Ho acceso la luce."), ("nl", "Ik heb het licht aangedaan."),
]  # fmt: skip
HONEST = [
    ("en", "I cannot turn on the lights."), ("en", "Which lamp do you mean?"), ("en", "Sorry, there is no such lamp."),
    ("en", "Shall I turn on the lights?"), ("de", "Das kann ich leider nicht."), ("de", "Welche Lampe meinst du?"),
    ("fr", "Je ne peux pas."), ("es", "No puedo hacerlo."), ("it", "Non posso farlo."), ("nl", "Dat kan ik niet."),
]  # fmt: skip


@pytest.mark.parametrize(("language", "sentence"), COMMANDS)
def test_a_command_is_told_apart_and_gets_no_filler(language: str, sentence: str) -> None:
    assert is_command(sentence, language)
    assert not may_fill(sentence, language)


@pytest.mark.parametrize(("language", "sentence"), OTHERS)
def test_a_question_and_small_talk_are_no_commands(language: str, sentence: str) -> None:
    assert not is_command(sentence, language)


@pytest.mark.parametrize(("language", "sentence"), CLAIMS)
def test_a_claim_is_found_with_and_without_a_command(language: str, sentence: str) -> None:
    assert is_claim(sentence, language, after_command=True)
    assert is_claim(sentence, language, after_command=False)


@pytest.mark.parametrize(("language", "sentence"), HONEST)
def test_denials_and_questions_are_no_claims(language: str, sentence: str) -> None:
    assert not is_claim(sentence, language, after_command=True)


@pytest.mark.parametrize("sentence", ["The capital of France is Paris.", "It is nice to meet you."])
def test_an_answer_to_a_question_is_no_claim(sentence: str) -> None:
    assert not is_claim(sentence, "en", after_command=False)


def test_after_a_command_even_a_vague_yes_is_a_claim() -> None:
    assert is_claim("The lights are glowing now.", "en", after_command=True)
    assert is_claim("Consider it handled.", "en", after_command=True)


NAMES = ("Kitchen lamp", "Lamp", "Front door", "TV")
DONE = '["hassturnon", {"name": "kitchen lamp"}] {"success": [{"name": "kitchen lamp"}]}'


@pytest.mark.parametrize(
    ("sentence", "is_about_another"),
    [
        ("I've turned on the Kitchen lamp.", False),
        ("I've turned on the lamp.", False),
        ("I've turned on the Kitchen lamp and locked the Front door.", True),
        ("The front door is locked now.", True),
        ("The front door cannot be locked.", False),
        ("Shall I lock the front door?", False),
        ("All is well.", False),
    ],
)
def test_after_an_action_only_a_claim_about_another_thing_is_false(sentence: str, is_about_another: bool) -> None:
    assert is_claim_about_another(sentence, "en", NAMES, DONE, after_command=True) is is_about_another


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_failure_has_a_phrase_that_is_no_claim(language: str) -> None:
    known = find_language(language)
    assert known is not None
    assert set(known.phrases) == set(Failure)
    assert not is_claim(get_phrase(Failure.NOT_DONE, language), language, after_command=False)


def test_a_language_without_phrases_fails_in_english() -> None:
    assert get_phrase(Failure.TOO_LONG, "tlh") == get_phrase(Failure.TOO_LONG, "en")


@pytest.mark.parametrize("language", LANGUAGES)
@given(sentence=st.text(max_size=60))
def test_every_filler_has_at_most_four_words(language: str, sentence: str) -> None:
    phrase = find_phrase(sentence, language)
    assert phrase is not None
    assert 0 < len(phrase.split()) <= MAX_WORDS


@pytest.mark.parametrize(
    ("sentence", "language", "phrase"),
    [
        ("is the weather nice", "en", "Checking the weather…"),
        ("will it rain", "en", "Checking the weather…"),
        ("wie warm ist es", "de", "Ich prüfe die Temperatur…"),
        ("who was Napoleon", "en", "Let me think…"),
        ("hvor er jeg", "da", None),
    ],
)
def test_a_filler_names_the_topic(sentence: str, language: str, phrase: str | None) -> None:
    assert find_phrase(sentence, language) == phrase


@pytest.mark.parametrize(
    ("text", "filler"),
    [
        ("Checking the lights", "Checking the lights…"),
        ('"Looking that up..."\nAnd then?', "Looking that up…"),
        ("The capital of France is Paris, of course", None),
        ("I've turned it on", None),
        ("<think> Let me", None),
        ("", None),
        ("...", None),
    ],
)
def test_a_small_model_may_only_say_a_filler(text: str, filler: str | None) -> None:
    assert parse_filler(text, "en") == filler
