from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.llm.model import ChatMessage, ChatRole, Prompt
from wyoming_rosie_intent.llm.prompts.snapshots import MAX_SNAPSHOTS, SNAPSHOT_SECONDS, PromptSnapshots
from wyoming_rosie_intent.llm.prompts.warmer import COOLDOWN_SECONDS, MAX_REMEMBERED, WarmUpCooldown


def prompt(now: str, system: str = "be brief") -> Prompt:
    return Prompt((ChatMessage(ChatRole.SYSTEM, system), ChatMessage(ChatRole.USER, now)))


def test_a_turn_takes_its_own_prompt_and_an_unknown_one_the_last_of_its_area() -> None:
    frozen = PromptSnapshots()
    for number, area in enumerate(("kitchen", "office", "kitchen", None)):
        frozen.add(f"t{number}", area, prompt(f"{number}"), 0.0)
    assert frozen.pop("t0", "office", 1.0) == prompt("0")
    assert frozen.pop("other", "kitchen", 1.0) == prompt("2")
    assert frozen.pop(None, None, 1.0) == prompt("3")
    assert frozen.pop("t0", "kitchen", 1.0) is None
    assert frozen.pop(None, "cellar", 1.0) is None


def test_where_nobody_names_turn_or_area_the_only_prompt_is_meant_and_none_of_several() -> None:
    frozen = PromptSnapshots()
    frozen.add("t0", "kitchen", prompt("0"), 0.0)
    assert frozen.pop("other", None, 1.0) is None
    assert frozen.pop(None, None, 1.0) == prompt("0")
    frozen.add("t1", "kitchen", prompt("1"), 2.0)
    frozen.add("t2", "office", prompt("2"), 2.0)
    assert frozen.pop(None, None, 3.0) is None


def test_a_turn_that_is_frozen_again_has_the_new_prompt() -> None:
    frozen = PromptSnapshots()
    frozen.add("t", None, prompt("old"), 0.0)
    frozen.add("t", None, prompt("new"), 20.0)
    assert frozen.pop("t", None, 20.0 + SNAPSHOT_SECONDS) == prompt("new")


Times = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 40), st.booleans()), max_size=60)


@given(Times)
def test_nothing_is_given_out_twice_or_late(steps: list[tuple[str, float, bool]]) -> None:
    frozen = PromptSnapshots()
    now = 0.0
    kept: dict[str, float] = {}
    for turn, later, is_wake in steps:
        now += later
        if is_wake:
            frozen.add(turn, turn, prompt(turn), now)
            kept[turn] = now
        else:
            at = kept.pop(turn, None)
            assert (frozen.pop(turn, turn, now) is not None) == (at is not None and now - at <= SNAPSHOT_SECONDS)


def test_no_more_are_kept_than_the_bound() -> None:
    frozen = PromptSnapshots()
    for number in range(1000):
        frozen.add(str(number), None, prompt(str(number)), 0.0)
    assert len(frozen) == MAX_SNAPSHOTS


def test_an_unchanged_beginning_is_read_once_per_cooldown_and_a_changed_one_at_once() -> None:
    cooldown = WarmUpCooldown()
    assert cooldown.acquire(prompt("three o'clock"), 0.0)
    assert not cooldown.acquire(prompt("four o'clock"), COOLDOWN_SECONDS - 0.1)
    assert cooldown.acquire(prompt("four o'clock", "be long"), COOLDOWN_SECONDS - 0.1)
    assert cooldown.acquire(prompt("four o'clock"), COOLDOWN_SECONDS)


def test_the_memory_of_a_cooldown_is_bounded() -> None:
    cooldown = WarmUpCooldown()
    for number in range(100):
        cooldown.acquire(prompt("now", str(number)), 0.0)
    assert len(cooldown._read) <= MAX_REMEMBERED + 1
