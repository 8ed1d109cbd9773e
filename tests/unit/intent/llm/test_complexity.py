import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.intent.llm.complexity_cases import MEASURED, TUNED
from wyoming_rosie_intent.llm.complexity import COMPLEX_WORDS, MEDIUM_WORDS, Complexity, classify


@pytest.mark.parametrize("text", [text for text, hardness in (*TUNED, *MEASURED) if hardness is Complexity.SIMPLE])
def test_simple_requests_are_simple(text: str) -> None:
    assert classify(text).complexity is Complexity.SIMPLE


@pytest.mark.parametrize(
    ("table", "share"), [(TUNED, 0.97), (MEASURED, 0.85)], ids=["made on these", "only measured on these"]
)
def test_most_requests_are_as_hard_as_people_say(table: tuple[tuple[str, Complexity], ...], share: float) -> None:
    right = sum(classify(text).complexity is hardness for text, hardness in table)
    assert right / len(table) >= share


@pytest.mark.parametrize(
    ("text", "complexity", "reasons"),
    [
        ("", Complexity.SIMPLE, ()),
        ("What time is it?", Complexity.SIMPLE, ()),
        ("WHY IS THE SKY BLUE", Complexity.MEDIUM, ("explanation",)),
        ("What is 17 * 23?", Complexity.MEDIUM, ("sum",)),
        ("Who is it? Where is he?", Complexity.MEDIUM, ("several questions",)),
        ("word " * MEDIUM_WORDS, Complexity.MEDIUM, ("18 words or more",)),
        ("word " * COMPLEX_WORDS, Complexity.COMPLEX, ("40 words or more",)),
        ("for (x in y) { print(x); }", Complexity.COMPLEX, ("code",)),
        ("Compare tea and coffee, and explain why", Complexity.COMPLEX, ("comparison", "explanation")),
    ],
)  # fmt: skip
def test_reasons_say_why(text: str, complexity: Complexity, reasons: tuple[str, ...]) -> None:
    route = classify(text)
    assert route.complexity is complexity
    assert route.reasons == reasons


@given(st.text())
def test_any_text_has_a_complexity_and_signs_only_make_it_harder(text: str) -> None:
    assert (classify(text).complexity is Complexity.SIMPLE) == (not classify(text).reasons)


@pytest.mark.parametrize(
    "part", ["how many ", "better rent ", "write me my ", "percent ", "if a ", "? ", "x", " ", "a\n"]
)
@pytest.mark.timeout(60)
def test_long_texts_take_no_more_than_their_length(part: str) -> None:
    """With quadratic time, a million characters would take for ever."""
    classify(part * (1_000_000 // len(part)))
