import pytest

from wyoming_rosie_intent.llm.output.answer_length import (
    MAX_SECONDS,
    OFFER_SECONDS,
    AnswerLimiter,
    estimate_speech_seconds,
)

SENTENCE = "One hundred and twenty words make about a minute of speech. "  # four seconds
MINUTE = round(OFFER_SECONDS / estimate_speech_seconds(SENTENCE))


def said(clauses: list[str]) -> tuple[list[str], bool]:
    length = AnswerLimiter()
    heard: list[str] = []
    for clause in clauses:
        heard += length.feed(clause)
        if length.has_more:
            return heard, True
    return heard + list(length.flush()), False


def test_an_answer_of_less_than_a_minute_is_said_as_it_comes() -> None:
    clauses = [SENTENCE] * (MINUTE - 1)
    assert said(clauses) == (clauses, False)


def test_an_answer_that_is_nearly_at_its_end_after_a_minute_is_said_to_its_end() -> None:
    clauses = [SENTENCE] * (MINUTE + 2)
    assert said(clauses) == (clauses, False)


def test_a_long_answer_stops_at_the_end_of_a_sentence() -> None:
    heard, is_over = said([SENTENCE[:30], SENTENCE[30:]] * (3 * MINUTE))
    assert is_over
    assert heard[-1] == SENTENCE[30:]
    assert OFFER_SECONDS <= estimate_speech_seconds("".join(heard)) < MAX_SECONDS


def test_a_sentence_without_an_end_is_cut_too() -> None:
    heard, is_over = said(["and so on and on and on, "] * 300)
    assert is_over
    assert estimate_speech_seconds("".join(heard)) < MAX_SECONDS + 2


@pytest.mark.parametrize(
    "text", ["Das Licht ist an. " * 50, "照明はついています。" * 36, "Свет включён на кухне. " * 40]
)
def test_a_minute_is_about_a_minute_in_any_script(text: str) -> None:
    assert 45 < estimate_speech_seconds(text) < 75
