import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.llm.output.repetition import RepetitionDetector, is_loop

LOOPS = {
    "sentence": "The light in the kitchen is on. ",
    "sentence in Japanese": "台所の照明はついていますので、ご安心ください、どうぞよろしくお願いいたします。",
    "clause": "and then we go to the market, ",
    "short clause": "and I am fine, ",
    "two sentences": "First you boil the water. Then you put the pasta in. ",
    "words": "and then ",
    "word": "the ",
    "letter": "a",
    "mark": "。",
    "line": "- a glass of milk for the cat\n",
}
HARMLESS = {
    "counting": " ".join(f"{number}," for number in range(1, 101)),
    "laugh": "Ha ha ha ha ha! That is a good one, ha ha ha.",
    "birthday": "Happy birthday to you, happy birthday to you, happy birthday dear Anna, happy birthday to you!",
    "refrain": " ".join(f"{verse} Row, row, row your boat gently down the stream." for verse in ("One.", "Two.", "Three.", "Four.")),
    "noes": "No, no, no, no, no. Never.",
    "list": "The kitchen light is on. The hall light is on. The bath light is on. The attic light is on. The garage light is on.",
    "forecast": " ".join(f"On the {day}th it will be {day + 3} degrees." for day in range(4, 20)),
    "song": "Let it be, let it be, let it be, let it be. Whisper words of wisdom, let it be.",
    "table": "Two times one is two. Two times two is four. Two times three is six. Two times four is eight.",
}  # fmt: skip


def heard(text: str, size: int) -> int | None:
    """Return the number of characters after which a text is recognised as a loop."""
    repetition = RepetitionDetector()
    for start in range(0, len(text), size):
        if repetition.feed(text[start : start + size]):
            return start + size
    return None


@pytest.mark.parametrize("size", [1, 4, 50])
@pytest.mark.parametrize("part", LOOPS.values(), ids=LOOPS)
def test_what_is_said_over_and_over_is_a_loop(part: str, size: int) -> None:
    text = "Let me see what there is. " + part * 200
    known = heard(text, size)
    assert known is not None
    assert known <= 26 + max(3 * len(part), 80) + 2 * max(size, 16)


def test_a_sentence_that_comes_again_and_again_between_others_is_a_loop() -> None:
    text = " ".join(
        f"{number}. I am always here to help you. Thing {number * 7} is {'x' * number}." for number in range(30)
    )
    assert heard(text, 5) is not None


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_what_people_say_twice_is_no_loop(text: str) -> None:
    assert heard(text, 3) is None


@given(st.text(min_size=30, max_size=100).filter(lambda text: len(" ".join(text.split())) >= 25), st.text(max_size=50))
def test_anything_three_times_in_a_row_is_a_loop(part: str, before: str) -> None:
    plain = " ".join(part.split())
    assert is_loop(f"{before} {plain} {plain} {plain} "[:-1] + " ")
