"""Prompts that are frozen at the wake word: used once, for one device, until they expire; a burst is warmed once."""

from hypothesis import given
from hypothesis import strategies as st

from rules.frozen import FROZEN_SECONDS, MAX_FROZEN, FrozenPrompts
from rules.prompt import FrozenPrompt

PROMPT = FrozenPrompt("system", "now")


def test_a_prompt_is_that_of_its_device_and_used_once() -> None:
    frozen = FrozenPrompts(10)
    frozen.freeze("kitchen", PROMPT, 0)
    assert frozen.take("attic", 1) is None
    assert frozen.take("kitchen", 1) is PROMPT
    assert frozen.take("kitchen", 1) is None


def test_a_prompt_expires() -> None:
    frozen = FrozenPrompts(10)
    frozen.freeze("kitchen", PROMPT, 0)
    assert frozen.take("kitchen", FROZEN_SECONDS + 1) is None


@given(st.lists(st.floats(0, 9.9), min_size=1, max_size=20))
def test_a_burst_of_wake_words_is_warmed_once(times: list[float]) -> None:
    frozen = FrozenPrompts(10)
    assert sum(frozen.freeze("kitchen", PROMPT, now) for now in sorted(times)) == 1


def test_another_home_is_warmed_at_once() -> None:
    frozen = FrozenPrompts(10)
    assert frozen.freeze("kitchen", PROMPT, 0)
    assert frozen.freeze("kitchen", FrozenPrompt("another", "now"), 1)
    assert not frozen.freeze("attic", FrozenPrompt("another", "later"), 2)


def test_a_model_that_was_away_is_warmed_again() -> None:
    frozen = FrozenPrompts(10)
    frozen.freeze("kitchen", PROMPT, 0)
    frozen.forget_warm_ups()
    assert frozen.freeze("kitchen", PROMPT, 1)


def test_a_prompt_is_recent_for_the_length_of_a_burst() -> None:
    frozen = FrozenPrompts(10)
    assert not frozen.is_recent("kitchen", 0)
    frozen.freeze("kitchen", PROMPT, 0)
    assert frozen.is_recent("kitchen", 9)
    assert not frozen.is_recent("kitchen", 10)
    assert not frozen.is_recent("attic", 1)


def test_two_signals_of_one_wake_word_are_a_burst_even_without_a_pause_between_warm_ups() -> None:
    frozen = FrozenPrompts(0)
    frozen.freeze("kitchen", PROMPT, 0)
    assert frozen.is_recent("kitchen", 0.1)
    assert not frozen.is_recent("kitchen", 2)


def test_only_so_many_prompts_are_kept() -> None:
    frozen = FrozenPrompts(10)
    for number in range(2 * MAX_FROZEN):
        frozen.freeze(str(number), PROMPT, 0)
    assert len(frozen) == MAX_FROZEN
