from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.execution.confirmation import (
    MAX_PENDING,
    TIMEOUT_SECONDS,
    ConfirmationReply,
    Confirmations,
    normalize_reply,
)

YES, NO, OTHER = "yes", "no", "turn on the light"


def confirmations() -> Confirmations[int]:
    return Confirmations(["yes", "do it"], ["no", "never mind"])


def test_yes_confirms_what_was_asked() -> None:
    waiting = confirmations()
    waiting.ask("kitchen", 7, now=100.0)
    assert waiting.parse_reply("kitchen", "Yes, please!", now=100.0 + TIMEOUT_SECONDS) == (ConfirmationReply.YES, 7)


def test_no_drops_it() -> None:
    waiting = confirmations()
    waiting.ask("kitchen", 7, now=0.0)
    assert waiting.parse_reply("kitchen", "Never mind.", now=1.0) == (ConfirmationReply.NO, None)
    assert waiting.parse_reply("kitchen", "yes", now=2.0) == (ConfirmationReply.OTHER, None)


def test_anything_else_drops_it_and_is_a_sentence_of_its_own() -> None:
    waiting = confirmations()
    waiting.ask("kitchen", 7, now=0.0)
    assert waiting.parse_reply("kitchen", OTHER, now=1.0) == (ConfirmationReply.OTHER, None)
    assert waiting.parse_reply("kitchen", "yes", now=2.0) == (ConfirmationReply.OTHER, None)


def test_yes_comes_too_late() -> None:
    waiting = confirmations()
    waiting.ask("kitchen", 7, now=0.0)
    assert waiting.parse_reply("kitchen", "yes", now=TIMEOUT_SECONDS + 0.1) == (ConfirmationReply.OTHER, None)


def test_yes_in_another_conversation_confirms_nothing() -> None:
    waiting = confirmations()
    waiting.ask("kitchen", 7, now=0.0)
    assert waiting.parse_reply("office", "yes", now=1.0) == (ConfirmationReply.OTHER, None)
    assert waiting.parse_reply("kitchen", "yes", now=1.0) == (ConfirmationReply.YES, 7)


def test_a_new_question_replaces_the_old_one() -> None:
    waiting = confirmations()
    waiting.ask("kitchen", 7, now=0.0)
    waiting.ask("kitchen", 8, now=1.0)
    assert waiting.parse_reply("kitchen", "do it", now=2.0) == (ConfirmationReply.YES, 8)


def test_the_oldest_question_is_dropped_when_too_many_wait() -> None:
    waiting = confirmations()
    for number in range(MAX_PENDING + 1):
        waiting.ask(str(number), number, now=0.0)
    assert len(waiting) == MAX_PENDING
    assert waiting.parse_reply("0", "yes", now=1.0) == (ConfirmationReply.OTHER, None)
    assert waiting.parse_reply(str(MAX_PENDING), "yes", now=1.0) == (ConfirmationReply.YES, MAX_PENDING)


Step = tuple[str, str, float]
steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]), st.sampled_from(["ask", YES, NO, OTHER]), st.floats(0, TIMEOUT_SECONDS * 1.5)
    )
)


@given(steps)
def test_a_yes_confirms_only_the_last_question_of_its_conversation_and_only_once(story: list[Step]) -> None:
    waiting, now = confirmations(), 0.0
    asked: dict[str, tuple[int, float]] = {}
    for number, (conversation, what, pause) in enumerate(story):
        now += pause
        if what == "ask":
            waiting.ask(conversation, number, now)
            asked[conversation] = number, now
            continue
        about, since = asked.pop(conversation, (None, now))
        in_time = about is not None and now <= since + TIMEOUT_SECONDS
        expected = (
            (ConfirmationReply.YES, about)
            if in_time and what == YES
            else (ConfirmationReply.NO if in_time and what == NO else ConfirmationReply.OTHER, None)
        )
        assert waiting.parse_reply(conversation, what, now) == expected
        assert len(waiting) == len(asked)


@given(st.text())
def test_plain_words_of_any_text_stay_as_they_are(text: str) -> None:
    assert normalize_reply(normalize_reply(text)) == normalize_reply(text)
