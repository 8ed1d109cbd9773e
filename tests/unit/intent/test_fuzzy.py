"""Sentences that match no template, and their corrections."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.engine import IntentRecognizer, Match
from wyoming_rosie_intent.execution.policy import Policy
from wyoming_rosie_intent.rules import filler_words, hassil
from wyoming_rosie_intent.rules.fuzzy import MAX_WORDS, Effect, FuzzyRecognizer
from wyoming_rosie_intent.rules.phonetics import Vocabulary, phonetic_key, score_similarity

HOME = Home(
    (Area("kitchen", "Kitchen"), Area("office", "Office")),
    (
        Entity("light.1", "Kitchen Lamp", "light", "kitchen"),
        Entity("light.2", "Chicken Lamp", "light", "kitchen"),
        Entity("light.3", "Window Lamp", "light", "office"),
        Entity("fan.1", "Winnow Lamp", "fan", "office"),
        Entity("lock.1", "Cellar Door", "lock"),
        Entity("cover.1", "Pergola Roof", "cover"),
        Entity("valve.1", "Sprinkler", "valve"),
        Entity("cover.2", "Side Gate", "cover", device_class="gate"),
        Entity("cover.3", "Office Curtain", "cover", "office", device_class="curtain"),
    ),
)


@pytest.fixture(scope="module")
def recognizer() -> IntentRecognizer:
    return hassil.load(hassil.Settings(), HOME)


def meant(recognizer: IntentRecognizer, text: str) -> tuple[str, object] | None:
    match = recognizer.recognize(text, area="kitchen")
    return (match.intent, match.slots.get("name")) if match else None


class Anything:
    """Matches every sentence as a command of its own."""

    def match_exact(self, text: str) -> Match | None:
        return Match("HassTurnOn", text=text)

    def match_corrected(self, text: str) -> Match | None:
        return self.match_exact(text)

    def get_effect(self, match: Match) -> Effect:
        return Effect(match.text)


def nearly(table: Mapping[str, object]) -> FuzzyRecognizer:
    return FuzzyRecognizer(
        filler_words.load_hints(table), Vocabulary(["turn", "turns", "on", "the"]), ["turn"], ["Kitchen Lamp"]
    )


def test_what_was_said_is_kept_as_it_was_said(recognizer: IntentRecognizer) -> None:
    match = recognizer.recognize("Um, turn on the kitchn lamp!")
    assert match is not None
    assert match.text == "Um, turn on the kitchn lamp!"
    assert match.slots["name"] == "Kitchen Lamp"


def test_the_log_says_as_what_a_corrected_sentence_matched_and_why(recognizer: IntentRecognizer) -> None:
    with capture_logs() as lines:
        recognizer.recognize("turn on the kitchn lamp")
    [line] = [line for line in lines if "matched_as" in line]
    assert line["log_level"] == "debug"
    assert line["matched_as"] == "turn on the kitchen lamp"
    assert "nothing else is as likely" in line["because"]


def test_what_matches_as_it_is_said_logs_no_correction(recognizer: IntentRecognizer) -> None:
    with capture_logs() as lines:
        recognizer.recognize("turn on the kitchen lamp")
    assert [line for line in lines if "matched_as" in line] == []


def test_of_two_names_that_are_nearly_as_likely_none_is_taken(recognizer: IntentRecognizer) -> None:
    assert meant(recognizer, "turn on the window lamp") == ("HassTurnOn", "Window Lamp")
    assert meant(recognizer, "turn on the winow lamp") is None


def test_a_name_as_it_is_wins_over_what_recognisers_mistake(recognizer: IntentRecognizer) -> None:
    assert meant(recognizer, "turn on the chicken lamp") == ("HassTurnOn", "Chicken Lamp")


@pytest.mark.parametrize(
    "text",
    ["unlock the seller door", "unlock the celar door", "open the side gat", "open the sied gate", "unlok the cellar door",
     "open the gats", "opn the side gate", "open the pergola"],
)  # fmt: skip
def test_nothing_that_lets_people_in_is_opened_or_unlocked_by_a_doubtful_name(
    recognizer: IntentRecognizer, text: str
) -> None:
    assert meant(recognizer, text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [("open the pergola roov", "Pergola Roof"), ("close the pergula roof", "Pergola Roof"), ("open the sprinklar", "Sprinkler"),
     ("open the ofice curtan", "Office Curtain")],
)  # fmt: skip
def test_what_lets_nobody_in_is_opened_by_a_name_that_is_slightly_wrong(
    recognizer: IntentRecognizer, text: str, name: str
) -> None:
    match = recognizer.recognize(text)
    assert match is not None
    assert match.slots.get("name", match.slots.get("area")) in {name, "Office"}


def test_what_the_owner_calls_dangerous_needs_an_exact_name() -> None:
    careful = hassil.load(hassil.Settings(), HOME, Policy(dangerous=frozenset({"cover.1"})))
    assert meant(careful, "open the pergola roov") is None
    assert meant(careful, "open the pergola roof") is not None


def test_a_word_spelt_otherwise_means_what_it_would_mean_spelt_right(recognizer: IntentRecognizer) -> None:
    for wrong, right in (
        ("turn on the kichen lihgts", "turn on the kitchen lights"),
        ("dim the lihgts", "dim the lights"),
    ):
        mended, exact = recognizer.recognize(wrong, area="kitchen"), recognizer.recognize(right, area="kitchen")
        assert mended is not None
        assert exact is not None
        assert (mended.intent, mended.slots) == (exact.intent, exact.slots)


def test_of_two_ways_to_spell_a_word_the_one_that_fits_is_taken(recognizer: IntentRecognizer) -> None:
    assert meant(recognizer, "turn on the lights in the ofice") == ("HassTurnOn", None)


def test_readings_that_come_to_the_same_are_no_rivals() -> None:
    home = Home((Area("hall", "Hall Way"),), (Entity("light.1", "Hall Way Lamp", "light", "hall"),))
    understands = hassil.load(hassil.Settings(), home)
    assert understands.recognize("turn on the hallway lamps") is not None


@pytest.mark.parametrize(
    "text", ["turn off the kitten", "turn on the offices", "turn on the ofice", "turn on the ofis"]
)
def test_a_room_alone_must_be_said_as_it_is_called(recognizer: IntentRecognizer, text: str) -> None:
    assert meant(recognizer, text) is None
    assert meant(recognizer, "turn on the office please") == ("HassTurnOn", None)


def test_words_of_the_speakers_own_keep_their_capitals(recognizer: IntentRecognizer) -> None:
    match = recognizer.recognize("add Earl Grey to my shoping list")
    assert match is not None
    assert match.slots["item"] == "Earl Grey"


def test_what_is_to_be_played_is_never_made_out_of_a_misspelt_sentence(recognizer: IntentRecognizer) -> None:
    assert meant(recognizer, "plai wonderful tonight") is None


@pytest.mark.parametrize(
    "text", ["could you unlock the cellar door please", "unlock the cellar doors", "um open the pergola roof"]
)
def test_what_is_only_polite_or_plural_is_no_doubt(recognizer: IntentRecognizer, text: str) -> None:
    assert meant(recognizer, text) is not None


@pytest.mark.parametrize(
    "text",
    ["turns on the kitchen lamp", "turns on the kitchn lamp", "switches on the kitchen lamp", "the kitchen lamp turns on", "paper on the kitchen lamp",
     "why is the kitchn lamp on", "don't turn on the kitchn lamp", "i turned on the kitchn lamp", "if it is dark turn on the kitchn lamp",
     "he said turn on the kitchn lamp", "turn on the kitchn lamp or the window lamp", "turn on the kitchn lamp tomorrow"],
)  # fmt: skip
def test_a_repair_makes_no_command_of_what_is_none(recognizer: IntentRecognizer, text: str) -> None:
    assert meant(recognizer, text) is None


@pytest.mark.parametrize(
    ("text", "is_command"), [("turn on the kitchn lamp", True), ("bob never turns on the kitchn lamp", False)]
)
def test_words_that_make_a_sentence_no_command_are_never_mended(text: str, is_command: bool) -> None:
    mending = nearly({"never": ["never"]})
    assert (mending.recognize(text, Anything()) is not None) is is_command


def test_a_language_that_nobody_described_is_not_mended() -> None:
    assert nearly({}).recognize("turn on kitchn lamp", Anything()) is None


def test_a_question_about_a_name_that_is_slightly_wrong_is_answered(recognizer: IntentRecognizer) -> None:
    assert meant(recognizer, "is the kitchn lamp on") == ("HassGetState", "Kitchen Lamp")


@pytest.mark.parametrize("text", ["software", "quoted", "stopt", "um nexxt"])
def test_a_single_word_is_never_taken_for_another(recognizer: IntentRecognizer, text: str) -> None:
    assert meant(recognizer, text) is None


def test_long_talk_is_not_searched_for_commands(recognizer: IntentRecognizer) -> None:
    assert meant(recognizer, "um " * MAX_WORDS + "turn on the kitchn lamp") is None


@given(
    st.lists(
        st.sampled_from(
            ["turn", "on", "off", "the", "kitchn", "lamp", "door", "cellar", "unlok", "um", "not", "why", "please"]
        ),
        max_size=9,
    )
)
def test_any_words_in_any_order_never_unlock_unless_it_was_said(recognizer: IntentRecognizer, words: list[str]) -> None:
    match = recognizer.recognize(" ".join(words))
    assert match is None or match.domain != "lock"


@given(st.text(max_size=60))
def test_any_text_is_understood_or_not(recognizer: IntentRecognizer, text: str) -> None:
    assert isinstance(recognizer.recognize(text), Match | None)


@pytest.mark.parametrize(
    ("heard", "word", "close"),
    [
        ("kitchn", "kitchen", True),
        ("lamps", "lamp", True),
        ("sealing", "ceiling", True),
        ("televison", "television", True),
        ("bad", "bed", True),
        ("bat", "bed", False),
        ("boat", "bed", False),
        ("oven", "open", True),
        ("car", "door", False),
        ("", "lamp", False),
    ],
)
def test_words_are_close_by_letters_or_by_sound(heard: str, word: str, close: bool) -> None:
    assert (score_similarity(heard, word) > 0) is close


words = st.text(st.characters(categories=["Ll"]), min_size=1, max_size=12)


@given(words, words)
def test_closeness_is_between_nothing_and_the_same(heard: str, word: str) -> None:
    assert 0 <= score_similarity(heard, word) <= 1
    assert score_similarity(word, word) == 1
    assert len(phonetic_key(word)) <= 2 * len(word)
    assert Vocabulary([word]).find_similar(word) == {word: 1}


@given(words, st.lists(words, max_size=8, unique=True))
def test_a_vocabulary_finds_all_that_is_close(heard: str, known: list[str]) -> None:
    assert Vocabulary(known).find_similar(heard) == {
        word: worth for word in known if (worth := score_similarity(heard, word))
    }


@pytest.mark.parametrize(("nearer", "farther"), [("bedroom", "bathroom"), ("kitchen", "chicken")])
def test_of_words_that_sound_alike_the_one_written_alike_is_nearer(nearer: str, farther: str) -> None:
    assert score_similarity("bedrom" if nearer == "bedroom" else "kitchn", nearer) > score_similarity("bedrom", farther)
