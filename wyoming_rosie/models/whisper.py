"""Whisper models by name: their folders, sources and languages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models.checksums import known_files
from wyoming_rosie.models.downloads import Download, create_download
from wyoming_rosie.models.model import FetchPlan, InstalledModel, disk_size
from wyoming_rosie.text.suggestions import describe_unknown_name

NAME = "whisper"
FOLDER = "whisper"
LICENCE = "MIT"
HUB_URL = "https://huggingface.co"
_SIZES = ("tiny", "base", "small", "medium")
WEIGHTS = "model.bin"
_REQUIRED_FILES = (WEIGHTS, "config.json", "tokenizer.json")
_USUAL_FILES = (*_REQUIRED_FILES, "vocabulary.json")
"""Files of a repository that is not in the table of checksums."""
_MULTILINGUAL_TOKENS = 51_865
_SUFFIXES = ("-int8", "-float16", "-float32")  # other servers' way to choose --faster-whisper.compute
# fmt: off
LANGUAGES = (
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv", "it", "id", "hi", "fi", "vi", "he",
    "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no", "th", "ur", "hr", "bg", "lt", "la", "mi", "ml", "cy", "sk", "te", "fa",
    "lv", "bn", "sr", "az", "sl", "kn", "et", "mk", "br", "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw", "gl", "mr", "pa",
    "si", "km", "sn", "yo", "so", "af", "oc", "ka", "be", "tg", "sd", "gu", "am", "yi", "lo", "uz", "fo", "ht", "ps", "tk", "nn",
    "mt", "sa", "lb", "my", "bo", "tl", "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su", "yue",
)
# fmt: on
"""All languages that Whisper was trained on; the newest is the last (https://github.com/openai/whisper, tokenizer.py)."""
_SYSTRAN = {
    **{size: f"Systran/faster-whisper-{size}" for size in _SIZES},
    **{f"{size}.en": f"Systran/faster-whisper-{size}.en" for size in _SIZES},
    **{f"large-v{number}": f"Systran/faster-whisper-large-v{number}" for number in (1, 2, 3)},
    **{f"distil-{size}": f"Systran/faster-distil-whisper-{size}" for size in ("small.en", "medium.en", "large-v3")},
}
_OTHER_REPOSITORIES = {"large": _SYSTRAN["large-v3"], "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo"}
_MEGABYTES = {
    "tiny": 78,
    "base": 148,
    "small": 486,
    "medium": 1530,
    "large": 3090,
    "large-v3-turbo": 1620,
    "turbo": 1620,
}
"""Approximate downloads; English models are as large as multilingual ones of their size."""
REPOSITORIES = _SYSTRAN | _OTHER_REPOSITORIES | {"turbo": _OTHER_REPOSITORIES["large-v3-turbo"]}


@dataclass(frozen=True)
class ModelFolder:
    """A model's folder and its downloads."""

    name: str
    path: Path
    repository: str | None = None  # None for a folder of the user's

    @property
    def is_installed(self) -> bool:
        return not self.missing

    @property
    def missing(self) -> list[str]:
        """The files that are missing."""
        missing = [name for name in _REQUIRED_FILES if not (self.path / name).is_file()]
        return missing if self._vocabulary is not None else [*missing, "vocabulary.json"]

    @property
    def languages(self) -> Sequence[str]:
        """The languages of an installed model, or of one with this name."""
        return LANGUAGES if self._is_multilingual else ("en",)

    def downloads(self, hub: str) -> list[Download]:
        """Return the files to download."""
        base = f"{hub.rstrip('/')}/{self.repository}/resolve/main"
        repository = self.repository or ""
        small_first = sorted(known_files(repository) or _USUAL_FILES, key=lambda name: name == WEIGHTS)
        return [create_download(base, repository, name) for name in small_first]

    @property
    def _vocabulary(self) -> Path | None:
        files = [self.path / name for name in ("vocabulary.json", "vocabulary.txt")]
        return next((file for file in files if file.is_file()), None)

    @property
    def _is_multilingual(self) -> bool:
        vocabulary = self._vocabulary
        if not self.is_installed or vocabulary is None:
            return not self.name.endswith(".en")
        content = vocabulary.read_text("utf-8")
        tokens = json.loads(content) if vocabulary.suffix == ".json" else content.removesuffix("\n").split("\n")
        return len(tokens) >= _MULTILINGUAL_TOKENS


def available() -> dict[str, int]:
    """Return the models that can be downloaded by name, with their approximate bytes; 0 if unknown."""
    return {name: 1_000_000 * _MEGABYTES.get(_size(name), 0) for name in REPOSITORIES}


def installed(data: Path) -> list[InstalledModel]:
    """Return the downloaded models, incomplete ones included."""
    folders = sorted(path for path in (data / FOLDER).glob("*") if path.is_dir())
    return [_installed_model(path) for path in folders if any(path.iterdir())]


def fetch_plan(name: str, data: Path, source: str | None) -> FetchPlan:
    """Return the files to download for a model. Raises ConfigError."""
    model = find_model(name, data / FOLDER)
    return FetchPlan(model.name, model.downloads(source or HUB_URL), model.path, LICENCE)


def is_model_name(name: str) -> bool:
    """Return whether a name is a known model or has the form of a repository."""
    return name in REPOSITORIES or (name.count("/") == 1 and not name.startswith((".", "/", "~")))


def installed_files(name: str, data: Path) -> list[Path]:
    """Return the folder to delete when a model is removed."""
    path = data / FOLDER / name.replace("/", "--")
    return [path] if path.is_dir() else []


def _installed_model(path: Path) -> InstalledModel:
    name = path.name.replace("--", "/")
    licence = LICENCE if name in REPOSITORIES else ""
    is_whole = ModelFolder(name, path).is_installed
    return InstalledModel(NAME, name, licence, disk_size(path), path, is_complete=is_whole)


def _size(name: str) -> str:
    return "large" if name.startswith("large-v") and "turbo" not in name else name.removesuffix(".en")


def find_model(model: str, folder: Path) -> ModelFolder:
    """Return a model by name or path; models with names lie in `folder`. Raises ConfigError."""
    path = Path(model).expanduser()
    if path.is_dir():
        return _local_model(path)
    name = next((model.removesuffix(suffix) for suffix in _SUFFIXES if model.endswith(suffix)), model)
    repository = REPOSITORIES.get(name, name if name.count("/") == 1 and not name.startswith((".", "/", "~")) else None)
    if repository is None and "/" in model:
        raise ConfigError(f"there is no folder {path} with a Whisper model, or this program may not see it")
    if repository is None:
        raise ConfigError(describe_unknown_name("Whisper model", model, REPOSITORIES))
    return ModelFolder(name, folder / name.replace("/", "--"), repository)


def _local_model(path: Path) -> ModelFolder:
    found = ModelFolder(path.resolve().name, path)
    if found.missing:
        raise ConfigError(f"{path} is no faster-whisper model: it lacks {', '.join(found.missing)}")
    return found
