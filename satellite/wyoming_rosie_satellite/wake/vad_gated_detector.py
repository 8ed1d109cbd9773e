"""Ears that are only given what may be speech: less work for them, and less that leaves the room."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake.detectors import Backlog, Ears
from wyoming_rosie_satellite.wake.vad_gate import GateRules, SpeechGate

SHIFTS = 256
"""So many of the latest gaps are remembered."""


class Judge(Protocol):
    """Says how probably sound is speech; used on one thread."""

    piece_bytes: int

    def probability(self, piece: bytes) -> float:
        """Judge the next piece of 16 kHz 16-bit mono."""


class SileroJudge:
    """Silero's network behind WebRTC's gate, for one stream."""

    def __init__(self, engine: Any) -> None:
        self.piece_bytes: int = engine.frame_bytes
        self._engine = engine
        self._detector = engine.listen()

    def probability(self, piece: bytes) -> float:
        return float(self._engine.hear([(self._detector, piece)])[0][0].probability)


class GatedEars:
    """Gives other ears what a gate lets through; the places of wake words are those in all that was heard."""

    def __init__(self, ears: Ears, judge: Judge, rules: GateRules) -> None:
        self._ears = ears
        self._judge = judge
        self._gate = SpeechGate(rules, SPEECH.seconds(judge.piece_bytes))
        self._backlog = Backlog()
        self._shifts: deque[tuple[int, int]] = deque([(0, 0)], maxlen=SHIFTS)  # from this sample on, so much later
        self._given = 0  # samples

    def hear(self, pcm: bytes) -> None:
        self._backlog.put(pcm)

    async def listen(self, heard: Callable[[WakeWord], None]) -> None:
        await run_until_first_exit(self._judge_all(), self._ears.listen(lambda word: heard(self._placed(word))))

    async def _judge_all(self) -> None:
        worker = ThreadWorker("gate")
        rest = b""
        try:
            while True:
                rest += await self._backlog.get()
                while len(rest) >= self._judge.piece_bytes:
                    piece, rest = rest[: self._judge.piece_bytes], rest[self._judge.piece_bytes :]
                    self._pass(piece, await worker.run(self._judge.probability, piece))
        finally:
            worker.close()

    def _pass(self, piece: bytes, probability: float) -> None:
        passed = self._gate.take(piece, probability)
        lost = self._backlog.offset + self._gate.dropped * len(piece) // SPEECH.frame_bytes
        if passed and lost != self._shifts[-1][1]:
            self._shifts.append((self._given, lost))
        for one in passed:
            self._given += len(one) // SPEECH.frame_bytes
            self._ears.hear(one)

    def _placed(self, word: WakeWord) -> WakeWord:
        """Return the word with its place in all that was heard."""
        shift = next((later for start, later in reversed(self._shifts) if start < word.sample), 0)
        return replace(word, sample=word.sample + shift)
