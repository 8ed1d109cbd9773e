"""Wake detector in this process: microWakeWord models on a thread."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.protocol import turn
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie.wakeword.detection import TriggerRules, match_name
from wyoming_rosie.wakeword.micro import MicroModel, MicroStream
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake.detector import count_samples

PIECE_BYTES = SPEECH.bytes_in(0.06)
"""Two scores of a microWakeWord network; waking its thread costs several times as much as they do."""
MAX_QUEUED_PIECES = 100


class LocalDetector:
    """Runs microWakeWord models on a thread of its own, which wakes the event loop for wake words only."""

    def __init__(
        self, words: Sequence[MicroModel], rules: TriggerRules, available: Mapping[str, MicroModel] | None = None
    ) -> None:
        self._words = words
        self._available = available or {word.name: word for word in words}
        self._rules = rules
        self._received = 0  # samples
        self._piece = b""
        self._pieces: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()  # position of the end, audio
        self._selected: SimpleQueue[Sequence[MicroModel]] = SimpleQueue()
        self._scores: dict[str, float] = {}
        self._scores_lock = threading.Lock()

    def push_audio(self, pcm: bytes) -> None:
        self._piece += pcm
        self._received += count_samples(pcm)
        if len(self._piece) >= PIECE_BYTES:
            if self._pieces.qsize() >= MAX_QUEUED_PIECES:
                with suppress(Empty):  # the thread took it just now
                    self._pieces.get_nowait()
            self._pieces.put((self._received, self._piece))
            self._piece = b""

    def select_words(self, names: Sequence[str]) -> None:
        matched = dict.fromkeys(match_name(name, self._available) for name in names)
        self._selected.put([self._available[name] for name in matched if name in self._available])

    @property
    def thresholds(self) -> Mapping[str, float]:
        triggers = {name: self._rules.create_trigger(name, word.cutoff) for name, word in self._available.items()}
        return {name: trigger.threshold for name, trigger in triggers.items()}

    def take_scores(self) -> Mapping[str, float]:
        with self._scores_lock:
            scores, self._scores = self._scores, {}
            return scores

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        worker = ThreadWorker("wake")
        loop = asyncio.get_running_loop()
        try:
            await worker.run(self._detect, lambda word: loop.call_soon_threadsafe(on_wake_word, word))
        finally:
            self._pieces.put(None)
            worker.close()

    def _detect(self, on_wake_word: Callable[[WakeWord], object]) -> None:
        stream = MicroStream(self._words, self._rules)
        processed = 0
        while (piece := self._pieces.get()) is not None:
            end, pcm = piece
            stream.skip(end - count_samples(pcm) - processed)  # audio that was dropped before it
            processed = end
            if not self._selected.empty():
                stream.set_models(self._selected.get())
            for found in stream.process(pcm):
                on_wake_word(WakeWord(found.name, found.sample, turn.new_id(), found.score, found.is_near_miss))
            self._add_scores(stream.take_scores())

    def _add_scores(self, scores: Mapping[str, float]) -> None:
        with self._scores_lock:
            for name, score in scores.items():
                self._scores[name] = max(score, self._scores.get(name, 0.0))
