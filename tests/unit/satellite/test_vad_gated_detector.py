"""The VAD-gated wake detector: speech is forwarded, and wake words keep their positions."""

import asyncio
from collections.abc import Callable, Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake.vad_gate import KEEPALIVE_SECONDS, GateRules, SpeechGate
from wyoming_rosie_satellite.wake.vad_gated_detector import VadGatedDetector

PIECE = 1024
SECONDS = 0.032
RULES = GateRules(buffer_seconds=4 * SECONDS, wake_word_timeout=6 * SECONDS)


def through(rules: GateRules, probabilities: list[float]) -> list[int]:
    """Return the numbers of the pieces that are let through."""
    gate = SpeechGate(rules, SECONDS)
    let = [one for number, p in enumerate(probabilities) for one in gate.process(number.to_bytes(4, "big"), p)]
    return [int.from_bytes(one, "big") for one in let]


def test_speech_passes_with_what_came_before_and_after() -> None:
    assert through(RULES, [0.0] * 10 + [0.9] + [0.0] * 20) == list(range(6, 16))


def test_a_click_is_not_enough_when_more_is_asked_for() -> None:
    rules = GateRules(trigger_level=3, buffer_seconds=0, wake_word_timeout=SECONDS)
    assert through(rules, [0.9, 0.9, 0.0, 0.9, 0.9, 0.9, 0.9, 0.0]) == [5, 6]


def test_long_silence_is_broken_before_anybody_takes_it_for_the_end() -> None:
    silence = [0.0] * round(2.5 * KEEPALIVE_SECONDS / SECONDS)
    assert 2 <= len(through(RULES, silence)) <= 10


@given(st.lists(st.floats(0, 1), max_size=300), st.integers(1, 4))
def test_what_passes_is_in_order_once_and_holds_all_speech(probabilities: list[float], trigger: int) -> None:
    rules = GateRules(trigger_level=trigger, buffer_seconds=RULES.buffer_seconds, wake_word_timeout=SECONDS)
    passed = through(rules, probabilities)
    assert passed == sorted(set(passed))
    runs = [
        number
        for number in range(len(probabilities))
        if all(p >= 0.5 for p in probabilities[max(0, number - trigger + 1) : number + 1]) and number >= trigger - 1
    ]
    assert set(runs) <= set(passed)


class FirstByteScorer:
    """Takes a piece's first byte for its probability in percent."""

    piece_bytes = PIECE

    def score(self, piece: bytes) -> float:
        return piece[0] / 100


class EchoingDetector:
    """Wakes up for each piece that begins with 99, at its end."""

    def __init__(self) -> None:
        self._given = 0
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(1000)

    def push_audio(self, pcm: bytes) -> None:
        self._pieces.put_nowait(pcm)

    def select_words(self, names: Sequence[str]) -> None: ...

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        while True:
            piece = await self._pieces.get()
            self._given += len(piece) // 2
            if piece[0] == 99:
                on_wake_word(WakeWord("word", self._given, "turn"))


@given(st.lists(st.tuples(st.sampled_from([0, 60, 99]), st.integers(1, 30)), max_size=8))
@example([(0, 20), (99, 1), (0, 30), (60, 1), (99, 2)])
async def test_wake_words_keep_their_places_in_what_was_heard(runs: list[tuple[int, int]]) -> None:
    said = [first for first, count in runs for _ in range(count)]
    ears = VadGatedDetector(EchoingDetector(), FirstByteScorer(), RULES)
    found: list[int] = []
    task = asyncio.create_task(ears.run(lambda word: found.append(word.sample)))
    expected = [(number + 1) * PIECE // 2 for number, first in enumerate(said) if first == 99]
    for first in said:
        ears.push_audio(bytes([first]) * PIECE)
    async with asyncio.timeout(60):
        while len(found) < len(expected):
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    assert found == expected
