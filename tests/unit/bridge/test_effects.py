import asyncio

import pytest

from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.memory import MemoryJobs
from wyoming_rosie_bridge import effects
from wyoming_rosie_bridge.effects import InterruptedEffectError, recall_answer, run_once, settle


class CountedEffect:
    """Counts how often it is begun; may fail."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.begun = 0
        self.failure = failure

    async def __call__(self) -> str:
        self.begun += 1
        if self.failure is not None:
            raise self.failure
        return f"answer {self.begun}"


class LossyJobs(MemoryJobs):
    """Loses the answers to the first decisions, which it records all the same."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.lost = lost

    async def decide(self, decision: str, value: str) -> str:
        decided = await super().decide(decision, value)
        if self.lost:
            self.lost -= 1
            raise BusError("no answer in time")
        return decided


@pytest.mark.parametrize("repeatable", [False, True])
async def test_a_redelivery_gets_the_recorded_answer(*, repeatable: bool) -> None:
    jobs, effect = MemoryJobs(), CountedEffect()
    answers = [await run_once(jobs, "k", effect, repeatable=repeatable) for _ in range(3)]
    assert answers == ["answer 1"] * 3
    assert effect.begun == 1


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), BusError("gone"), ValueError()])
async def test_an_effect_that_was_interrupted_is_not_begun_again(failure: BaseException) -> None:
    jobs, effect = MemoryJobs(), CountedEffect(failure)
    with pytest.raises(type(failure)):
        await run_once(jobs, "k", effect, repeatable=False)
    effect.failure = None
    for _ in range(2):
        with pytest.raises(InterruptedEffectError):
            await run_once(jobs, "k", effect, repeatable=False)
    assert effect.begun == 1


async def test_a_repeatable_effect_is_begun_again() -> None:
    jobs, effect = MemoryJobs(), CountedEffect(BusError("gone"))
    with pytest.raises(BusError):
        await run_once(jobs, "k", effect, repeatable=True)
    effect.failure = None
    assert await run_once(jobs, "k", effect, repeatable=True) == "answer 2"


async def test_other_names_are_other_effects() -> None:
    jobs, effect = MemoryJobs(), CountedEffect()
    assert await run_once(jobs, "one", effect, repeatable=False) == "answer 1"
    assert await run_once(jobs, "two", effect, repeatable=False) == "answer 2"


async def test_a_lost_confirmation_is_not_taken_for_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "FIRST_PAUSE_SECONDS", 0.001)
    jobs, effect = LossyJobs(lost=2), CountedEffect()
    assert await run_once(jobs, "k", effect, repeatable=False) == "answer 1"
    assert effect.begun == 1


async def test_of_two_that_run_at_once_only_one_begins() -> None:
    jobs, effect = MemoryJobs(), CountedEffect()
    outcomes = await asyncio.gather(
        *(run_once(jobs, "k", effect, repeatable=False) for _ in range(5)), return_exceptions=True
    )
    assert effect.begun == 1
    assert {outcome for outcome in outcomes if isinstance(outcome, str)} == {"answer 1"}


async def test_the_first_answer_counts() -> None:
    jobs, effect = MemoryJobs(), CountedEffect()
    assert await recall_answer(jobs, "k") is None
    assert await settle(jobs, "k", "interrupted") == "interrupted"
    assert await settle(jobs, "k", "late") == "interrupted"
    assert await run_once(jobs, "k", effect, repeatable=False) == "interrupted"
    assert effect.begun == 0
