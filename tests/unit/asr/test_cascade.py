"""The cascade's choice between the transcripts of the grammar and of Whisper."""

import pytest
from wyoming.info import AsrModel, AsrProgram

from tests.unit.asr.fakes import CREDIT
from wyoming_rosie.errors import EngineError
from wyoming_rosie.voice_activity.endpointing import Completeness
from wyoming_rosie_asr.admission import DecodeJob, Priority
from wyoming_rosie_asr.engine import AsrEngine, SpeechAudio, TranscribeRequest, Transcript
from wyoming_rosie_asr.engines.cascade import CascadeEngine, Settings

AUDIO = SpeechAudio(bytes(32_000), ((0, 1000),))
COMMAND, DICTATION = "turn on the lamp", "Turn on the radio."


class ScriptedEngine(AsrEngine):
    """Answers everything with one transcript or error, and counts the requests."""

    def __init__(self, answer: Transcript | EngineError, *, is_installed: bool = True) -> None:
        self.calls = 0
        self._answer = answer
        self._is_installed = is_installed

    @property
    def is_installed(self) -> bool:
        return self._is_installed

    def describe(self) -> AsrProgram:
        model = AsrModel("scripted", CREDIT, self._is_installed, None, None, ["en"])
        return AsrProgram("scripted", CREDIT, self._is_installed, None, None, [model])

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        self.calls += 1
        if isinstance(self._answer, EngineError):
            raise self._answer
        return self._answer


async def decode(small: ScriptedEngine, large: ScriptedEngine, priority: Priority = Priority.FINAL) -> Transcript:
    cascade = CascadeEngine(small, large, Settings())
    return await cascade.transcribe(AUDIO, TranscribeRequest(), DecodeJob(priority))


@pytest.mark.parametrize(
    ("grammar", "whisper", "text"),
    [
        (Transcript(COMMAND, 0.95), Transcript(DICTATION, 0.9), COMMAND),
        (Transcript(COMMAND, 0.9), Transcript(DICTATION, 0.9), DICTATION),
        (Transcript(COMMAND, 0.9), Transcript(DICTATION, 0.4), ""),
        (Transcript(COMMAND, 0.9), Transcript(), ""),
        (Transcript("", 0.7), Transcript(DICTATION, 0.9), DICTATION),
        (Transcript("", 0.7), Transcript(DICTATION, 0.4), ""),
    ],
    ids=["sure", "Whisper is likely", "both doubt", "no speech", "no command", "no command, Whisper guesses"],
)
async def test_the_transcript_comes_from_the_engine_that_has_heard_it(
    grammar: Transcript, whisper: Transcript, text: str
) -> None:
    assert (await decode(ScriptedEngine(grammar), ScriptedEngine(whisper))).text == text


async def test_the_large_engine_is_not_asked_when_the_grammar_is_sure() -> None:
    large = ScriptedEngine(Transcript(DICTATION, 0.9))
    await decode(ScriptedEngine(Transcript(COMMAND, 0.95)), large)
    assert large.calls == 0


async def test_partial_results_come_from_the_large_engine_alone() -> None:
    small, large = ScriptedEngine(Transcript(COMMAND, 0.95)), ScriptedEngine(Transcript(DICTATION, 0.9))
    assert (await decode(small, large, Priority.PARTIAL)).text == DICTATION
    assert small.calls == 0


@pytest.mark.parametrize("priority", Priority)
async def test_a_large_engine_that_fails_or_is_missing_leaves_the_grammar(priority: Priority) -> None:
    text = "" if priority is Priority.PARTIAL else COMMAND
    failing = ScriptedEngine(EngineError("the model does not load"))
    missing = ScriptedEngine(Transcript(DICTATION, 0.9), is_installed=False)
    for large in (failing, missing):
        assert (await decode(ScriptedEngine(Transcript(COMMAND, 0.9)), large, priority)).text == text


async def test_the_beginning_of_a_command_stays_one_whatever_whisper_writes() -> None:
    grammar = Transcript("", 0.85, completeness=Completeness.BEGINNING)
    for score in (0.9, 0.4):
        decoded = await decode(ScriptedEngine(grammar), ScriptedEngine(Transcript("Turn on the", score)))
        assert decoded.completeness is Completeness.BEGINNING
