"""The gate and the gain, with a network that records its input levels."""

from array import array
from collections.abc import Sequence

import pytest

from tests.unit.vad.fakes import mean_level
from wyoming_rosie.audio.levels import SILENCE_DBFS
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.silero_engine import (
    GATE_OPEN_FRAMES,
    MAX_GAIN_DB,
    WARM_UP_FRAMES,
    SileroEngine,
)
from wyoming_rosie.voice_activity.silero_network import Array


class RecordingNetwork:
    def __init__(self) -> None:
        self.streams = 0
        self.levels: list[float] = []

    def add_stream(self) -> int:
        self.streams += 1
        return 7

    def remove_stream(self, row: int) -> None:
        assert row == 7
        self.streams -= 1

    def predict(self, rows: Sequence[int], frames: Array) -> list[float]:
        assert frames.shape == (len(rows), 512)
        assert set(rows) == {7}
        self.levels += frames.max(axis=1).tolist()
        return [0.75] * len(rows)


class OddSampleGate:
    """Detects a voice in each frame that begins with an odd sample."""

    def is_speech(self, buf: bytes, sample_rate: int) -> bool:
        assert (len(buf), sample_rate) == (960, 16_000)
        return bool(array("h", buf)[0] % 2)


def frame(loudness: int, *, voice: bool = False) -> bytes:
    samples = array("h", [loudness, -loudness] * 256)
    samples[0] = loudness // 2 * 2 + voice
    return samples.tobytes()


def process(frames: list[bytes], at_once: int = 1) -> tuple[RecordingNetwork, list[float]]:
    network = RecordingNetwork()
    engine = SileroEngine(network, OddSampleGate)
    detector = engine.create_stream()
    pieces = [b"".join(frames[at : at + at_once]) for at in range(0, len(frames), at_once)]
    return network, [frame.probability for piece in pieces for frame in engine.process_batch([(detector, piece)])[0]]


def test_the_network_gets_no_silence() -> None:
    network, found = process([frame(100)] * 100)
    assert set(found) == {0.0}
    assert (network.levels, network.streams) == ([], 0)


def test_a_closed_stream_frees_its_row() -> None:
    network = RecordingNetwork()
    engine = SileroEngine(network, OddSampleGate)
    detector = engine.create_stream()
    engine.process_batch([(detector, frame(8000, voice=True))])
    assert network.streams == 1
    detector.close()
    assert network.streams == 0


@pytest.mark.parametrize("at_once", [2, 3, 7, 200])
def test_chunk_sizes_change_nothing(at_once: int) -> None:
    quiet, voice = frame(30), frame(800, voice=True)
    stream = ([quiet] * 5 + [voice] + [frame(60)] * 20) * 3
    alone, probabilities = process(stream)
    together, same = process(stream, at_once)
    assert same == probabilities
    assert together.levels == alone.levels


def test_the_model_gets_frames_before_the_voice_and_for_a_while_after_it() -> None:
    quiet, voice = frame(8000), frame(8000, voice=True)
    network, found = process([quiet] * 10 + [voice] * 5 + [quiet] * 100)
    assert found == [0.0] * 10 + [0.75] * (5 + GATE_OPEN_FRAMES) + [0.0] * (100 - GATE_OPEN_FRAMES)
    assert len(network.levels) == WARM_UP_FRAMES + 5 + GATE_OPEN_FRAMES


def test_frames_before_the_voice_keep_their_order() -> None:
    network, _ = process([frame(loudness) for loudness in (1000, 2000, 3000, 4000)] + [frame(5000, voice=True)])
    assert [round(heard * 32_768 / 1000) for heard in network.levels] == [2, 3, 4, 5]


def test_a_gate_that_opens_again_replays_no_frame_twice() -> None:
    quiet, voice = frame(8000), frame(8000, voice=True)
    network, found = process([voice] + [quiet] * (GATE_OPEN_FRAMES + 1) + [voice])
    assert len(network.levels) == 1 + GATE_OPEN_FRAMES + 1 + 1
    assert found[-2:] == [0.0, 0.75]


def test_a_soft_voice_is_amplified_and_a_loud_one_is_not() -> None:
    soft, loud = frame(20, voice=True), frame(8000, voice=True)
    assert process([soft] * 5)[0].levels[-1] == pytest.approx(21 / 32_768 * 10 ** (MAX_GAIN_DB / 20))
    assert max(process([loud] * 5)[0].levels) == pytest.approx(8000 / 32_768, rel=0.01)


def test_the_gain_falls_at_once_and_grows_slowly() -> None:
    soft, loud = frame(40, voice=True), frame(8000, voice=True)
    heard = process([soft, loud] + [soft] * 200)[0].levels
    assert heard[1] == pytest.approx(8000 / 32_768, rel=0.01)
    assert heard[2] == pytest.approx(41 / 32_768)
    assert heard[2] < heard[120] < heard[150] < 10 * heard[120]


def test_levels_are_decibels_of_full_scale() -> None:
    assert mean_level(bytes(1024)) == SILENCE_DBFS
    assert mean_level(array("h", [-32_768] * 512).tobytes()) == 0
    assert mean_level(array("h", [3277, -3277] * 256).tobytes()) == pytest.approx(-20, abs=0.01)


def test_invalid_settings_are_config_errors() -> None:
    with pytest.raises(ConfigError, match="from 0 to 3, not 4"):
        silero.load(silero.Settings(aggressiveness=4))


@pytest.mark.parametrize("gate", [True, False], ids=["gated", "model alone"])
def test_the_real_model_finds_no_voice_in_a_tone(gate: bool) -> None:
    engine = silero.load(silero.Settings(gate=gate))
    detector = engine.create_stream()
    square = array("h", ([6000] * 20 + [-6000] * 20) * 13)[:512].tobytes()
    assert len(square) == engine.frame_bytes
    (judged,) = engine.process_batch([(detector, square * 50)])
    assert max(frame.probability for frame in judged) < 0.5
    detector.close()


def test_describe_names_what_it_is_made_of() -> None:
    program = silero.load(silero.Settings()).describe()
    for artifact in (program, *program["models"]):
        assert artifact["installed"]
        assert artifact["version"]
        assert artifact["attribution"]["url"].startswith("https://")
    assert program["models"][0]["languages"] == ["*"]
