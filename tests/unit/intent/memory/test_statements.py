"""Facts as they are kept, and as they are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.memory.spoken.questions import is_answered_by
from wyoming_rosie_intent.memory.spoken.sentences import MemoryIntent, MemoryPeriod, load_texts, recognize
from wyoming_rosie_intent.memory.spoken.statements import parse_fact, tell

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
TOLD = [
    ("en", "that my bin day is Tuesday", "Your bin day is Tuesday."),
    ("en", "I'm allergic to nuts.", "You are allergic to nuts."),
    ("en", "Ada and I like your voice", "Ada and you like my voice."),
    ("en", "the spare key is under the mat", "The spare key is under the mat."),
    ("de", "dass mein Mülltag Dienstag ist", "Dein Mülltag ist Dienstag."),
    ("de", "dass ich keine Nüsse esse", "Du isst keine Nüsse."),
    ("de", "dass mein neues Auto rot ist", "Dein neues Auto ist rot."),
    ("de", "dass der Geburtstag meiner Mutter am 3. Mai ist", "Der Geburtstag deiner Mutter ist am 3. Mai."),
    ("de", "dass der Zug um acht abfährt", "Der Zug fährt um acht ab."),
    ("de", "dass Ada meine Schwester ist", "Ada ist deine Schwester."),
    ("de", "meine Schwester heißt Ada", "Deine Schwester heißt Ada."),
    ("fr", "que mon jour de poubelle est mardi", "Ton jour de poubelle est mardi."),
    ("fr", "que j\u2019aime le thé", "Tu aimes le thé."),
    ("fr", "qu'il y a du lait", "Il y a du lait."),
    ("es", "que mi hermana se llama Ada", "Tu hermana se llama Ada."),
    ("es", "me llamo Eva", "Te llamas Eva."),
    ("it", "che il mio dottore è Rossi", "Il tuo dottore è Rossi."),
    ("nl", "dat mijn vuilnisdag dinsdag is", "Jouw vuilnisdag is dinsdag."),
    ("nl", "dat de verjaardag van mijn moeder op drie mei is", "De verjaardag van jouw moeder is op drie mei."),
]


@pytest.mark.parametrize(("language", "said", "told"), TOLD, ids=[said for _, said, _ in TOLD])
def test_a_fact_is_told_in_the_second_person(language: str, said: str, told: str) -> None:
    fact = parse_fact(said, language)
    assert fact is not None
    assert tell(fact, language) == told


@pytest.mark.parametrize(
    ("language", "fact"),
    [
        ("de", "ich stehe um sechs auf"),
        ("fr", "je prends le bus"),
        ("es", "como carne cada día"),
        ("it", "sono allergico alle noci"),
        ("nl", "ik sta om zes uur op"),
        ("ja", "私の 誕生日は 五月"),
    ],
)
def test_a_fact_whose_verb_would_change_is_quoted(language: str, fact: str) -> None:
    assert tell(fact, language) is None


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "to buy milk"),
        ("en", "where I parked"),
        ("en", "this"),
        ("en", ""),
        ("de", "wo ich geparkt habe"),
        ("de", "dass"),
        ("fr", "de sortir la poubelle"),
        ("it", "di comprare il latte"),
        ("es", "comprar leche"),
    ],
)
def test_what_states_nothing_is_no_fact(language: str, said: str) -> None:
    assert parse_fact(said, language) is None


@given(st.text(max_size=80), st.sampled_from(LANGUAGES))
def test_any_text_is_told_or_quoted(text: str, language: str) -> None:
    fact = parse_fact(text, language)
    told = None if fact is None else tell(fact, language)
    assert told is None or told.endswith((".", "!", "?", "…"))


@given(
    st.sampled_from(LANGUAGES),
    st.lists(st.sampled_from(["ich", "dass", "mein", "das", "Auto", "ist", "von", "der", "a"]), min_size=1),
)
def test_moving_a_verb_loses_no_word(language: str, words: list[str]) -> None:
    fact = parse_fact(f"dass {' '.join(words)}", "de")
    if fact is not None:
        assert sorted(fact.split()) == sorted(words if words[0] != "dass" else fact.split())


ANSWERS = [
    ("en", "when is my bin day", "my bin day is Tuesday", True),
    ("en", "what is my sister's name", "my sister is Ada", True),
    ("en", "what is my sister's name", "my sister's birthday is on the third of May", False),
    ("en", "when is my birthday", "my sister's birthday is on the third of May", False),
    ("en", "when is my sister's birthday", "my sister's birthday is on the third of May", True),
    ("en", "what is my brother called", "my sister is called Ada", False),
    ("en", "when is my dentist appointment", "my dentist is Dr Hill", False),
    ("en", "when is Ada's birthday", "my sister is Ada", False),
    ("en", "how old is the boiler", "the boiler is ten years old", True),
    ("en", "who is Tom Hanks", "Tom works at the hospital", False),
    ("en", "who is Ada", "my sister is Ada", True),
    ("en", "where is the spare key", "the spare key is under the mat", True),
    ("de", "wann wird der Müll abgeholt", "mein Mülltag ist Dienstag", True),
    ("de", "wann ist mein Geburtstag", "der Geburtstag meiner Schwester ist am 3. Mai", False),
    ("de", "wie heißt meine Schwester", "meine Schwester heißt Ada", True),
    ("fr", "comment s'appelle mon frère", "ma sœur s'appelle Ada", False),
    ("es", "cuándo es mi día de basura", "mi día de basura es el martes", True),
    ("it", "dove sono le chiavi", "le chiavi sono sotto il tappeto", True),
    ("nl", "wie is mijn tandarts", "mijn tandarts is Hill", True),
    ("ja", "誕生日は", "私の誕生日は五月", True),
]


@pytest.mark.parametrize(("language", "question", "fact", "fits"), ANSWERS, ids=[f"{q} {f}" for _, q, f, _ in ANSWERS])
def test_a_fact_fits_a_question(language: str, question: str, fact: str, fits: bool) -> None:
    assert is_answered_by(question, fact, language) is fits


UNDERSTOOD: list[tuple[str, str, MemoryIntent]] = [
    ("en", "make a note that the plumber comes on Friday", MemoryIntent.REMEMBER),
    ("en", "Could you remember that the boiler is ten years old?", MemoryIntent.REMEMBER),
    ("en", "what do you know about me", MemoryIntent.ABOUT_ME),
    ("en", "what do you know about the boiler", MemoryIntent.KNOW),
    ("en", "What did we talk about yesterday?", MemoryIntent.TALKED),
    ("en", "what did I tell you about the boiler", MemoryIntent.TOLD),
    ("en", "do you know where my keys are", MemoryIntent.ASK),
    ("en", "what's my sister's name", MemoryIntent.ASK),
    ("en", "forget everything about me", MemoryIntent.FORGET_PERIOD),
    ("de", "Merk dir das nicht.", MemoryIntent.KEEP_OUT),
    ("de", "Vergiss das.", MemoryIntent.FORGET_THAT),
    ("de", "Vergiss, was ich dir über den Boiler erzählt habe.", MemoryIntent.FORGET_ABOUT),
    ("de", "Vergiss alles, was ich heute gesagt habe.", MemoryIntent.FORGET_PERIOD),
    ("de", "Was habe ich dir über den Müll gesagt?", MemoryIntent.TOLD),
    ("de", "Was weißt du über mich?", MemoryIntent.ABOUT_ME),
    ("de", "Worüber haben wir gestern geredet?", MemoryIntent.TALKED),
    ("de", "Wie heißt meine Schwester?", MemoryIntent.ASK),
    ("fr", "Souviens-toi que ma sœur s'appelle Ada.", MemoryIntent.REMEMBER),
    ("fr", "ne retiens pas ça", MemoryIntent.KEEP_OUT),
    ("fr", "oublie tout ce que j'ai dit aujourd'hui", MemoryIntent.FORGET_PERIOD),
    ("fr", "où sont les clés", MemoryIntent.ASK),
    ("es", "recuerda que mi hermana es Ada", MemoryIntent.REMEMBER),
    ("es", "olvida lo que te dije sobre la caldera", MemoryIntent.FORGET_ABOUT),
    ("es", "¿Qué sabes de mí?", MemoryIntent.ABOUT_ME),
    ("es", "¿De qué hablamos ayer?", MemoryIntent.TALKED),
    ("it", "ricordati che mia sorella si chiama Ada", MemoryIntent.REMEMBER),
    ("it", "dimentica quello che ti ho detto sulla caldaia", MemoryIntent.FORGET_ABOUT),
    ("it", "di cosa abbiamo parlato ieri", MemoryIntent.TALKED),
    ("nl", "Onthoud dat mijn zus Ada is", MemoryIntent.REMEMBER),
    ("nl", "onthoud dit niet", MemoryIntent.KEEP_OUT),
    ("nl", "waar hebben we het gisteren over gehad", MemoryIntent.TALKED),
]


@pytest.mark.parametrize(("language", "text", "intent"), UNDERSTOOD, ids=[text for _, text, _ in UNDERSTOOD])
def test_a_sentence_about_the_memory_is_understood(language: str, text: str, intent: MemoryIntent) -> None:
    request = recognize(text, language)
    assert request is not None
    assert request.intent is intent


@pytest.mark.parametrize("text", ["turn on the light", "what is a bin", "I remember that day", "who won", "forget it"])
def test_other_sentences_ask_nothing_of_the_memory(text: str) -> None:
    assert recognize(text, "en") is None


def test_a_fact_keeps_its_punctuation() -> None:
    request = recognize("Remember that my sister, Ada, isn't allergic to nuts.", "en")
    assert request is not None
    assert request.fact == "my sister, Ada, isn't allergic to nuts"


def test_a_period_is_named() -> None:
    request = recognize("forget everything I said yesterday", "en")
    assert request is not None
    assert request.period is MemoryPeriod.YESTERDAY


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_and_answer(language: str) -> None:
    texts = load_texts()
    intents = texts.get_intents()
    assert {intent for intent, by_language in intents.items() if language in by_language} == set(MemoryIntent)
    for key in ("remembered_as", "replaced", "code", "off", "kept_out", "forgotten", "forgotten_many", "trouble"):
        assert texts.get_value(key, language) != texts.get_value(key, "en") or language == "en"
