"""Where plugins come from: a folder with NAME/plugin.py in it, and installed packages that offer some."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TypeGuard

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.plugins.plugin import IntegrationPlugin

GROUP = "wyoming_rosie.plugins"
"""Of the entry points by which a package offers plugins."""
FILE = "plugin.py"


@dataclass(frozen=True)
class Source:
    """A plugin that was found, not yet loaded; loading it runs its code."""

    name: str
    load: Callable[[], type[IntegrationPlugin]]
    folder: Path | None = None


def in_folder(folder: Path) -> tuple[Source, ...]:
    """Return the plugins of a folder. Raises ConfigError when there is no such folder."""
    try:
        found = sorted(one for one in folder.iterdir() if (one / FILE).is_file())
    except OSError as err:
        raise ConfigError(f"cannot read the plugin folder {folder}: {err.strerror}") from err
    return tuple(Source(one.name, _from_file(one), one) for one in found)


def installed(wanted: Collection[str]) -> tuple[Source, ...]:
    """Return the plugins of installed packages that are wanted: to install one is not to switch it on."""
    return tuple(Source(one.name, _from_package(one)) for one in entry_points(group=GROUP) if one.name in wanted)


def _from_file(folder: Path) -> Callable[[], type[IntegrationPlugin]]:
    def load() -> type[IntegrationPlugin]:
        name = f"wyoming_rosie_plugin_{folder.name}"
        spec = importlib.util.spec_from_file_location(name, folder / FILE, submodule_search_locations=[str(folder)])
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        own = [one for one in vars(module).values() if _is_plugin(one) and one.__module__ == name]
        if len(own) != 1:
            raise ConfigError(f"{folder / FILE} must have one class derived from IntegrationPlugin; it has {len(own)}")
        return own[0]

    return load


def _from_package(offer: EntryPoint) -> Callable[[], type[IntegrationPlugin]]:
    def load() -> type[IntegrationPlugin]:
        made: object = offer.load()
        if not _is_plugin(made):
            raise ConfigError(f"{offer.value} is not a class derived from IntegrationPlugin")
        return made

    return load


def _is_plugin(one: object) -> TypeGuard[type[IntegrationPlugin]]:
    return inspect.isclass(one) and issubclass(one, IntegrationPlugin) and not inspect.isabstract(one)
