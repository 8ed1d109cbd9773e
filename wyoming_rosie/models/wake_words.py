"""Wake words: those in installed packages, and openWakeWord's, which can be downloaded."""

from collections.abc import Iterator
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models.downloads import create_download
from wyoming_rosie.models.model import FetchPlan, InstalledModel, disk_size
from wyoming_rosie.wakeword import micro
from wyoming_rosie.wakeword.openwakeword import model_files

NAME = "wake"
RELEASE_URL = "https://github.com/dscripka/openWakeWord/releases/download/v0.5.1"
REPOSITORY = "dscripka/openWakeWord"
"""Name of the release in the table of checksums."""
RELEASED_WORDS = ("alexa_v0.1", "hey_jarvis_v0.1", "hey_mycroft_v0.1", "hey_rhasspy_v0.1")
_SHARED = (model_files.MEL_NAME, model_files.EMBEDDING_NAME)
_BYTES = 1_000_000
"""Approximate size of a word's network; the two shared networks have 2.4 MB together."""
NOTICE = "the trained words are for non-commercial use"


def available() -> dict[str, int]:
    """Return the words of openWakeWord's release with their approximate bytes."""
    return dict.fromkeys(RELEASED_WORDS, _BYTES)


def is_model_name(name: str) -> bool:
    """Return whether a word is in the release."""
    return find_release(name) is not None


def find_release(name: str) -> str | None:
    """Return a word's name in the release; the version may be omitted: alexa is alexa_v0.1."""
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    return next((release for release in RELEASED_WORDS if plain in (release, release.rpartition("_v")[0])), None)


def installed(data: Path) -> list[InstalledModel]:
    """Return the words of installed packages and the downloaded ones."""
    return [*_micro_models(), *_open_models(data)]


def fetch_plan(name: str, data: Path, source: str | None) -> FetchPlan:
    """Return the files of a word and of the shared networks."""
    return fetch_plan_for_words([find_release(name) or name], data / "openwakeword", source)


def fetch_plan_for_words(names: list[str], folder: Path, source: str | None) -> FetchPlan:
    """Return the files of several words and of the shared networks."""
    base = (source or RELEASE_URL).rstrip("/")
    files = [create_download(base, REPOSITORY, f"{name}.onnx") for name in (*_SHARED, *names)]
    return FetchPlan(", ".join(names), files, folder, model_files.PRETRAINED_LICENCE, NOTICE)


def installed_files(name: str, data: Path) -> list[Path]:
    """Return the files of a word and their incomplete parts, without the shared networks."""
    folder = data / "openwakeword"
    files = [
        folder / f"{stem}{suffix}" for stem in (name, find_release(name)) for suffix in model_files.SUFFIXES if stem
    ]
    parts = [file.with_name(file.name + ending) for file in files for ending in ("", ".part", ".part.version")]
    return [path for path in dict.fromkeys(parts) if path.is_file()]


def _micro_models() -> Iterator[InstalledModel]:
    try:
        words = micro.find_package_models().values()
    except ConfigError:  # the package is not installed
        return
    for word in words:
        size = disk_size(word.file) + disk_size(word.file.with_suffix(".tflite"))
        yield InstalledModel(NAME, word.name, word.licence, size, word.file, "pymicro-wakeword")


def _open_models(data: Path) -> Iterator[InstalledModel]:
    folder = data / "openwakeword"
    found = {**model_files.find_package_models(), **(model_files.find_downloads(folder) if folder.is_dir() else {})}
    for file in found.values():
        yield InstalledModel(NAME, file.path.stem, file.licence, disk_size(file.path), file.path, file.source)
