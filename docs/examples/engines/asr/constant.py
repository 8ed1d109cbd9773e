"""Transcribes every utterance as the same text."""

from dataclasses import dataclass

from wyoming.info import AsrModel, AsrProgram, Attribution

from wyoming_rosie.config import option
from wyoming_rosie.voice_activity.endpointing import Completeness
from wyoming_rosie_asr.admission import DecodeJob
from wyoming_rosie_asr.engine import AsrEngine, EngineContext, SpeechAudio, TranscribeRequest, Transcript

CREDIT = Attribution("the example", "https://example.org")


@dataclass(frozen=True)
class Settings:
    text: str = option("turn on the kitchen light", "the transcript of every utterance")


class ConstantEngine(AsrEngine):
    def __init__(self, text: str) -> None:
        self._text = text

    def describe(self) -> AsrProgram:
        model = AsrModel("constant", CREDIT, True, "One text", "1.0", ["en"])
        return AsrProgram("constant", CREDIT, True, "One text for everything", "1.0", [model])

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        return Transcript(self._text, score=1.0, language="en", completeness=Completeness.COMPLETE)


def load(settings: Settings, context: EngineContext) -> ConstantEngine:
    return ConstantEngine(settings.text)
