"""Engines by name: each module of a package is one, and a folder with the module `engine.py` is one as well.

An engine's module has a function `load` and, where it has settings, a frozen dataclass `Settings`, which becomes a table
and flags of the program's configuration. Its native library is imported inside `load`, since all modules are imported
for their settings.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import fields, is_dataclass, make_dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, TypeVar

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.text.suggestions import describe_unknown_name

C = TypeVar("C")


class EngineRegistry:
    """The engines of one package, such as `wyoming_rosie_asr.engines`; `entry` is the module of an engine's folder."""

    def __init__(self, package: str, entry: str = "engine") -> None:
        self._package = package
        self._entry = entry

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the engines, as flags write them; nothing is imported but the package."""
        found = pkgutil.iter_modules(import_module(self._package).__path__)
        return tuple(sorted(module.name.replace("_", "-") for module in found if not module.name.startswith("_")))

    def configures(self, field: str, *others: str) -> Callable[[type[C]], type[C]]:
        """Return a class decorator that adds each engine's settings, and the names as the choices of `field`.

        `others` are choices that are no engines.
        """

        def extended(config: type[C]) -> type[C]:
            choice = next(item for item in fields(config) if item.name == field)  # type: ignore[arg-type]
            kinds = {_identifier(name): self._settings_class(name) for name in self.names}
            added = [(name, kind, option(kind, "")) for name, kind in kinds.items() if kind is not None]
            choices: Any = Literal[(*self.names, *others)]
            namespace = {"__doc__": config.__doc__}
            chosen = (field, choices, option(choice.default, choice.metadata["help"]))
            made = make_dataclass(config.__name__, [chosen, *added], bases=(config,), namespace=namespace, frozen=True)
            made.__module__ = config.__module__
            return made

        return extended

    def load(self, name: str, settings: object, *context: object) -> Any:
        """Return the result of the engine's `load`, called with its part of `settings` and the context. Raises ConfigError."""
        if name not in self.names:
            raise ConfigError(describe_unknown_name("engine", name, self.names))
        try:
            module = self._module(name)
        except Exception as err:  # it may be a third-party file, with any fault
            raise ConfigError(f"the engine {name!r} cannot be imported: {type(err).__name__}: {err}") from err
        engine_settings = () if self._settings_class(name) is None else (getattr(settings, _identifier(name)),)
        return module.load(*engine_settings, *context)

    def _settings_class(self, name: str) -> type[Any] | None:
        """Return the class of an engine's settings, None when it has no settings."""
        try:
            kind = getattr(self._module(name), "Settings", None)
        except Exception:  # noqa: BLE001 - a file with a fault does not keep the others from being used; `load` reports it
            return None
        return kind if is_dataclass(kind) and isinstance(kind, type) and fields(kind) else None

    def _module(self, name: str) -> ModuleType:
        module = import_module(f"{self._package}.{_identifier(name)}")
        return import_module(f"{module.__name__}.{self._entry}") if hasattr(module, "__path__") else module


def _identifier(name: str) -> str:
    """Return the name of an engine's module, which is that of its settings as well."""
    return name.replace("-", "_")
