from collections.abc import AsyncIterator

import pytest

from tests.unit.tts.fakes import LetterEngine, Listener
from wyoming_rosie_tts.phrase_cache import PhraseCache
from wyoming_rosie_tts.reply_audio import TtsContext
from wyoming_rosie_tts.synthesis_scheduler import SynthesisScheduler


@pytest.fixture
async def desk() -> AsyncIterator[SynthesisScheduler]:
    desk = SynthesisScheduler("test", workers=1)
    yield desk
    desk.close()


@pytest.fixture
def engine() -> LetterEngine:
    return LetterEngine()


@pytest.fixture
async def studio(engine: LetterEngine, desk: SynthesisScheduler) -> TtsContext:
    return TtsContext(engine, desk, PhraseCache(0))


@pytest.fixture
async def listener(studio: TtsContext) -> Listener:
    return Listener(studio)
