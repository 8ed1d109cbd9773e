# ruff: noqa: RUF001 - the punctuation of many scripts is meant as it looks
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wyoming_rosie_tts.text.sentence_splitter import (
    MAX_CHARACTERS,
    MIN_CLAUSE,
    MIN_FIRST_CLAUSE,
    SentenceSplitter,
)

CLAUSE = "the weather in the mountains stays as it was for days"
SCRAPS = st.sampled_from(
    [
        "Dr.",
        "Smith",
        "e.g.",
        "21.5",
        "1.",
        "Yes.",
        '"No!"',
        "well...",
        "好。",
        "、",
        "\n",
        "\n\n",
        " ",
        ",",
        "I.",
        "?!",
        "😀",
        "x" * 90,
    ]
)
TEXTS = st.one_of(
    st.lists(SCRAPS, max_size=40).map("".join),
    st.lists(SCRAPS, max_size=40).map(" ".join),
    st.text(max_size=400),
    st.text(alphabet="ab .,!?\n。", max_size=900),
    st.builds(
        lambda length, text: "x" * length + text,
        st.integers(MAX_CHARACTERS - 12, MAX_CHARACTERS),
        st.text("ab .\n。,", max_size=30),
    ),
    st.lists(st.tuples(st.sampled_from("a .!。\n,"), st.integers(1, 400)), max_size=6).map(
        lambda runs: "".join(character * length for character, length in runs)
    ),
)


def split(*texts: str) -> list[str]:
    sentences = SentenceSplitter()
    pieces = [piece for text in texts for piece in sentences.feed(text)]
    return pieces + sentences.finish()


@pytest.mark.parametrize(
    "sentences",
    [
        ["Hello world.", "How are you?", "I am fine!"],
        ["It is 21.5 degrees outside.", "Version 3.11.2 is out."],
        ["Dr. Smith met Mrs. Jones on Jan. 5 at St. James.", "They left."],
        ["Some fruit, e.g. apples, i.e. red ones.", "Enough."],
        ["J. R. Smith called.", "So did I.", "Then nobody."],
        ["1. Buy milk.", "2. Go home."],
        ["Am 3. Mai regnet es.", "Danach z.B. nicht."],
        ["Well... maybe not.", "Wait…", "Now."],
        ['He said "Stop!"', "Then he left."],
        ['"Stop!" he said.', "He left."],
        ["(It works.)", "Does it?!", "Yes."],
        ["At 5 p.m. it rains.", "See https://example.com/a.b?c=d for more."],
        ["क्या हाल है।", "अच्छा।"],
        ["Well. . . maybe.", "Yes."],
        ["Play No. 5 again.", "No.", "It is on."],
        ["I said no.", "5 minutes later it rained."],
        ["Es sind 3 Mio. Euro.", "Mehr nicht."],
        ["Siehe Abb. 4 auf S. 120.", "Danke."],
    ],
    ids=lambda sentences: sentences[0],
)
def test_sentences_end_where_a_reader_would_end_them(sentences: list[str]) -> None:
    assert split(" ".join(sentences)) == sentences


def test_wide_full_stops_need_no_space() -> None:
    assert split("你好。世界！「好。」再见") == ["你好。", "世界！", "「好。」", "再见"]


def test_a_new_line_ends_a_sentence_unless_the_sentence_goes_on() -> None:
    assert split("Shopping list\n- Milk\nwith chocolate\n\nand bread") == [
        "Shopping list", "- Milk\nwith chocolate", "and bread"
    ]  # fmt: skip


def test_an_empty_line_always_ends_a_sentence() -> None:
    assert split("Here they are:\n\nmilk,\n\neggs") == ["Here they are:", "milk,", "eggs"]


def test_flushing_does_not_start_a_new_text() -> None:
    sentences = SentenceSplitter()
    assert sentences.feed(f"{CLAUSE}, one") == [f"{CLAUSE},"]
    assert sentences.flush() == ["one"]
    assert sentences.feed(f"{CLAUSE}, two") == []


def test_a_sentence_is_returned_as_soon_as_the_next_one_begins() -> None:
    sentences = SentenceSplitter()
    assert sentences.feed("The light is on") == []
    assert sentences.feed(". ") == []
    assert sentences.feed("T") == ["The light is on."]
    assert sentences.finish() == ["T"]


def test_a_long_first_sentence_begins_with_its_first_clause() -> None:
    assert len(CLAUSE) > MIN_FIRST_CLAUSE
    assert split(f"{CLAUSE}, as I said. And {CLAUSE}, as I said.") == [
        f"{CLAUSE},", "as I said.", f"And {CLAUSE}, as I said."
    ]  # fmt: skip


def test_a_comma_among_the_first_words_does_not_split() -> None:
    assert split("Yes, the light is on.") == ["Yes, the light is on."]


def test_a_very_long_sentence_is_split_at_a_comma() -> None:
    pieces = split("Short. " + f"{CLAUSE}, " * 8)
    assert all(piece.endswith(",") for piece in pieces[1:-1])
    assert MIN_CLAUSE < len(pieces[1]) < MIN_CLAUSE + 2 * len(CLAUSE)


def test_endless_text_is_split_between_words_and_endless_words_too() -> None:
    assert set(" ".join(split("word " * 400)).split()) == {"word"}
    assert max(map(len, split("x" * 2000))) == MAX_CHARACTERS


def test_a_number_is_not_split_from_its_unit_or_its_range() -> None:
    before = "word " * 43
    assert split(f"{before}of 21 °C in the house") == [before.strip(), "of 21 °C in the house"]
    assert split(f"{CLAUSE} from 10 – 15 minutes, I think.") == [f"{CLAUSE} from 10 – 15 minutes,", "I think."]


def test_finishing_starts_a_new_text() -> None:
    sentences = SentenceSplitter()
    assert sentences.feed(f"{CLAUSE}, one") == [f"{CLAUSE},"]
    assert sentences.finish() == ["one"]
    assert sentences.feed(f"{CLAUSE}, two") == [f"{CLAUSE},"]


@example("好。dr. Foo", [3])
@example("0" * (MAX_CHARACTERS - 3) + " .. ", [1])
@given(TEXTS, st.lists(st.integers(1, 30), min_size=1))
def test_chunk_boundaries_change_nothing(text: str, sizes: list[int]) -> None:
    arriving: list[str] = []
    at = 0
    while at < len(text):
        size = sizes[len(arriving) % len(sizes)]
        arriving.append(text[at : at + size])
        at += size
    assert split(*arriving) == split(text)


@given(TEXTS)
def test_nothing_is_lost_and_no_piece_is_too_long(text: str) -> None:
    pieces = split(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= MAX_CHARACTERS for piece in pieces)
