import itertools

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.llm.model import ChatMessage, ChatRole, ToolCall
from wyoming_rosie_intent.llm.prompts.history import ConversationHistory, HistoryLimits, count_tokens
from wyoming_rosie_intent.llm.prompts.token_counter import TokenCounter

tokens = TokenCounter().count
LIMITS = HistoryLimits(max_tokens=100, expiry_seconds=300.0, max_conversations=3)
EXCHANGES = st.lists(st.tuples(st.sampled_from("abcde"), st.text(max_size=600), st.floats(0, 200)), max_size=40)


def exchange(said: str, answered: str = "Well.") -> tuple[ChatMessage, ...]:
    return ChatMessage(ChatRole.USER, said), ChatMessage(ChatRole.ASSISTANT, answered)


def test_what_was_said_is_told_in_order() -> None:
    history = ConversationHistory(LIMITS)
    history.add("a", exchange("one"), 0.0)
    history.add("a", exchange("two"), 1.0)
    history.add("b", exchange("three"), 2.0)
    assert history.messages("a", 3.0) == exchange("one") + exchange("two")


def test_a_conversation_ends_when_nothing_is_said_for_long() -> None:
    history = ConversationHistory(LIMITS)
    history.add("a", exchange("one"), 0.0)
    assert history.messages("a", 300.0) != ()
    assert history.messages("a", 300.1) == ()
    assert len(history) == 0


def test_the_oldest_is_forgotten_first_and_the_beginning_then_stays_for_a_while() -> None:
    history = ConversationHistory(LIMITS)
    beginnings = []
    for number in range(30):
        history.add("a", exchange(f"{number:02} {'x' * 40}"), float(number))
        told = history.messages("a", float(number))
        assert told[-2].text.startswith(f"{number:02}")
        beginnings.append(told[0].text[:2])
    changes = sum(one != other for one, other in itertools.pairwise(beginnings))
    assert 0 < changes < 15


def test_an_exchange_that_is_too_large_alone_is_not_kept() -> None:
    history = ConversationHistory(LIMITS)
    history.add("a", exchange("x" * 1000), 0.0)
    assert history.messages("a", 0.0) == ()


def test_the_arguments_of_calls_count() -> None:
    call = ToolCall("1", "HassTurnOn", {"name": "x" * 400})
    assert count_tokens([ChatMessage(ChatRole.ASSISTANT, calls=(call,))], tokens) > 100


@given(EXCHANGES)
def test_no_history_grows_beyond_its_bounds(given_: list[tuple[str, str, float]]) -> None:
    history = ConversationHistory(LIMITS)
    now = 0.0
    for conversation, text, later in given_:
        now += later
        history.add(conversation, exchange(text), now)
        assert len(history) <= LIMITS.max_conversations
        told = history.messages(conversation, now)
        assert count_tokens(told, tokens) <= LIMITS.max_tokens
        assert told == () or told[0].role is ChatRole.USER
