"""Speaker change detection, with an engine that tells voices apart by their pitch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.shared.voices import HIGH, LOW, PitchEngine, talk
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers.change import (
    MAX_WINDOWS,
    OPENING_MS,
    WINDOW_MS,
    Segments,
    SpeakerChangeDetector,
    find_dip,
    slice_speech,
)
from wyoming_rosie.voice_activity.endpointing import EndpointDecision, EndpointingRules
from wyoming_rosie_asr.endpointer import UtteranceEndpointer

CHUNK_MS = 100
TOLERANCE_MS = 500


def listen(pcm: bytes, pauses: Segments = (), chunk_ms: int = CHUNK_MS) -> int | None:
    """Return the first change that is found in audio which arrives in chunks."""
    detector = SpeakerChangeDetector(PitchEngine())
    for now in range(chunk_ms, round(1000 * SPEECH.seconds(len(pcm))) + 1, chunk_ms):
        segments = speech_until(now, pauses)
        if segments and detector.is_due(segments):
            found = detector.process(pcm[: SPEECH.bytes_in(now / 1000)], segments)
            if found is not None:
                return found
    return None


def speech_until(now: int, pauses: Segments) -> list[tuple[int, int]]:
    edges = [0, *(edge for pause in pauses if pause[0] < now for edge in pause), now]
    return [
        (begin, min(end, now)) for begin, end in zip(edges[::2], edges[1::2], strict=False) if begin < min(end, now)
    ]


@pytest.mark.parametrize("below", [0, 5, 10])
@pytest.mark.parametrize("command_ms", [1600, 2000, 3200, 6000])
def test_another_voice_is_found_where_it_begins(command_ms: int, below: int) -> None:
    pcm = talk(LOW, command_ms) + talk(HIGH, 5000, 8000 / 10 ** (below / 20))
    found = listen(pcm)
    assert found is not None
    assert abs(found - command_ms) <= TOLERANCE_MS


@given(
    hertz=st.sampled_from((LOW, HIGH)),
    seconds=st.integers(1, 12),
    chunk_ms=st.integers(20, 900),
    pauses=st.lists(st.tuples(st.integers(0, 12_000), st.integers(100, 1500)), max_size=4),
    levels=st.lists(st.floats(1000, 20_000), min_size=1, max_size=4),
)
def test_one_voice_is_never_taken_for_two(
    hertz: int, seconds: int, chunk_ms: int, pauses: list[tuple[int, int]], levels: list[float]
) -> None:
    pcm = b"".join(talk(hertz, 1000, levels[second % len(levels)]) for second in range(seconds))
    apart: list[tuple[int, int]] = []
    for begin, length in sorted(pauses):
        if not apart or begin > apart[-1][1]:
            apart.append((begin, begin + length))
    assert listen(pcm, apart, chunk_ms) is None


@given(command_ms=st.integers(0, OPENING_MS + WINDOW_MS - 1))
def test_a_short_command_is_not_even_compared(command_ms: int) -> None:
    assert not SpeakerChangeDetector(PitchEngine()).is_due([(0, command_ms)])


def test_the_work_for_one_utterance_is_bounded() -> None:
    engine = PitchEngine()
    detector, pcm = SpeakerChangeDetector(engine), talk(LOW, 60_000)
    for now in range(CHUNK_MS, 60_000, CHUNK_MS):
        if detector.is_due([(0, now)]):
            detector.process(pcm[: SPEECH.bytes_in(now / 1000)], [(0, now)])
    assert engine.embedded == MAX_WINDOWS + 1


def test_one_strange_moment_is_no_other_voice() -> None:
    strange = talk(LOW, 4200) + talk(HIGH, 1000) + talk(LOW, 3900)  # one window is mostly of the other pitch
    assert listen(strange) is None


def test_noise_without_pauses_is_doubtful_and_changes_nothing() -> None:
    noise = np.random.default_rng(1).normal(0, 3000, 80_000).astype(np.int16).tobytes()
    assert listen(talk(LOW, 2000) + noise) is None
    assert listen(noise + talk(HIGH, 4000)) is None


@given(
    parts=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 900)), max_size=6),
    begin=st.integers(0, 3000),
    length=st.integers(0, 3000),
)
def test_a_slice_of_speech_is_inside_and_as_long_as_there_is(
    parts: list[tuple[int, int]], begin: int, length: int
) -> None:
    segments, at = list[tuple[int, int]](), 0
    for pause, speech in parts:
        segments.append((at + pause, at + pause + speech))
        at += pause + speech
    total = sum(last - first for first, last in segments)
    sliced = slice_speech(segments, begin, begin + length)
    assert sum(last - first for first, last in sliced) == max(0, min(begin + length, total) - min(begin, total))
    assert all(any(a <= first and last <= b for a, b in segments) for first, last in sliced)


def test_the_softest_moment_is_between_two_words() -> None:
    pcm = talk(LOW, 300) + bytes(SPEECH.bytes_in(0.1)) + talk(LOW, 300)
    assert abs(find_dip(pcm, 100, 600) - 350) <= 60
    assert find_dip(b"", 100, 600) == 100


def run(endpointer: UtteranceEndpointer, other_voice_ms: int | None, found_ms: int, stop_ms: int) -> int:
    """Return when an utterance that is spoken from 100 ms on ends."""
    endpointer.on_speech_start(100)
    for now in range(100, 30_000, 32):
        if other_voice_ms is not None and now - 32 < found_ms <= now:
            endpointer.on_other_voice(other_voice_ms)
        if now - 32 < stop_ms <= now:
            endpointer.on_speech_stop(stop_ms)
        if EndpointDecision.DONE in endpointer.advance(now):
            return now
    return 30_000


def test_a_command_ends_though_another_voice_goes_on() -> None:
    rules = EndpointingRules()
    endpointer = UtteranceEndpointer(rules)
    assert run(endpointer, 2000, 4000, 15_000) == pytest.approx(4000, abs=32)
    assert endpointer.speech_segments(15_000) == ((100, 2000),)
    assert run(UtteranceEndpointer(rules), None, 0, 15_000) >= 15_000


@given(at_ms=st.integers(-100, 100))
def test_another_voice_before_the_speech_changes_nothing(at_ms: int) -> None:
    endpointer = UtteranceEndpointer(EndpointingRules())
    endpointer.on_speech_start(100)
    assert not endpointer.on_other_voice(at_ms)
    assert endpointer.is_speech


def test_the_other_voice_may_have_paused_since() -> None:
    endpointer = UtteranceEndpointer(EndpointingRules())
    for begin, end in ((100, 2600), (2900, 3500)):
        endpointer.on_speech_start(begin)
        endpointer.on_speech_stop(end)
    endpointer.on_speech_start(3700)
    assert endpointer.on_other_voice(2000)
    assert endpointer.speech_segments(4000) == ((100, 2000),)
    assert endpointer.advance(4000) == [EndpointDecision.PERHAPS, EndpointDecision.DONE]


def test_speech_after_a_pause_counts_again() -> None:
    endpointer = UtteranceEndpointer(EndpointingRules())
    endpointer.on_speech_start(100)
    assert endpointer.on_other_voice(2000)
    endpointer.on_speech_stop(2600)  # of the other voice
    endpointer.on_speech_start(2900)
    endpointer.on_speech_stop(3500)
    assert endpointer.speech_segments(4000) == ((100, 2000), (2900, 3500))
