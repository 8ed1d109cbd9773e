import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_asr.admission import BusyError, DecodeJob, Priority, PriorityLimiter


class Office:
    """People with tickets, the order in which they were served, and who was turned away."""

    def __init__(self, places: int = 1, most_waiting: int = 100) -> None:
        self.turns = PriorityLimiter(places, most_waiting)
        self.served: list[str] = []
        self.refused: list[str] = []
        self.at_once = 0
        self._inside = 0

    async def visit(self, name: str, ticket: DecodeJob, steps: int = 1) -> None:
        try:
            async with self.turns.slot(ticket):
                self._inside += 1
                self.at_once = max(self.at_once, self._inside)
                self.served.append(name)
                try:
                    for _ in range(steps):
                        await asyncio.sleep(0)
                finally:
                    self._inside -= 1
        except BusyError:
            self.refused.append(name)

    def comes(self, name: str, urgency: Priority) -> tuple[asyncio.Task[None], DecodeJob]:
        ticket = DecodeJob(urgency)
        return asyncio.create_task(self.visit(name, ticket)), ticket


async def everybody(*visits: tuple[asyncio.Task[None], DecodeJob]) -> None:
    await asyncio.wait_for(asyncio.gather(*(visit for visit, _ in visits)), 60)


async def test_who_is_waited_for_comes_before_guesses_and_guesses_before_partial_ones() -> None:
    office = Office()
    kinds = [("first", Priority.PARTIAL), ("partial", Priority.PARTIAL), ("guess", Priority.SPECULATION)]
    kinds += [("answer", Priority.FINAL), ("second answer", Priority.FINAL)]
    await everybody(*(office.comes(name, urgency) for name, urgency in kinds))
    assert office.served == ["first", "answer", "second answer", "guess", "partial"]


async def test_a_guess_that_becomes_the_answer_moves_up() -> None:
    office = Office()
    first, early, late = (office.comes(name, Priority.SPECULATION) for name in ("first", "early", "late"))
    await asyncio.sleep(0)
    late[1].priority = Priority.FINAL
    await everybody(first, early, late)
    assert office.served == ["first", "late", "early"]


async def test_more_than_can_wait_are_refused() -> None:
    office = Office(most_waiting=2)
    await everybody(*(office.comes(str(number), Priority.FINAL) for number in range(5)))
    assert (office.served, office.refused) == (["0", "1", "2"], ["3", "4"])


async def test_an_answer_takes_the_place_of_a_guess_that_waits() -> None:
    office = Office(most_waiting=1)
    kinds = [("first", Priority.FINAL), ("guess", Priority.SPECULATION), ("answer", Priority.FINAL)]
    await everybody(*(office.comes(name, urgency) for name, urgency in kinds))
    assert (office.served, office.refused) == (["first", "answer"], ["guess"])


@given(st.data())
def test_whoever_leaves_holds_up_nobody(data: st.DataObject) -> None:
    asyncio.run(_come_and_leave(data))


async def _come_and_leave(data: st.DataObject) -> None:
    office = Office(places := data.draw(st.integers(1, 3)))
    visits = []
    for number in range(data.draw(st.integers(1, 8))):
        visits.append(office.comes(str(number), data.draw(st.sampled_from(Priority))))
        for _ in range(data.draw(st.integers(0, 2))):
            await asyncio.sleep(0)
        if data.draw(st.booleans()):
            visits[data.draw(st.integers(0, number))][0].cancel()
    await asyncio.wait([visit for visit, _ in visits], timeout=60)
    left = sum(visit.cancelled() for visit, _ in visits)
    assert len(set(office.served)) >= len(visits) - left
    assert office.at_once <= places
    await asyncio.wait_for(asyncio.gather(*(office.visit("after", DecodeJob(Priority.FINAL)) for _ in range(5))), 60)


async def test_a_refusal_is_an_error_with_a_code() -> None:
    turns = PriorityLimiter(1, 0)
    async with turns.slot(DecodeJob(Priority.FINAL)):
        with pytest.raises(BusyError) as refused:
            async with turns.slot(DecodeJob(Priority.FINAL)):
                pass
    assert refused.value.code == "busy"


async def test_those_who_wait_are_counted() -> None:
    office = Office()
    visits = [office.comes(name, Priority.FINAL) for name in ("first", "second", "third")]
    await asyncio.sleep(0)
    assert office.turns.waiting == 2
    await everybody(*visits)
    assert office.turns.waiting == 0
