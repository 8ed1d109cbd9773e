import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.llm.output.clause_splitter import MAX_CHARACTERS, ClauseSplitter, SpeechSplitter

SCRAPS = st.sampled_from(
    [
        "Dr.",
        "Smith",
        "e.g.",
        "21.5",
        "1,000",
        "Yes.",
        "the light is on",
        ",",
        ". ",
        "p.m.",
        "\n",
        " ",
        "好。",
        "x" * 200,
    ]
)
TEXTS = st.one_of(
    st.lists(SCRAPS, max_size=40).map(" ".join),
    st.lists(SCRAPS, max_size=40).map("".join),
    st.text(max_size=400),
    st.text(alphabet="ab .,\n", max_size=900),
)


def cut(*pieces: str) -> list[str]:
    clauses = ClauseSplitter()
    return [clause for piece in pieces for clause in clauses.feed(piece)] + clauses.flush()


def spoken(*pieces: str) -> list[str]:
    answer = SpeechSplitter()
    return [clause.strip() for piece in pieces for clause in answer.feed(piece)] + [
        clause.strip() for clause in answer.flush()
    ]


@pytest.mark.parametrize(
    "clauses",
    [
        ["The kitchen light is on, ", "and the door is locked. ", "Anything else?"],
        ["Yes, it is on. ", "Good night to you."],
        ["It is 21.5 degrees outside, ", "with 1,000 hectopascals."],
        ["At 7:30 p.m. the bus leaves. ", "Do not be late!"],
        ["Ask Dr. Smith about it; ", "she knows more."],
        ["Some fruit, e.g. apples, ", "z. B. auch Birnen, ", "sind gesund."],
        ["There are three things: ", "one for you, ", "two for me."],
        ["It is late - ", "good night to you."],
        ["今天天气很好。", "我们去公园吧。"],
        ["One two three\n", "four five six"],
    ],
)
def test_a_text_is_cut_where_a_speaker_would_breathe(clauses: list[str]) -> None:
    assert cut("".join(clauses)) == clauses


def test_the_first_clause_is_there_before_the_second_has_begun() -> None:
    assert ClauseSplitter().feed("The light is on, ") == ["The light is on, "]


def test_a_text_without_an_end_is_cut_between_words() -> None:
    clauses = cut("word " * 200)
    assert len(clauses) > 1
    assert all(clause.endswith("word ") and len(clause) <= MAX_CHARACTERS for clause in clauses)


@given(TEXTS, st.lists(st.integers(0, 20), max_size=80))
def test_the_clauses_together_are_the_text_however_it_arrives(text: str, sizes: list[int]) -> None:
    pieces = []
    rest = text
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    clauses = cut(*pieces, rest)
    assert "".join(clauses) == text
    assert clauses == cut(text)
    assert all(0 < len(clause) <= MAX_CHARACTERS for clause in clauses)


@given(TEXTS)
def test_no_clause_ends_inside_a_number(text: str) -> None:
    for clause, following in zip(cut(text), cut(text)[1:], strict=False):
        if len(clause) < MAX_CHARACTERS - 200:
            assert not (clause[-1].isdigit() and following[:1].isdigit())


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("**The light** is `on`, and *all* is well.", ["The light is on,", "and all is well."]),
        ("# Weather\n\n- It is sunny today.\n- No rain at all.", ["Weather\nIt is sunny today.", "No rain at all."]),
        ("See [the manual](https://example.org/a/b?c=d) for more.", ["See the manual for more."]),
        ("Look at https://www.example.org/long/path, please do.", ["Look at example.org,", "please do."]),
        ("The light is on 😀!", ["The light is on!"]),
        ("Good night to you. 🌙✨", ["Good night to you."]),
        ("Ring\x07 the\x1b bell for us.", ["Ring the bell for us."]),
        ("```python\nprint()\n```", []),
        ("", []),
        ("... !", []),
    ],
)
def test_marks_addresses_and_pictures_are_not_spoken(text: str, clauses: list[str]) -> None:
    assert spoken(text) == clauses
    assert spoken(*text) == clauses
