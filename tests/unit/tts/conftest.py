from collections.abc import AsyncIterator

import pytest

from tests.unit.tts.fakes import UNCHANGED, LetterEngine, Listener
from wyoming_rosie_tts.phrase_cache import PhraseCache
from wyoming_rosie_tts.reply_audio import TtsContext
from wyoming_rosie_tts.synthesis_scheduler import SynthesisScheduler


@pytest.fixture
async def scheduler() -> AsyncIterator[SynthesisScheduler]:
    scheduler = SynthesisScheduler("test", workers=1)
    yield scheduler
    scheduler.close()


@pytest.fixture
def engine() -> LetterEngine:
    return LetterEngine()


@pytest.fixture
async def context(engine: LetterEngine, scheduler: SynthesisScheduler) -> TtsContext:
    return TtsContext(engine, scheduler, PhraseCache(0), UNCHANGED)


@pytest.fixture
async def listener(context: TtsContext) -> Listener:
    return Listener(context)
