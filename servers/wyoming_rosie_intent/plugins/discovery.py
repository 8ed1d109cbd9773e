"""Discovery of plugins: in a folder of NAME/plugin.py files, in this package and in installed packages."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.plugins.plugin import IntegrationPlugin

ENTRY_POINT_GROUP = "wyoming_rosie.plugins"
"""Group of the entry points by which packages offer plugins."""
PLUGIN_FILE = "plugin.py"
_INTEGRATIONS_PACKAGE = "wyoming_rosie_intent.integrations"
_INTEGRATIONS = Path(__file__).parents[1] / "integrations"


@dataclass(frozen=True)
class PluginSource:
    """A plugin that was found, not yet loaded; loading runs its code."""

    name: str
    load: Callable[[], type[IntegrationPlugin]]
    folder: Path | None = None


def find_in_folder(folder: Path) -> tuple[PluginSource, ...]:
    """Find the plugins of a folder. Raises ConfigError when it cannot be read."""
    try:
        found = sorted(path for path in folder.iterdir() if (path / PLUGIN_FILE).is_file())
    except OSError as err:
        raise ConfigError(f"cannot read the plugin folder {folder}: {err.strerror}") from err
    return tuple(PluginSource(path.name, _load_file(path), path) for path in found)


def find_installed(names: Collection[str]) -> tuple[PluginSource, ...]:
    """Find the wanted plugins of installed packages; installing a package alone does not enable its plugins."""
    return tuple(
        PluginSource(entry_point.name, _load_package(entry_point))
        for entry_point in entry_points(group=ENTRY_POINT_GROUP)
        if entry_point.name in names
    )


def find_integrations(names: Collection[str]) -> tuple[PluginSource, ...]:
    """Find the wanted plugins among the integrations of this package."""
    return tuple(PluginSource(name, _load_integration(name)) for name in list_integrations() if name in names)


def list_integrations() -> Sequence[str]:
    """Return the names of the integrations of this package, without importing any."""
    return sorted(path.parent.name for path in _INTEGRATIONS.glob(f"*/{PLUGIN_FILE}"))


def _load_integration(name: str) -> Callable[[], type[IntegrationPlugin]]:
    def load() -> type[IntegrationPlugin]:
        return _get_plugin_class(import_module(f"{_INTEGRATIONS_PACKAGE}.{name}.plugin"))

    return load


def _load_file(folder: Path) -> Callable[[], type[IntegrationPlugin]]:
    def load() -> type[IntegrationPlugin]:
        name = f"wyoming_rosie_plugin_{folder.name}"
        spec = importlib.util.spec_from_file_location(
            name, folder / PLUGIN_FILE, submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return _get_plugin_class(module)

    return load


def _get_plugin_class(module: ModuleType) -> type[IntegrationPlugin]:
    """Return the plugin that a module defines. Raises ConfigError unless there is exactly one."""
    members = vars(module).values()
    plugins = [member for member in members if _is_plugin_class(member) and member.__module__ == module.__name__]
    if len(plugins) != 1:
        raise ConfigError(
            f"{module.__file__} must have one class derived from IntegrationPlugin; it has {len(plugins)}"
        )
    return plugins[0]


def _load_package(offer: EntryPoint) -> Callable[[], type[IntegrationPlugin]]:
    def load() -> type[IntegrationPlugin]:
        made: object = offer.load()
        if not _is_plugin_class(made):
            raise ConfigError(f"{offer.value} is not a class derived from IntegrationPlugin")
        return made

    return load


def _is_plugin_class(member: object) -> TypeGuard[type[IntegrationPlugin]]:
    return inspect.isclass(member) and issubclass(member, IntegrationPlugin) and not inspect.isabstract(member)
