"""Spoken stop: somebody says "stop", and nothing else, while the satellite speaks or rings."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from wyoming_rosie.audio.alignment import (
    END_SILENCE,
    FRAMES_PER_SECOND,
    AlignedSegment,
    compute_score,
    read_segments,
)
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, create_scheduler
from wyoming_rosie_satellite.audio.pre_roll import SAMPLES_PER_MS, PreRoll

if TYPE_CHECKING:
    from pocketsphinx import Decoder

    from wyoming_rosie.runtime.stream_scheduler import ScheduledStream

_LOG = structlog.get_logger()
LEAST_SCORE = 0.78
"""Echo cancellation takes some of a voice that speaks at the same time as the satellite, mostly of the S: those score less."""
LEAST_COVERAGE = 0.55
"""Share of the speech that the words must take: more was said otherwise."""
SPEECH_MS = range(160, 1201)
"""Length of the speech; "please stop it" takes a second."""
MARGIN_MS = 150
"""Audio around the speech, since voice activity detection takes some of an S for noise."""
MAX_QUEUED = 4
_PHRASES, _PHONES = "phrases", "phones"
"""The two searches: for one of the phrases, and for any sequence of phones."""
_WORDS = {
    "stop": ("S T AA P", "S T AO P", "S T AH P", "T AA P", "T AO P", "S AA P"),
    "please": ("P L IY Z",),
    "it": ("IH T", "AH T"),
}
"""Words and how they sound, also when their beginning is lost in an echo."""
_START, _SAID_STOP, _SAID_PLEASE, _SAID_MORE, _END = range(5)
_TRANSITIONS: tuple[tuple[Any, ...], ...] = (
    (_START, _SAID_STOP, 0.8, "stop"),
    (_START, _SAID_PLEASE, 0.2, "please"),
    (_SAID_PLEASE, _SAID_STOP, 1.0, "stop"),
    (_SAID_STOP, _END, 0.8),
    (_SAID_STOP, _SAID_MORE, 0.1, "please"),
    (_SAID_STOP, _SAID_MORE, 0.1, "it"),
    (_SAID_MORE, _END, 1.0),
)
_BEAM, _WORD_BEAM = 1e-64, 1e-48


@dataclass(frozen=True)
class StopHypothesis:
    """The phrase in some speech: its length, and its likelihood relative to the best phones, 0 to 1, per second."""

    score: float = 0.0
    milliseconds: int = 0


def is_stop(hypothesis: StopHypothesis, speech_ms: int) -> bool:
    """Return whether speech of this length is the phrase and nothing else."""
    is_whole = hypothesis.milliseconds >= LEAST_COVERAGE * speech_ms
    return speech_ms in SPEECH_MS and is_whole and hypothesis.score >= LEAST_SCORE


class StopRecognizer(Protocol):
    """Recognizes the phrase; used on one thread."""

    def recognize(self, pcm: bytes) -> StopHypothesis:
        """Return the most likely phrase in 16 kHz 16-bit mono. Blocks."""


class PhraseRecognizer:
    """pocketsphinx with a grammar of a few words; takes 8 MB and loads in a few hundredths of a second."""

    def recognize(self, pcm: bytes) -> StopHypothesis:
        words = [part for part in self._search(_PHRASES, pcm) if part.is_word]
        if not words:
            return StopHypothesis()
        phones = self._search(_PHONES, pcm)
        frames = sum(word.frames for word in words)
        return StopHypothesis(compute_score(words, phones), frames * 1000 // FRAMES_PER_SECOND)

    @cached_property
    def _decoder(self) -> "Decoder":
        from pocketsphinx import Decoder, get_model_path

        with TemporaryDirectory() as folder:
            dictionary = Path(folder) / "stop.dict"
            dictionary.write_text("".join(_dictionary_lines()), "utf-8")
            decoder = Decoder(
                hmm=get_model_path("en-us/en-us"),
                dict=str(dictionary),
                lm=None,
                loglevel="FATAL",
                beam=_BEAM,
                pbeam=_BEAM,
                wbeam=_WORD_BEAM,
                topn=8,
                bestpath=False,
                compallsen=True,  # makes the likelihoods of the two searches comparable
            )
        decoder.add_fsg(_PHRASES, decoder.create_fsg(_PHRASES, _START, _END, list(_TRANSITIONS)))
        decoder.add_allphone_file(_PHONES, None)
        return decoder

    def _search(self, search: str, pcm: bytes) -> list[AlignedSegment]:
        decoder = self._decoder
        decoder.activate_search(search)
        decoder.start_utt()
        decoder.process_raw(pcm + END_SILENCE, full_utt=True)
        decoder.end_utt()
        return read_segments(decoder)


def _dictionary_lines() -> Iterator[str]:
    for word, sounds in _WORDS.items():
        for number, phones in enumerate(sounds, 1):
            yield f"{word}{f'({number})' if number > 1 else ''} {phones}\n"


@dataclass(frozen=True)
class StopCandidate:
    """Some speech with MARGIN_MS around it, and its own length."""

    pcm: bytes
    speech_ms: int


class SpeechCutter:
    """Cuts the speech that may be the phrase out of a stream that voice activity detection follows."""

    def __init__(self) -> None:
        self._audio = PreRoll()
        self._start_ms = 0  # of the present speech

    def push_audio(self, pcm: bytes) -> None:
        self._audio.push(pcm)

    def cut(self, events: Sequence[VadEvent]) -> Iterator[StopCandidate]:
        """Yield the speech that ends with these events, if it is neither too short nor too long."""
        for event in events:
            match event:
                case SpeechStart(time):
                    self._start_ms = time
                case SpeechStop(time) if (duration_ms := time - self._start_ms) in SPEECH_MS:
                    if pcm := self._read(duration_ms + 2 * MARGIN_MS):
                        yield StopCandidate(pcm, duration_ms)

    def _read(self, milliseconds: int) -> bytes:
        """Return the audio around the speech; nothing if detection is so late that its beginning is gone."""
        first = max(self._start_ms - MARGIN_MS, 0) * SAMPLES_PER_MS
        chunks = list(self._audio.read_from(first))
        if not chunks or chunks[0][0] > first:
            return b""
        return b"".join(pcm for _, pcm in chunks)[: SPEECH.bytes_in(milliseconds / 1000)]


class SpokenStopDetector:
    """Follows the microphone while the satellite is heard, and recognizes each piece of speech by itself."""

    def __init__(self, engine: VadEngine[Any], recognizer: StopRecognizer) -> None:
        self._engine = engine
        self._recognizer = recognizer
        self._scheduler = create_scheduler(engine)
        self._stream: ScheduledStream[VadStream, VadEvent] | None = None
        self._cutter = SpeechCutter()
        self._pieces: asyncio.Queue[StopCandidate] = asyncio.Queue(MAX_QUEUED)

    def push_audio(self, pcm: bytes, *, is_heard: bool) -> None:
        """Process the microphone's next audio; `is_heard`: the satellite speaks or rings. Never waits."""
        if not is_heard:
            self._end_stream()
            return
        if self._stream is None:
            self._cutter = SpeechCutter()
            self._stream = self._scheduler.create_stream(VadStream(self._engine, SegmenterRules()), self._on_vad_events)
        self._cutter.push_audio(pcm)
        self._stream.try_push(pcm)

    async def run(self, on_stop: Callable[[], None]) -> None:
        """Call `on_stop` whenever somebody says stop, until cancelled."""
        worker = ThreadWorker("stop")
        try:
            while True:
                piece = await self._pieces.get()
                hypothesis = await worker.run(self._recognizer.recognize, piece.pcm)
                _LOG.debug("speech during output", milliseconds=piece.speech_ms, score=round(hypothesis.score, 2))
                if is_stop(hypothesis, piece.speech_ms):
                    on_stop()
        finally:
            worker.close()
            self._end_stream()
            self._scheduler.close()

    def _end_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            self._scheduler.submit(stream.state.close)

    def _on_vad_events(self, events: Sequence[VadEvent]) -> None:
        for piece in self._cutter.cut(events):
            if not self._pieces.full():
                self._pieces.put_nowait(piece)
