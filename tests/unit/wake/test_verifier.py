"""A second opinion on whose voice it was, on made-up embeddings."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.openwakeword import verifier

Windows = list[npt.NDArray[np.float32]]


def voice(seed: int, count: int, spread: float = 6.0) -> Windows:
    """Return windows of one voice, which differ less from each other than from another voice's."""
    middle = np.random.default_rng(seed).normal(0, 8, (16, 96))
    rng = np.random.default_rng(1000 + seed)
    return [(middle + rng.normal(0, spread, (16, 96))).astype(np.float32) for _ in range(count)]


@pytest.fixture(scope="module")
def anna() -> verifier.SpeakerVerifier:
    others = [window for seed in range(2, 12) for window in voice(seed, 5)]
    return verifier.create_verifier("anna", "alexa", voice(1, 5), others)


def test_a_known_voice_is_accepted_and_others_are_not(anna: verifier.SpeakerVerifier) -> None:
    assert min(anna.predict(window) for window in voice(1, 30)) > 0.5
    assert max(anna.predict(window) for seed in range(20, 40) for window in voice(seed, 3)) < 0.5


def test_the_newest_embeddings_are_used(anna: verifier.SpeakerVerifier) -> None:
    (window,) = voice(1, 1)
    longer = np.concatenate((np.zeros((10, 96), np.float32), window))
    assert anna.predict(longer) == anna.predict(window)


def test_a_saved_verifier_gives_the_same_results(anna: verifier.SpeakerVerifier, tmp_path: Path) -> None:
    anna.save(tmp_path / "anna.npz")
    again = verifier.load_verifier(tmp_path / "anna.npz")
    (window,) = voice(1, 1)
    assert (again.user, again.word, again.hops) == ("anna", "alexa", 16)
    assert again.predict(window) == anna.predict(window)


@pytest.mark.parametrize("content", [b"", b"no verifier", b"PK\x03\x04" + b"\0" * 100], ids=["empty", "text", "zip"])
def test_a_file_that_is_not_a_verifier_is_rejected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "anna.npz"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"anna\.npz is not a verifier|cannot read"):
        verifier.load_verifier(path)


def test_a_verifier_of_another_size_is_rejected(anna: verifier.SpeakerVerifier, tmp_path: Path) -> None:
    path = tmp_path / "anna.npz"
    short = anna.weights[:-1]
    verifier.SpeakerVerifier("anna", "alexa", 16, anna.mean, anna.scale, short, 0.0).save(path)
    with pytest.raises(ConfigError, match="another kind"):
        verifier.load_verifier(path)


def test_too_few_recordings_are_rejected() -> None:
    with pytest.raises(ConfigError, match="at least 3"):
        verifier.create_verifier("anna", "alexa", voice(1, 2), voice(2, 10))
