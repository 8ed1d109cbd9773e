"""The spoken stop: the rules, what pocketsphinx takes for it, and the detector with a voice activity engine that hears loudness."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vad.fakes import FRAME_BYTES, LoudnessEngine
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, process_batch
from wyoming_rosie_satellite.wake.spoken_stop import (
    LEAST_SCORE,
    MARGIN_MS,
    SPEECH_MS,
    PhraseRecognizer,
    SpeechCutter,
    SpokenStopDetector,
    StopCandidate,
    StopHypothesis,
    is_stop,
)
from wyoming_rosie_tts.engine import VoiceRequest
from wyoming_rosie_tts.engines.espeak import engine as espeak
from wyoming_rosie_tts.text.segments import TextSegment

QUIET, LOUD = bytes(FRAME_BYTES), b"\x00\x40" * (FRAME_BYTES // 2)
SPOKEN_FRAMES = 14


@given(score=st.floats(0, 1), words_ms=st.integers(0, 3000), speech_ms=st.integers(0, 3000))
def test_only_speech_of_its_length_that_is_hardly_more_than_the_phrase_stops(
    score: float, words_ms: int, speech_ms: int
) -> None:
    if is_stop(StopHypothesis(score, words_ms), speech_ms):
        assert score >= LEAST_SCORE
        assert words_ms * 2 > speech_ms
        assert SPEECH_MS[0] <= speech_ms <= SPEECH_MS[-1]
    else:
        assert not is_stop(StopHypothesis(score / 2, words_ms), speech_ms)


def test_a_likely_phrase_stops() -> None:
    assert is_stop(StopHypothesis(0.9, 400), 450)


@pytest.mark.parametrize(
    ("start_ms", "stop_ms", "first_ms"),
    [(500, 900, 500 - MARGIN_MS), (100, 500, 0)],
    ids=["with a margin", "at the beginning of the stream"],
)
def test_speech_is_cut_with_a_margin(start_ms: int, stop_ms: int, first_ms: int) -> None:
    cutter = SpeechCutter()
    audio = b"".join(sample.to_bytes(2, "little") for sample in range(2 * SPEECH.rate))
    cutter.push_audio(audio)
    (piece,) = cutter.cut([SpeechStart(start_ms), SpeechStop(stop_ms)])
    assert piece.speech_ms == stop_ms - start_ms
    assert int.from_bytes(piece.pcm[:2], "little") == first_ms * 16
    assert SPEECH.seconds(len(piece.pcm)) == pytest.approx((piece.speech_ms + 2 * MARGIN_MS) / 1000)


def test_speech_whose_audio_is_gone_is_not_recognized() -> None:
    cutter = SpeechCutter()
    for _ in range(100):
        cutter.push_audio(bytes(SPEECH.bytes_in(0.1)))
    assert list(cutter.cut([SpeechStart(200), SpeechStop(600)])) == []


@pytest.mark.parametrize("duration_ms", [SPEECH_MS[0] - 32, SPEECH_MS[-1] + 32], ids=["a click", "a sentence"])
def test_speech_of_another_length_is_not_even_recognized(duration_ms: int) -> None:
    cutter = SpeechCutter()
    cutter.push_audio(bytes(SPEECH.bytes_in(2)))
    assert list(cutter.cut([SpeechStart(200), SpeechStop(200 + duration_ms)])) == []


def count_stops(pcm: bytes) -> int:
    """Return how many stops the real engines find in a recording."""
    engine, recognizer, cutter = silero.load(silero.Settings()), PhraseRecognizer(), SpeechCutter()
    stream = VadStream(engine, SegmenterRules())
    whole = bytes(SPEECH.bytes_in(0.5)) + pcm + bytes(SPEECH.bytes_in(1))
    pieces: list[StopCandidate] = []
    for at in range(0, len(whole) - FRAME_BYTES + 1, FRAME_BYTES):
        cutter.push_audio(whole[at : at + FRAME_BYTES])
        pieces += cutter.cut(process_batch(engine, [(stream, whole[at : at + FRAME_BYTES])])[0])
    stream.close()
    return sum(is_stop(recognizer.recognize(piece.pcm), piece.speech_ms) for piece in pieces)


def say(text: str) -> bytes:
    voice = espeak.load(espeak.Settings(rate=160, pitch=30)).select_voice(VoiceRequest(name="en-US"))
    pcm = b"".join(voice.synthesize(TextSegment(text), pause=True))
    converter = Converter(voice.audio_format, SPEECH)
    return converter.convert(pcm) + converter.finish()


@pytest.mark.parametrize("text", ["stop!", "please stop!"])
def test_the_phrase_is_recognized(text: str) -> None:
    assert count_stops(say(text)) == 1


@pytest.mark.parametrize("text", ["yes.", "turn on the light in the kitchen.", "I cannot stop the music now."])
def test_other_words_are_not_the_phrase(text: str) -> None:
    assert count_stops(say(text)) == 0


@pytest.mark.parametrize(
    "name", ["commands-en/next", "commands-en/cancel_timer", "wake/woww_alexa", "wake/woww_okay_nabu"]
)
def test_other_words_of_people_are_not_the_phrase(shared_data: Path, name: str) -> None:
    assert count_stops(read_wav(shared_data / f"{name}.wav")[1]) == 0


class ScriptedRecognizer:
    """Finds the phrase in everything, or in nothing."""

    def __init__(self, *, finds: bool) -> None:
        self.recognized: list[bytes] = []
        self._finds = finds

    def recognize(self, pcm: bytes) -> StopHypothesis:
        self.recognized.append(pcm)
        return StopHypothesis(1.0, len(pcm)) if self._finds else StopHypothesis()


class StopListener:
    """A detector that runs, and counts its stops."""

    def __init__(self, *, finds: bool) -> None:
        self.recognizer = ScriptedRecognizer(finds=finds)
        self.engine = LoudnessEngine()
        self.detector = SpokenStopDetector(self.engine, self.recognizer)
        self.stops = 0
        self._task = asyncio.create_task(self.detector.run(self._on_stop))

    def _on_stop(self) -> None:
        self.stops += 1

    async def hear_speech(self, *, is_heard: bool) -> None:
        for frame in [QUIET] * 10 + [LOUD] * SPOKEN_FRAMES + [QUIET] * 20:
            self.detector.push_audio(frame, is_heard=is_heard)
            await asyncio.sleep(0)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


@pytest.fixture
async def stopping() -> AsyncIterator[StopListener]:
    listener = StopListener(finds=True)
    yield listener
    await listener.close()


async def test_the_phrase_is_reported_once(stopping: StopListener) -> None:
    await stopping.hear_speech(is_heard=True)
    await wait_until(lambda: stopping.stops == 1)
    (pcm,) = stopping.recognizer.recognized
    assert LOUD * SPOKEN_FRAMES in pcm


async def test_nothing_is_followed_while_the_satellite_is_silent(stopping: StopListener) -> None:
    await stopping.hear_speech(is_heard=False)
    await stopping.hear_speech(is_heard=True)
    await wait_until(lambda: stopping.stops == 1)
    assert len(stopping.recognizer.recognized) == 1


async def test_the_end_of_the_output_ends_the_stream(stopping: StopListener) -> None:
    stopping.detector.push_audio(QUIET, is_heard=True)
    assert stopping.engine.open == 1
    stopping.detector.push_audio(QUIET, is_heard=False)
    await wait_until(lambda: stopping.engine.open == 0)


async def test_other_speech_stops_nothing() -> None:
    listener = StopListener(finds=False)
    await listener.hear_speech(is_heard=True)
    await wait_until(lambda: bool(listener.recognizer.recognized))
    await listener.hear_speech(is_heard=True)
    await wait_until(lambda: len(listener.recognizer.recognized) == 2)
    assert listener.stops == 0
    await listener.close()
