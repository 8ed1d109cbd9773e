"""Files of openWakeWord's models: in the user's folders, in the download folder, and in installed packages.

The packages are not imported; their files are read.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from wyoming_rosie.config import data_folder
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.wakeword.detection import normalize_name

SUFFIXES = (".onnx", ".tflite")
HOP_SAMPLES = 1280  # 80 ms, the interval of scores
EMBEDDING = 96
THRESHOLD = 0.5
"""Threshold that the models are made for."""
MEL_NAME = "melspectrogram"
EMBEDDING_NAME = "embedding_model"
_OTHER_MODELS = {MEL_NAME, EMBEDDING_NAME, "silero_vad"}
_SENTENCE_MODELS = {"timer", "weather"}
"""Models of the packages that detect sentences; they are offered only by name."""
_VERSION = re.compile(r"[_-]v(\d[\w.]*)$")
_PACKAGES = (("openwakeword", "resources/models"), ("pyopen_wakeword", "models"))
PRETRAINED_LICENCE = "CC BY-NC-SA 4.0"


@dataclass(frozen=True)
class ModelFile:
    """The model file of one wake word; `licence` is empty if it is unknown."""

    name: str
    path: Path
    version: str = ""
    licence: str = ""
    source: str = ""


@dataclass(frozen=True)
class FeatureFiles:
    """The two models that all words share (Apache-2.0)."""

    mel: Path
    embedding: Path


def parse_model_file(path: Path) -> ModelFile:
    """Return the model file at a path, with name and version from the file name."""
    version = _VERSION.search(path.stem)
    return ModelFile(_VERSION.sub("", path.stem), path, version.group(1) if version else "", source=str(path.parent))


def find_models(folders: Sequence[Path], names: Collection[str] = ()) -> dict[str, ModelFile]:
    """Return the models in the user's folders, the download folder and the installed packages, by name.

    The first one of a name wins. Sentence models of the packages are included only if `names` lists them. Raises
    ConfigError for a folder without models.
    """
    found: dict[str, ModelFile] = {}
    for folder in folders:
        folder_models = _list_models(folder)
        if not folder_models:
            raise ConfigError(f"--custom-model-dir: {folder} has no wake word model (.onnx or .tflite)")
        found = {**folder_models, **found}
    folder = download_folder()
    for name, file in {**find_package_models(), **(find_downloads(folder) if folder.is_dir() else {})}.items():
        if name not in _SENTENCE_MODELS or name in map(normalize_name, names) or file.source == "fetched":
            found.setdefault(name, file)
    return found


def find_downloads(folder: Path) -> dict[str, ModelFile]:
    """Return the models that were fetched into a folder."""
    return {
        name: replace(file, licence=PRETRAINED_LICENCE, source="fetched") for name, file in _list_models(folder).items()
    }


def find_package_models() -> dict[str, ModelFile]:
    """Return the models of the installed packages; the first package wins."""
    found: dict[str, ModelFile] = {}
    for package, folder in find_packages():
        source = f"{package} {metadata.version(package.replace('_', '-'))}"
        for name, file in _list_models(folder).items():
            found.setdefault(name, replace(file, licence=PRETRAINED_LICENCE, source=source))
    return found


def find_feature_files(folders: Sequence[Path]) -> FeatureFiles:
    """Return the models that all words share. Raises ConfigError if they are not installed."""
    for folder in (*folders, download_folder(), *(folder for _, folder in find_packages())):
        mel, embedding = (_find_file(folder, name) for name in (MEL_NAME, EMBEDDING_NAME))
        if mel and embedding:
            return FeatureFiles(mel, embedding)
    raise ConfigError(
        f"openWakeWord's {MEL_NAME} and {EMBEDDING_NAME} are not installed: {install_command(['openwakeword'])}, run 'wyoming-rosie models fetch alexa', "
        "or name a folder that has them with --custom-model-dir"
    )


def download_folder() -> Path:
    """Return the folder into which 'wyoming-rosie models fetch alexa' downloads."""
    return data_folder() / "openwakeword"


def check_installed() -> None:
    """Raise ConfigError if a package that the networks need is missing."""
    for package in ("numpy", "onnx", "onnxruntime", "tflite"):
        if find_spec(package) is None:
            raise ConfigError(f"openWakeWord's networks need {package}: {install_command(['openwakeword'])}")


def find_packages() -> Iterable[tuple[str, Path]]:
    """Return the installed packages that contain models, and their model folders."""
    for package, folder in _PACKAGES:
        spec = find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            yield package, Path(next(iter(spec.submodule_search_locations))) / folder


def _list_models(folder: Path) -> dict[str, ModelFile]:
    if not folder.is_dir():
        raise ConfigError(f"--custom-model-dir: {folder} is not a folder")
    files = [parse_model_file(path) for suffix in reversed(SUFFIXES) for path in sorted(folder.glob(f"*{suffix}"))]
    return {file.name: file for file in files if file.path.stem not in _OTHER_MODELS}


def _find_file(folder: Path, name: str) -> Path | None:
    return next((path for suffix in SUFFIXES if (path := folder / (name + suffix)).is_file()), None)
