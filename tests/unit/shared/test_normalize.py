import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.text.normalize import MAX_WORD_CHARACTERS, is_speakable, normalize, strip_emoji

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("before\0after", "before after"),
        ("a\x01\x02\x1b\x7fb\r\nc", "a b c"),
        ("caf\u00e9 \u2014 5 < 6 & 7", "caf\u00e9 \u2014 5 < 6 & 7"),
        ("\ud83d\ude00", "\U0001f600"),
        ("half \ud83d of it", "half   of it"),
        ("\U0001f600\U0001f389ok", "\U0001f600 \U0001f389 ok"),
        ("\U0001f1e9\U0001f1ea\U0001f1ec\U0001f1e7", "\U0001f1e9\U0001f1ea \U0001f1ec\U0001f1e7"),
        ("\U0001f469\u200d\u2695\ufe0f\U0001f44d\U0001f3fd", "\U0001f469\u200d\u2695\ufe0f \U0001f44d\U0001f3fd"),
    ],
    ids=["nul", "controls", "signs", "pair of halves", "lone half", "emoji", "flags", "joined emoji"],
)
def test_odd_characters_end_and_swallow_nothing(text: str, spoken: str) -> None:
    assert normalize(text) == spoken


def test_long_words_are_split() -> None:
    assert max(map(len, normalize("x" * 500).split())) == MAX_WORD_CHARACTERS
    assert normalize("x" * MAX_WORD_CHARACTERS) == "x" * MAX_WORD_CHARACTERS


@given(ANY_TEXT)
def test_any_text_can_be_encoded_and_holds_no_control_character(text: str) -> None:
    spoken = normalize(text)
    assert b"\0" not in spoken.encode()
    assert not any(unicodedata.category(character) == "Cc" for character in spoken)


@given(ANY_TEXT)
def test_everything_that_is_a_character_is_kept_in_its_order(text: str) -> None:
    def kept(whole: str) -> str:
        return "".join(
            one
            for one in whole
            if not one.isspace() and unicodedata.category(one) not in ("Cc", "Cs") and one != "\ufffd"
        )

    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    assert kept(normalize(text)) == kept(joined)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Sure \U0001f600 ok", "Sure ok"),
        ("Done\U0001f389.", "Done."),
        ("one\U0001f389two", "one two"),
        ("\U0001f469\u200d\u2695\ufe0f\U0001f44d\U0001f3fd", ""),
        ("5 \u2264 6 \u2192 7 \u266f \u00a9", "5 \u2264 6 \u2192 7 \u266f \u00a9"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("Wow!!! Well..... Go ---- on", "Wow! Well... Go   on"),
        ("C++ a && b 10:30 ...", "C++ a && b 10:30 ..."),
    ],
    ids=[
        "between",
        "before a stop",
        "inside",
        "joined",
        "signs with a meaning",
        "joiners of letters",
        "runs",
        "no runs",
    ],
)
def test_decoration_is_left_out(text: str, plain: str) -> None:
    assert strip_emoji(text) == plain


@pytest.mark.parametrize(
    ("text", "has"), [("a", True), ("5", True), ("+", True), ("\u20ac", True), ("-.!", False), (" ", False)]
)
def test_punctuation_alone_is_not_speakable(text: str, has: bool) -> None:
    assert is_speakable(text) is has


@given(ANY_TEXT)
def test_only_decoration_and_repetition_are_lost(text: str) -> None:
    def letters(whole: str) -> str:
        return "".join(filter(str.isalpha, whole.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")))

    assert letters(strip_emoji(text)) == letters(text)
