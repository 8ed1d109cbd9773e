"""The catalogue's files: each model's weights have a known checksum, and what is not in the catalogue has none."""

import re
from pathlib import Path

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models import catalog
from wyoming_rosie.models.checksums import _TABLE, known_files, known_sha256
from wyoming_rosie.models.model import ModelKind
from wyoming_rosie.models.pinned import find_unpinned, is_pinned
from wyoming_rosie.models.pip_source import PACKAGES

LINE = re.compile(r"[\w-]+/[\w.-]+/[\w.-]+ (\d+|-) (sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}|-)")


def test_each_line_of_the_table_is_of_its_form_and_names_a_file_once() -> None:
    lines = _TABLE.read_text("utf-8").splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert len({line.split()[0] for line in lines}) == len(lines)


@pytest.mark.parametrize("kind", catalog.KINDS, ids=lambda kind: kind.NAME)
def test_the_largest_file_of_each_model_of_the_catalogue_has_a_checksum(kind: ModelKind, tmp_path: Path) -> None:
    for name in kind.available():
        assert is_pinned(name), name
        try:
            files = kind.fetch_plan(name, tmp_path, None).files
        except ConfigError:  # by pip alone
            assert name in PACKAGES
            continue
        assert files[-1].checksum is not None, name


def test_what_is_not_in_the_table_is_unknown() -> None:
    assert known_files("somebody/whisper-x") == {}
    assert "config.json" not in known_sha256("Systran/faster-whisper-large-v1")
    assert not is_pinned("somebody/whisper-x")


def test_fetched_models_without_a_checksum_are_found(tmp_path: Path) -> None:
    (tmp_path / "piper").mkdir()
    for name in ("en_US-joe-medium", "en_US-lessac-medium", "en_US-mine-medium"):
        (tmp_path / "piper" / f"{name}.onnx").touch()
    assert [model.name for model in find_unpinned(tmp_path)] == ["en_US-mine-medium"]
