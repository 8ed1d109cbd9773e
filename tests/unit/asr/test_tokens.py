from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_asr.engines.pocketsphinx import tokens


def test_numbers_are_written_in_digits_and_names_as_the_home_writes_them() -> None:
    assert tokens.to_text(["set", "three=3d", "d=", "lamp", "to", "twenty=20", "five=5", "percent"]) == (
        "set 3d lamp to 25 percent"
    )


def test_a_word_that_is_written_as_nothing_leaves_no_gap() -> None:
    assert tokens.to_text(["a", "b=", "c"]) == "a c"


def test_a_number_word_of_a_name_stays_a_word() -> None:
    assert tokens.to_text(["bedroom", "two"]) == "bedroom two"
    assert tokens.to_text(["bedroom", "two=2"]) == "bedroom 2"


@given(st.integers(0, 999), st.integers(0, 999))
def test_numbers_with_a_word_between_them_are_both_written(first: int, second: int) -> None:
    said = [*tokens.number_tokens(first), "and", *tokens.number_tokens(second)]
    assert tokens.to_text(said) == f"{first} and {second}"


def test_a_token_has_a_spoken_word() -> None:
    assert [tokens.spoken_word(token) for token in ("light", "five=5", "bee=")] == ["light", "five", "bee"]
