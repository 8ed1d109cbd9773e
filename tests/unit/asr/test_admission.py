import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_asr.admission import BusyError, DecodeJob, Priority, PriorityLimiter


class LimiterUsers:
    """Users of a limiter: the order in which they ran, and those that were rejected."""

    def __init__(self, places: int = 1, most_waiting: int = 100) -> None:
        self.limiter = PriorityLimiter(places, most_waiting)
        self.started: list[str] = []
        self.rejected: list[str] = []
        self.most_running = 0
        self._running = 0

    async def run(self, name: str, job: DecodeJob, steps: int = 1) -> None:
        try:
            async with self.limiter.slot(job):
                self._running += 1
                self.most_running = max(self.most_running, self._running)
                self.started.append(name)
                try:
                    for _ in range(steps):
                        await asyncio.sleep(0)
                finally:
                    self._running -= 1
        except BusyError:
            self.rejected.append(name)

    def start(self, name: str, urgency: Priority, client: str = "") -> tuple[asyncio.Task[None], DecodeJob]:
        job = DecodeJob(urgency, client)
        return asyncio.create_task(self.run(name, job)), job


async def wait_for_all(*visits: tuple[asyncio.Task[None], DecodeJob]) -> None:
    await asyncio.wait_for(asyncio.gather(*(visit for visit, _ in visits)), 60)


async def test_final_jobs_come_before_speculations_and_those_before_partial_results() -> None:
    users = LimiterUsers()
    kinds = [("first", Priority.PARTIAL), ("partial", Priority.PARTIAL), ("guess", Priority.SPECULATION)]
    kinds += [("answer", Priority.FINAL), ("second answer", Priority.FINAL)]
    await wait_for_all(*(users.start(name, urgency) for name, urgency in kinds))
    assert users.started == ["first", "answer", "second answer", "guess", "partial"]


async def test_a_job_with_raised_priority_moves_up() -> None:
    users = LimiterUsers()
    first, early, late = (users.start(name, Priority.SPECULATION) for name in ("first", "early", "late"))
    await asyncio.sleep(0)
    late[1].priority = Priority.FINAL
    await wait_for_all(first, early, late)
    assert users.started == ["first", "late", "early"]


async def test_too_many_waiting_jobs_are_rejected() -> None:
    users = LimiterUsers(most_waiting=2)
    await wait_for_all(*(users.start(str(number), Priority.FINAL) for number in range(5)))
    assert (users.started, users.rejected) == (["0", "1", "2"], ["3", "4"])


async def test_a_final_job_replaces_a_waiting_speculation() -> None:
    users = LimiterUsers(most_waiting=1)
    kinds = [("first", Priority.FINAL), ("guess", Priority.SPECULATION), ("answer", Priority.FINAL)]
    await wait_for_all(*(users.start(name, urgency) for name, urgency in kinds))
    assert (users.started, users.rejected) == (["first", "answer"], ["guess"])


@given(st.data())
def test_cancelled_jobs_block_no_others(data: st.DataObject) -> None:
    asyncio.run(_come_and_leave(data))


async def _come_and_leave(data: st.DataObject) -> None:
    users = LimiterUsers(places := data.draw(st.integers(1, 3)))
    visits = []
    for number in range(data.draw(st.integers(1, 8))):
        visits.append(users.start(str(number), data.draw(st.sampled_from(Priority)), data.draw(st.sampled_from("ab"))))
        for _ in range(data.draw(st.integers(0, 2))):
            await asyncio.sleep(0)
        if data.draw(st.booleans()):
            visits[data.draw(st.integers(0, number))][0].cancel()
    await asyncio.wait([visit for visit, _ in visits], timeout=60)
    left = sum(visit.cancelled() for visit, _ in visits)
    assert len(set(users.started)) >= len(visits) - left
    assert users.most_running <= places
    await asyncio.wait_for(asyncio.gather(*(users.run("after", DecodeJob(Priority.FINAL)) for _ in range(5))), 60)


async def test_a_rejection_is_an_error_with_a_code() -> None:
    turns = PriorityLimiter(1, 0)
    async with turns.slot(DecodeJob(Priority.FINAL)):
        with pytest.raises(BusyError) as refused:
            async with turns.slot(DecodeJob(Priority.FINAL)):
                pass
    assert refused.value.code == "busy"


async def test_waiting_jobs_are_counted() -> None:
    users = LimiterUsers()
    visits = [users.start(name, Priority.FINAL) for name in ("first", "second", "third")]
    await asyncio.sleep(0)
    assert users.limiter.waiting == 2
    await wait_for_all(*visits)
    assert users.limiter.waiting == 0


async def test_clients_take_turns() -> None:
    users = LimiterUsers()
    visits = [users.start(name, Priority.FINAL, client="one") for name in ("1st", "2nd", "3rd", "4th")]
    visits.append(users.start("other", Priority.PARTIAL, client="two"))
    await wait_for_all(*visits)
    assert users.started == ["1st", "other", "2nd", "3rd", "4th"]


async def test_a_full_queue_refuses_the_client_that_has_most_requests_in_it() -> None:
    users = LimiterUsers(most_waiting=4)
    visits = [users.start(str(number), Priority.FINAL, client="one") for number in range(5)]
    visits += [users.start(name, Priority.FINAL, client="two") for name in ("a", "b", "c")]
    await wait_for_all(*visits)
    assert (users.started, users.rejected) == (["0", "a", "1", "b", "2"], ["c", "4", "3"])


async def test_after_a_pause_priority_counts_and_not_the_turns_before() -> None:
    users = LimiterUsers()
    await wait_for_all(users.start("before", Priority.FINAL, client="one"))
    visits = [users.start("first", Priority.FINAL, client="two")]
    visits.append(users.start("partial", Priority.PARTIAL, client="three"))
    visits.append(users.start("answer", Priority.FINAL, client="one"))
    await wait_for_all(*visits)
    assert users.started == ["before", "first", "answer", "partial"]
