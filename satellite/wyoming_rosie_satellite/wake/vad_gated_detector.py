"""VAD-gated wake detector: another detector gets speech only, which saves work and keeps audio in the room."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake.detector import AudioBacklog, ScoredDetector, WakeDetector
from wyoming_rosie_satellite.wake.vad_gate import GateRules, SpeechGate

MAX_SHIFTS = 256
"""Number of the latest gaps whose positions are kept."""


class SpeechScorer(Protocol):
    """Scores frames by the probability of speech; used on one thread."""

    piece_bytes: int

    def score(self, piece: bytes) -> float:
        """Return the probability, 0 to 1, that the next frame of 16 kHz 16-bit mono is speech."""


class SileroScorer:
    """The Silero VAD, behind WebRTC's, for one stream."""

    def __init__(self, engine: VadEngine[Any]) -> None:
        self.piece_bytes = engine.frame_bytes
        self._engine = engine
        self._state = engine.create_stream()

    def score(self, piece: bytes) -> float:
        return self._engine.process_batch([(self._state, piece)])[0][0].probability


class VadGatedDetector:
    """Passes speech to another detector, and maps the positions of its wake words back to the microphone's audio."""

    def __init__(self, detector: WakeDetector, scorer: SpeechScorer, rules: GateRules) -> None:
        self._wake_detector = detector
        self._scorer = scorer
        self._gate = SpeechGate(rules, SPEECH.seconds(scorer.piece_bytes))
        self._backlog = AudioBacklog()
        self._shifts: deque[tuple[int, int]] = deque(
            [(0, 0)], maxlen=MAX_SHIFTS
        )  # position in the forwarded audio, samples dropped before
        self._forwarded = 0  # samples

    def push_audio(self, pcm: bytes) -> None:
        self._backlog.push(pcm)

    def select_words(self, names: Sequence[str]) -> None:
        self._wake_detector.select_words(names)

    @property
    def thresholds(self) -> Mapping[str, float]:
        return self._wake_detector.thresholds if isinstance(self._wake_detector, ScoredDetector) else {}

    def take_scores(self) -> Mapping[str, float]:
        return self._wake_detector.take_scores() if isinstance(self._wake_detector, ScoredDetector) else {}

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        await run_until_first_exit(
            self._gate_audio(), self._wake_detector.run(lambda word: on_wake_word(self._restore_position(word)))
        )

    async def _gate_audio(self) -> None:
        worker = ThreadWorker("gate")
        buffered = b""
        try:
            while True:
                buffered += await self._backlog.pop()
                while len(buffered) >= self._scorer.piece_bytes:
                    piece, buffered = buffered[: self._scorer.piece_bytes], buffered[self._scorer.piece_bytes :]
                    self._forward(piece, await worker.run(self._scorer.score, piece))
        finally:
            worker.close()

    def _forward(self, piece: bytes, probability: float) -> None:
        passed = self._gate.process(piece, probability)
        lost = self._backlog.offset + self._gate.dropped * len(piece) // SPEECH.frame_bytes
        if passed and lost != self._shifts[-1][1]:
            self._shifts.append((self._forwarded, lost))
        for pcm in passed:
            self._forwarded += len(pcm) // SPEECH.frame_bytes
            self._wake_detector.push_audio(pcm)

    def _restore_position(self, word: WakeWord) -> WakeWord:
        """Return the wake word with its position in the microphone's audio."""
        shift = next((later for start, later in reversed(self._shifts) if start < word.sample), 0)
        return replace(word, sample=word.sample + shift)
