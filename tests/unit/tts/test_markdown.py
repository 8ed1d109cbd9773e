import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_tts.text import markdown
from wyoming_rosie_tts.text.segments import Segment, TextSegment, VoiceRequest

SCRAPS = st.sampled_from(
    [
        "**", "*", "_", "__", "~~", "`", "```", "```python\n", "\n", "\n\n", "# ", "- ", "- [x] ", "+ ", "1. ", "> ",
        "| a | b |\n", "|---|:-:|\n", "|", "---", "===", "[", "]", "(", ")", "[a](b)", "![c](d \"e\")", "[^1]", ": ", "!",
        "https://x.example/a?b ", "http", "https:", "www.", "h", "w", "<", "<https://a.b>", "\\(", "\\", "word", "Word. ",
        "5", " ", "😀", "好", "é",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(SCRAPS, max_size=40).map("".join),
    st.text(alphabet="a*_`~[]()!|\n -#>htpsw:/.5\\<", max_size=200),
    st.text(st.characters(exclude_categories=()), max_size=200),
)


def said(text: str) -> list[str]:
    return [piece.text for piece in markdown.parse(text) if isinstance(piece, TextSegment)]


def read_in_pieces(text: str, sizes: list[int]) -> list[Segment]:
    reader = markdown.MarkdownParser()
    pieces: list[Segment] = []
    at, turn = 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        pieces += reader.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    return pieces + reader.finish()


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4",
        "2*3*4 and 2**3",
        "snake_case_name",
        "C# and F#",
        "#1",
        "5* rated",
        "- 5 degrees",
        "-5 degrees",
        "+ 5 degrees",
        "1 < 2 and 3 > 2",
        "<b>bold</b> <break/>",
        "<speak>Hello.</speak>",
        "a && b || c",
        "AT&T &amp; more",
        "array[0] and [sic]",
        "a ~ b and ~5",
        "$5 and 5 €",
        r"C:\Users\me",
        "john.doe@example.com",
        "what http is",
        "f(x) = (a)",
        "café_bar",
        "1. one",
        "x ≤ y → z",
        "Yes!",
        "...",
    ],
)
def test_text_that_need_not_be_markdown_is_kept(text: str) -> None:
    assert said(text) == [text]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("**bold** and *it* and __b__ and _i_ and ***both***", ["bold and it and b and i and both"]),
        ("**bold *in* bold** and **end *both***.", ["bold in bold and end both."]),
        ("这是**重点**内容", ["这是重点内容"]),
        ("**Yes.** The light is on.", ["Yes.", "The light is on."]),
        ("*terms apply\n\nrated 5* now", ["terms apply", "rated 5* now"]),
        ("`turn_on` and ``x``", ["turn_on and x"]),
        ("~~old~~ new", ["old new"]),
        (r"\*not\* and \_", ["*not* and _"]),
        (r"so \(x^2\) and \[y\]", ["so x^2 and y"]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_emphasis_and_code_marks_are_not_spoken(text: str, pieces: list[str]) -> None:
    assert said(text) == pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("# Title\nand text", ["Title", "and text"]),
        ("### 1 Title ###\n\nText", ["1 Title", "Text"]),
        ("Buy:\n- milk\n- eggs\n* [ ] bread\n+ [x] salt\n• tea", ["Buy:", "milk", "eggs", "bread", "salt", "tea"]),
        ("Buy:\n\n- 2 eggs\n- 3 apples", ["Buy:", "- 2 eggs", "- 3 apples"]),
        ("- a\n  - b", ["a", "b"]),
        ("- milk\nwith chocolate", ["milk with chocolate"]),
        ("> quoted\n> words", ["quoted words"]),
        ("> - quoted item", ["quoted item"]),
        ("One\n---\nTwo\n***\nthree\n===\nfour", ["One", "Two", "three", "four"]),
        ("| Name | Age |\n|---|:-:|\n| **Bob** | 4<br>2 |", ["Name, Age", "Bob, 4, 2"]),
        ("So:\n```python\nprint('x')\n\n# y\n```\nDone.", ["So:", "Code omitted.", "Done."]),
        ("~~~\nx\n```\n~~~~\nDone.", ["Code omitted.", "Done."]),
        ("```\nnever closed", ["Code omitted."]),
        ("```inline``` code", ["inline code"]),
        ("Here[^1] it is.\n\n[^1]: A note.", ["Here it is.", "A note."]),
        ("Title\r\n\r\n- a\r\n- b\r\n", ["Title", "a", "b"]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_blocks_are_spoken_apart(text: str, pieces: list[str]) -> None:
    assert said(text) == pieces


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("See [the **docs**](https://a.example/b_(c)).", "See the docs."),
        ('See [this](/x "a title") or [that][1].', "See this or that."),
        ("![a cat](cat.png) sits", "a cat sits"),
        ("[text](not a link)", "[text](not a link)"),
        ("See https://www.example.com/a/b.html?c=d#e.", "See example.com."),
        ("(http://example.com:8123/x), or", "(example.com), or"),
        ("<https://example.com/a>", "example.com"),
        ("www.example.com/path!", "example.com!"),
        ("[https://example.com/a](https://example.com/a)", "example.com"),
        ("https://user:secret@example.com/", "example.com"),
        ("http://192.168.1.10:8123/lovelace", "192.168.1.10"),
        ("https:// nothing", "https:// nothing"),
    ],
    ids=lambda value: value[:30],
)
def test_links_are_spoken_as_their_text_and_addresses_as_their_host(text: str, spoken: str) -> None:
    assert said(text) == [spoken]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Done! 🎉 The light 💡 is on 👍🏽.", ["Done!", "The light is on."]),
        ("🎉🎉", ["🎉 🎉"]),
        ("1️⃣ One ✅", ["1 One"]),
        ("Wow!!! Really???", ["Wow!", "Really?"]),
        ("?", ["?"]),
        ("", []),
        (" \n ", []),
    ],
    ids=["among words", "alone", "keycap", "repeated", "one sign", "nothing", "spaces"],
)
def test_emoji_and_repeated_punctuation_are_left_out_unless_there_is_nothing_else(text: str, pieces: list[str]) -> None:
    assert said(text) == pieces


def test_code_is_named_in_a_word_that_many_languages_have() -> None:
    reader = markdown.MarkdownParser(VoiceRequest(language="fr-FR"))
    assert reader.feed("```\nx\n```\n") + reader.finish() == [TextSegment("Code.")]


def test_a_sentence_is_returned_while_the_next_one_is_being_written() -> None:
    reader = markdown.MarkdownParser()
    assert reader.feed("**It is on.** T") == [TextSegment("It is on.")]


@given(TEXTS, st.lists(st.integers(1, 30), min_size=1))
def test_chunk_boundaries_change_nothing(text: str, sizes: list[int]) -> None:
    assert read_in_pieces(text, sizes) == markdown.parse(text)


@given(st.text(alphabet="abc *_#>-\n.!?[]()<&'\"é", max_size=300))
def test_letters_are_never_lost_outside_of_links(text: str) -> None:
    def letters(whole: str) -> str:
        return "".join(filter(str.isalpha, whole))

    without_links = text.replace("(", "").replace("[", "")
    assert letters("".join(said(without_links))) == letters(without_links)
