"""Ears that are only given what may be speech: less work for them, and less that leaves the room."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake.detectors import AudioBacklog, WakeDetector
from wyoming_rosie_satellite.wake.vad_gate import GateRules, SpeechGate

MAX_SHIFTS = 256
"""So many of the latest gaps are remembered."""


class SpeechScorer(Protocol):
    """Says how probably sound is speech; used on one thread."""

    piece_bytes: int

    def score(self, piece: bytes) -> float:
        """Judge the next piece of 16 kHz 16-bit mono."""


class SileroScorer:
    """Silero's network behind WebRTC's gate, for one stream."""

    def __init__(self, engine: Any) -> None:
        self.piece_bytes: int = engine.frame_bytes
        self._engine = engine
        self._detector = engine.listen()

    def score(self, piece: bytes) -> float:
        return float(self._engine.hear([(self._detector, piece)])[0][0].probability)


class VadGatedDetector:
    """Gives other ears what a gate lets through; the places of wake words are those in all that was heard."""

    def __init__(self, ears: WakeDetector, judge: SpeechScorer, rules: GateRules) -> None:
        self._wake_detector = ears
        self._scorer = judge
        self._gate = SpeechGate(rules, SPEECH.seconds(judge.piece_bytes))
        self._backlog = AudioBacklog()
        self._shifts: deque[tuple[int, int]] = deque([(0, 0)], maxlen=MAX_SHIFTS)  # from this sample on, so much later
        self._forwarded = 0  # samples

    def push_audio(self, pcm: bytes) -> None:
        self._backlog.push(pcm)

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        await run_until_first_exit(
            self._gate_audio(), self._wake_detector.run(lambda word: on_wake_word(self._restore_position(word)))
        )

    async def _gate_audio(self) -> None:
        worker = ThreadWorker("gate")
        rest = b""
        try:
            while True:
                rest += await self._backlog.pop()
                while len(rest) >= self._scorer.piece_bytes:
                    piece, rest = rest[: self._scorer.piece_bytes], rest[self._scorer.piece_bytes :]
                    self._forward(piece, await worker.run(self._scorer.score, piece))
        finally:
            worker.close()

    def _forward(self, piece: bytes, probability: float) -> None:
        passed = self._gate.process(piece, probability)
        lost = self._backlog.offset + self._gate.dropped * len(piece) // SPEECH.frame_bytes
        if passed and lost != self._shifts[-1][1]:
            self._shifts.append((self._forwarded, lost))
        for one in passed:
            self._forwarded += len(one) // SPEECH.frame_bytes
            self._wake_detector.push_audio(one)

    def _restore_position(self, word: WakeWord) -> WakeWord:
        """Return the word with its place in all that was heard."""
        shift = next((later for start, later in reversed(self._shifts) if start < word.sample), 0)
        return replace(word, sample=word.sample + shift)
