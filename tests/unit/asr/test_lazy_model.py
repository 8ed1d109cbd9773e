import asyncio

import pytest

from tests.waiting import wait_until
from wyoming_rosie.errors import EngineError
from wyoming_rosie_asr.lazy_model import LazyModel


class FakeModel:
    """Counts how often the model was loaded and unloaded."""

    def __init__(self, keep_seconds: float = 0.0) -> None:
        self.loads = self.unloads = 0
        self.fails = False
        self.may_continue = asyncio.Event()
        self.may_continue.set()
        self.lazy = LazyModel("model", self._load, self._unload, keep_seconds)

    async def _load(self) -> str:
        await self.may_continue.wait()
        if self.fails:
            raise EngineError("the model is missing")
        self.loads += 1
        return f"model {self.loads}"

    async def _unload(self, model: str) -> None:
        self.unloads += 1

    async def use(self, seconds: float = 0.0) -> str:
        async with self.lazy.acquire() as model:
            await asyncio.sleep(seconds)
            return model


async def test_concurrent_users_share_one_model() -> None:
    model = FakeModel()
    assert set(await asyncio.gather(*(model.use() for _ in range(5)))) == {"model 1"}
    await model.lazy.close()
    assert (model.loads, model.unloads) == (1, 1)


async def test_an_idle_model_is_unloaded_and_loaded_again() -> None:
    model = FakeModel(keep_seconds=0.03)
    await model.use(0.06)
    assert model.unloads == 0
    await wait_until(lambda: model.unloads == 1)
    assert await model.use() == "model 2"
    await model.lazy.close()


async def test_a_cancelled_user_does_not_cancel_the_loading() -> None:
    model = FakeModel()
    model.may_continue.clear()
    first, second = asyncio.create_task(model.use()), asyncio.create_task(model.use())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    model.may_continue.set()
    assert await second == "model 1"
    await model.lazy.close()


async def test_a_failed_loading_is_retried() -> None:
    model = FakeModel()
    model.fails = True
    with pytest.raises(EngineError):
        await model.use()
    model.fails = False
    assert await model.use() == "model 1"
    await model.lazy.close()


async def test_close_when_idle_waits_for_users() -> None:
    model = FakeModel()
    using = asyncio.create_task(model.use(0.05))
    await asyncio.sleep(0.01)
    await model.lazy.close_when_idle()
    assert (using.done(), model.unloads) == (True, 1)


async def test_it_can_be_closed_while_loading() -> None:
    model = FakeModel()
    model.may_continue.clear()
    using = asyncio.create_task(model.use())
    await asyncio.sleep(0)
    await model.lazy.close()
    with pytest.raises(asyncio.CancelledError):
        await using
