"""Hardware profiles: settings for well-known microphones, speakers, LEDs and buttons.

A profile is a configuration file, bundled in `profiles/` or the user's own. Every other source of settings overrides it.
"""

from collections.abc import Sequence
from dataclasses import Field, field, fields, make_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from wyoming_rosie import config
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.text.suggestions import describe_unknown_name
from wyoming_rosie_satellite.config import PROFILES, SatelliteConfig, profile_names

C = TypeVar("C")
ROLE = "satellite"
HELP_FLAGS = frozenset({"-h", "--help", "--version"})


def settings_class(arguments: Sequence[str]) -> type[SatelliteConfig]:
    """Return the settings class with the defaults of the profile that the settings name, if any. Raises ConfigError."""
    if HELP_FLAGS.intersection(arguments):
        return SatelliteConfig
    settings = config.read(ROLE, SatelliteConfig, arguments)
    if settings is None or settings.profile is None:
        return SatelliteConfig
    profile = config.read(ROLE, SatelliteConfig, ["--config", str(_find_file(settings.profile))])
    return SatelliteConfig if profile is None else _replace_defaults(profile)


def _find_file(name: str) -> Path:
    bundled = PROFILES / f"{name}.toml"
    if name in profile_names():
        return bundled
    if not Path(name).is_file():
        raise ConfigError(
            f"{describe_unknown_name('profile', name, profile_names())}; there are: {', '.join(profile_names())}; "
            "or name a TOML file"
        )
    return Path(name)


def _replace_defaults(values: C) -> type[C]:
    """Return the class of `values` with them as its defaults."""
    kind = type(values)
    hints = get_type_hints(kind)
    changed = [
        (setting.name, hints[setting.name], _default_field(setting, getattr(values, setting.name)))
        for setting in fields(kind)  # type: ignore[arg-type]
    ]
    about = {"__doc__": kind.__doc__, "__module__": kind.__module__}
    return make_dataclass(kind.__name__, changed, bases=(kind,), namespace=about, frozen=True)


def _default_field(setting: "Field[Any]", value: Any) -> Any:
    return field(default_factory=lambda: value, metadata=setting.metadata)
