"""Selection of wake word models by the user's settings, for all engines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.detection import (
    MODEL_SUFFIXES,
    TriggerRules,
    UnknownWakeWordError,
    check_trigger_rules,
    select_words,
)

T = TypeVar("T")


@dataclass(frozen=True)
class ModelSelection:
    """The user's settings for models: more folders and files, names to offer (none: all), and trigger rules."""

    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    rules: TriggerRules = field(default_factory=TriggerRules)

    def select(self, known: Mapping[str, T], always: Iterable[str]) -> dict[str, T]:
        """Return the offered models by name; `always` are names to include in any case. Raises ConfigError."""
        names = [*self.names, *always]
        if not known:
            raise ConfigError("there is no wake word model; name a folder with --custom-model-dir")
        try:
            chosen = select_words({name: name for name in known}, names)
        except UnknownWakeWordError as err:
            raise ConfigError(f"--model: {err}") from err
        offered = {name: known[name] for name in chosen}
        check_trigger_rules(self.rules, offered)
        return offered


def parse_models(folders: Iterable[Path], names: Iterable[str], rules: TriggerRules) -> ModelSelection:
    """Separate names from files in the values of --model."""
    names = list(names)
    files = [Path(name) for name in names if _is_file(Path(name))]
    return ModelSelection(tuple(folders), tuple(files), tuple(name for name in names if Path(name) not in files), rules)


def _is_file(path: Path) -> bool:
    """Return whether a file is meant: a bare file name may stand for a known word, such as ok_nabu_v0.1.tflite."""
    return path.suffix in MODEL_SUFFIXES and (path.name != str(path) or path.exists())
