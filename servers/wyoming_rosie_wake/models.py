"""Which wake words are offered and by which rules, whatever the engine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wake_words import Rules, UnknownWakeWordError, check, choose

T = TypeVar("T")
_SUFFIXES = {".onnx", ".tflite", ".json"}


@dataclass(frozen=True)
class Models:
    """What the user says of models: folders and files with more of them, names that are offered (all for none), rules."""

    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)

    def chosen(self, known: Mapping[str, T], own: Iterable[str]) -> dict[str, T]:
        """Return the models that are offered, by name; `own` are the names in the user's files. Raises ConfigError."""
        names = [*self.names, *own]
        if not known:
            raise ConfigError("there is no wake word model; name a folder with --custom-model-dir")
        try:
            choose(known, names)
        except UnknownWakeWordError as err:
            raise ConfigError(f"--model: {err}") from err
        offered = {name: known[name] for name in names or known}
        check(self.rules, offered)
        return offered


def models(folders: Iterable[Path], given: Iterable[str], rules: Rules) -> Models:
    """Sort names from files in what was given with --model."""
    given = list(given)
    files = [Path(one) for one in given if Path(one).suffix in _SUFFIXES]
    return Models(tuple(folders), tuple(files), tuple(one for one in given if Path(one) not in files), rules)
