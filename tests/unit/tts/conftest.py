from collections.abc import AsyncIterator

import pytest

from tests.unit.tts.fakes import LetterEngine, Listener
from wyoming_rosie_tts.phrase_cache import PhraseCache
from wyoming_rosie_tts.reply_audio import Studio
from wyoming_rosie_tts.synthesis_scheduler import Desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk("test", workers=1)
    yield desk
    desk.close()


@pytest.fixture
def engine() -> LetterEngine:
    return LetterEngine()


@pytest.fixture
async def studio(engine: LetterEngine, desk: Desk) -> Studio:
    return Studio(engine, desk, PhraseCache(0))


@pytest.fixture
async def listener(studio: Studio) -> Listener:
    return Listener(studio)
