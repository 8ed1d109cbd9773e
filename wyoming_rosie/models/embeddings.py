"""Embedding models by name: their folders and licences. They come inside third-party packages, by pip."""

from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models.model import FetchPlan, InstalledModel, disk_size

NAME = "embedding"
FOLDER = "embeddings"
TOKENIZER = "tokenizer.json"
MINILM = "all-MiniLM-L6-v2"
WORDLLAMA = "wordllama-256"


@dataclass(frozen=True)
class EmbeddingFiles:
    """Files of a model, its licence, and its approximate bytes."""

    weights: str
    licence: str
    size: int

    @property
    def names(self) -> tuple[str, str]:
        return self.weights, TOKENIZER


FILES = {
    MINILM: EmbeddingFiles("model.onnx", "Apache-2.0", 23_400_000),
    WORDLLAMA: EmbeddingFiles("weights.safetensors", "MIT", 18_200_000),
}


def model_folder(name: str, data: Path) -> Path:
    """Return the folder of a model; `data` is the folder of downloads."""
    return data / FOLDER / name


def is_installed(name: str, data: Path) -> bool:
    """Return whether all files of a model are there."""
    return all((model_folder(name, data) / file).is_file() for file in FILES[name].names)


def fetch_command(name: str) -> str:
    """Return the command that fetches a model."""
    return f"wyoming-rosie models fetch --from pip {name}"


def available() -> dict[str, int]:
    """Return the models with their approximate bytes."""
    return {name: files.size for name, files in FILES.items()}


def is_model_name(name: str) -> bool:
    """Return whether a name is that of an embedding model."""
    return name in FILES


def installed(data: Path) -> list[InstalledModel]:
    """Return the models on this machine, incomplete ones included."""
    folders = [(name, model_folder(name, data)) for name in FILES]
    return [
        InstalledModel(NAME, name, FILES[name].licence, disk_size(folder), folder, is_complete=is_installed(name, data))
        for name, folder in folders
        if folder.is_dir() and any(folder.iterdir())
    ]


def fetch_plan(name: str, data: Path, source: str | None) -> FetchPlan:  # noqa: ARG001 - as for other kinds
    """Raise ConfigError: no other source has these files with a known checksum."""
    raise ConfigError(f"{name} is fetched by pip: {fetch_command(name)}")


def installed_files(name: str, data: Path) -> list[Path]:
    """Return the folder to delete when a model is removed."""
    folder = model_folder(name, data)
    return [folder] if name in FILES and folder.is_dir() else []
