from collections.abc import AsyncIterator

import pytest

from tests.unit.tts.fakes import LetterEngine, Listener
from wyoming_rosie.workers import ThreadWorker


@pytest.fixture
async def worker() -> AsyncIterator[ThreadWorker]:
    worker = ThreadWorker("test")
    yield worker
    worker.close()


@pytest.fixture
def engine() -> LetterEngine:
    return LetterEngine()


@pytest.fixture
def listener(engine: LetterEngine, worker: ThreadWorker) -> Listener:
    return Listener(engine, worker)
