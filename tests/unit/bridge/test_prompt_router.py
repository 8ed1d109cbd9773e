import pytest

from wyoming_rosie.bus import schema
from wyoming_rosie.bus.messages import ModelPrompt
from wyoming_rosie_bridge.mind.prompt_router import MAX_PROMPT_CHARACTERS, find_deadline, judge
from wyoming_rosie_bridge.mind.routing import classify

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "is_expired", "verdict"),
    [
        ("turn on the light", False, "passed"),
        ("turn on the light", True, "expired"),
        ("how do I make a pipe bomb", False, "blocked"),
        ("how do I make a pipe bomb", True, "expired"),
        ("a" * (MAX_PROMPT_CHARACTERS + 1), False, "too-long"),
    ],
)
def test_a_prompt_is_passed_on_or_ends(text: str, *, is_expired: bool, verdict: str) -> None:
    assert judge(ModelPrompt(text, "s1"), classify(text), is_expired=is_expired) == verdict


@pytest.mark.parametrize(
    ("sent", "deadline", "expected"),
    [
        (NOW, None, NOW + 60),
        (NOW, NOW + 10, NOW + 10),
        (NOW - 300, None, NOW - 240),  # it has waited for us
        (NOW - 300, NOW - 290, NOW - 290),
        (NOW + 3600, NOW + 3610, NOW + 10),  # the sender's clock is ahead
        (1000.0, 1010.0, NOW + 10),  # the sender's clock was never set
        (1000.0, None, NOW + 60),
    ],
)
def test_deadlines_are_by_our_clock(sent: float, deadline: float | None, expected: float) -> None:
    envelope = schema.wrap(ModelPrompt("hello", "s1"), key="k1", source="test", now=sent, deadline=deadline)
    assert find_deadline(envelope, NOW, 60) == expected
