"""Settings of a program: flags, then the environment, then TOML files, then defaults.

In files, the first that has the key wins: `--config FILE` alone if given; else `wyoming-rosie/rosie.toml` in the user's
configuration folder, then `/etc/wyoming-rosie/rosie.toml`. Each program reads its own table, such as `[asr]`.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar, get_type_hints

from cyclopts import App, CycloptsError, Parameter
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Dict, Env

from wyoming_rosie import __version__, logging
from wyoming_rosie.errors import ConfigError, UsageError
from wyoming_rosie.programs import PROGRAMS
from wyoming_rosie.runtime import child_processes, exit_status, help_groups, systemd, toml_file
from wyoming_rosie.runtime.exit_status import start_exit_deadline
from wyoming_rosie.runtime.folders import cache_folder as cache_folder
from wyoming_rosie.runtime.folders import config_folder
from wyoming_rosie.runtime.folders import data_folder as data_folder
from wyoming_rosie.runtime.folders import state_folder as state_folder

C = TypeVar("C")
SYSTEM_FILE = Path("/etc/wyoming-rosie/rosie.toml")
CHECK_FLAG = "--check-config"
"""Flag with which a program only reads its settings."""
SHARED_TABLES = frozenset({"up"})  # tables that belong to no daemon
FreeTables: TypeAlias = dict[str, dict[str, Any]]
"""Type of a setting with tables whose keys only somebody else knows; in files, they may hold any values of TOML."""
_FileTable: TypeAlias = tuple[Path, dict[str, Any]]
"""A configuration file, and the program's table in it."""


def option(default: Any, help: str, *, minimum: float | None = None, maximum: float | None = None) -> Any:  # noqa: A002 - it is the help text
    """Return a dataclass field with its help text and limits, see `check_limits`; a callable `default` makes the value."""
    metadata = {"help": _describe_limits(help, minimum, maximum), "minimum": minimum, "maximum": maximum}
    return (
        field(default_factory=default, metadata=metadata)
        if callable(default)
        else field(default=default, metadata=metadata)
    )


def check_limits(settings: Any, prefix: str = "--") -> None:
    """Raise ConfigError for a number beyond the limits of its `option`; its flag begins with `prefix`."""
    for one in fields(settings):
        value, flag = getattr(settings, one.name), prefix + one.name.replace("_", "-")
        if is_dataclass(value):
            check_limits(value, f"{flag}.")
        elif isinstance(value, dict):
            for key, held in value.items():
                _check_number(f"{flag}.{key}", held, one.metadata)
        else:
            _check_number(flag, value, one.metadata)


def main(role: str, config: type[C], serve: Callable[[C], Awaitable[None]]) -> None:
    """Read the program's settings and run it. Errors become one line on stderr; see `exit_on_error`."""
    child_processes.exit_with_parent()
    with exit_status.exit_on_error(f"wyoming-rosie-{role}", role):
        settings = read(role, config, sys.argv[1:])
        if settings is None or CHECK_FLAG in sys.argv[1:]:  # --help or --version has been answered
            return
        logging.configure(role, debug=bool(getattr(settings, "debug", False)))
        _load_membership(role, settings)
        asyncio.run(_run(serve, settings))


def read(role: str, config: type[C], arguments: Sequence[str]) -> C | None:
    """Return the settings, or None if the arguments only request help. Raises UsageError."""
    try:
        return _read(role, config, arguments)
    except (ConfigError, CycloptsError) as err:
        raise UsageError(_one_line(err)) from err


@dataclass(frozen=True)
class CommandSettings:
    """A command's environment variables and table: a `config` of cyclopts for a command that takes `--config`."""

    role: str
    config: type[Any]

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        flag = next(argument for argument in arguments if argument.name == "--config")
        config_flag = ("--config", flag.tokens[0].value) if flag.tokens else ()
        files = [*_read_files(self.role, config_flag)]
        for source in _sources(self.role, self.config, files):
            source(app, commands, arguments)


def load_tables(path: Path) -> dict[str, Any]:
    """Return a configuration file's tables. Raises ConfigError, which names the file and the key that is wrong."""
    document = toml_file.read(path, "configuration file")
    known = {program.role for program in PROGRAMS} | SHARED_TABLES
    for key, value in document.items():
        if key not in known or not isinstance(value, dict):
            raise ConfigError(f"{path}: '{key}' is not a table of any program; there are: {', '.join(sorted(known))}")
    return document


def read_setting(role: str, key: str, file: Path | None = None) -> Any:
    """Return a program's setting from the environment or a configuration file, unchecked; None if it is not set.

    `file` replaces the user's and the system's files. Raises ConfigError.
    """
    if (value := os.environ.get(environment_prefix(role) + key.upper())) is not None:
        return value
    for path in (file,) if file else (user_file(), SYSTEM_FILE):
        if file or path.is_file():
            table = load_tables(path).get(role, {})
            if key in table:
                return table[key]
    return None


def environment_prefix(role: str) -> str:
    """Return the prefix of a program's environment variables."""
    return f"WYOMING_ROSIE_{role.upper()}_"


def user_file() -> Path:
    """Return the path of the user's configuration file, which need not exist."""
    return config_folder() / "rosie.toml"


def _load_membership(role: str, settings: Any) -> None:
    """Load the program's identity in the house, if it has one, or gets one by --join. Raises RosieError."""
    from wyoming_rosie.trust import joining, membership  # which read a state folder, as this module knows it

    state = getattr(settings, "state_folder", None) or state_folder(role)
    given = getattr(settings, "identity", None)
    if hasattr(settings, "join"):
        joining.join_at_start(role, given or state / joining.FOLDER, settings.join)
    membership.load_for_process(role, state, given)


def _describe_limits(text: str, minimum: float | None, maximum: float | None) -> str:
    """Return a help text with the limits before its default."""
    if minimum is None and maximum is None:
        return text
    limits = f"{minimum:g} to {maximum:g}" if None not in (minimum, maximum) else f"at least {minimum:g}"
    meaning, default, rest = text.partition(" [default: ")
    return f"{meaning}; {limits}{default}{rest}"


def _check_number(flag: str, value: object, limits: Mapping[str, Any]) -> None:
    minimum, maximum = limits.get("minimum"), limits.get("maximum")
    if minimum is None or not isinstance(value, int | float):
        return
    if maximum is None:
        if not value >= minimum:
            raise ConfigError(f"{flag} must be at least {minimum:g}, not {value:g}")
    elif not minimum <= value <= maximum:
        raise ConfigError(f"{flag} must be from {minimum:g} to {maximum:g}, not {value:g}")


def _read(role: str, config: type[C], arguments: Sequence[str]) -> C | None:
    switches = _find_switches(config)
    arguments = [switches.get(argument, argument) for argument in arguments if argument != CHECK_FLAG]
    files = [*_read_files(role, arguments)]
    found: list[C] = []
    shown_config = help_groups.with_groups(config)
    defaults = shown_config()
    some = "uri" if hasattr(defaults, "uri") else "debug"

    def keep(*, settings: C = defaults) -> None:
        found.append(settings)

    keep.__annotations__["settings"] = Annotated[shown_config, Parameter(name="*")]
    app = App(
        name=f"wyoming-rosie-{role}",
        help=f"{config.__doc__}\n\nEach flag is an environment variable, too: {environment_prefix(role)}{some.upper()} for --{some}.",
        version=__version__,
        config=_sources(role, config, files),
        default_parameter=Parameter(negative_iterable=(), show_env_var=False),
        result_action="return_value",
    )
    app.default(keep)
    app(list(arguments), exit_on_error=False, print_error=False)
    if not found:
        return None
    settings = _add_free_tables(help_groups.without_groups(found[0], config), config, files)
    check_limits(settings)
    return settings


def _add_free_tables(settings: C, config: type[C], files: Sequence[_FileTable]) -> C:
    """Return the settings with the free tables of the files, under the values of flags and environment."""
    for name in _find_free_tables(config):
        tables: FreeTables = {}
        for layer in (getattr(settings, name), *(table.get(name, {}) for _, table in files)):
            for key, values in layer.items():
                tables[key] = {**values, **tables.get(key, {})}
        settings = replace(settings, **{name: tables})  # type: ignore[type-var]
    return settings


def _find_free_tables(config: type[Any]) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(config).items() if hint == FreeTables)


def _find_switches(config: type[Any]) -> dict[str, str]:
    """Return the flags that stand for a table's `enabled`: `--web` for `--web.enabled`."""
    hints = get_type_hints(config).items()
    tables = [name for name, hint in hints if is_dataclass(hint) and "enabled" in get_type_hints(hint)]
    return {f"--{name}": f"--{name}.enabled" for name in tables}


@dataclass(frozen=True)
class _KnownEnvironment:
    """Refuses variables with the program's prefix that match no setting, since a typo would go unnoticed."""

    prefix: str

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        known = {_environment_name(argument.name) for argument in arguments}
        for name in sorted(os.environ):
            if name.startswith(self.prefix) and name.removeprefix(self.prefix) not in known:
                raise ConfigError(f"the environment variable {name} names no setting; see --help")


def _environment_name(flag: str) -> str:
    return flag.lstrip("-").upper().replace("-", "_").replace(".", "_")


def _sources(role: str, config: type[Any], files: Sequence[_FileTable]) -> list[Any]:
    prefix = environment_prefix(role)
    environment = (Env(prefix, command=False), _KnownEnvironment(prefix))
    return [*environment, *_file_sources(role, config, files)]


def _file_sources(role: str, config: type[Any], files: Sequence[_FileTable]) -> Iterator[Dict]:
    free = _find_free_tables(config)
    for path, table in files:
        _refuse_unknown(table, config, f"{path}: [{role}]")
        fixed = {key: value for key, value in table.items() if key not in free}
        yield Dict(fixed, use_commands_as_keys=False, source=str(path))


def _read_files(role: str, arguments: Sequence[str]) -> Iterator[_FileTable]:
    """Yield the program's table of each file that counts, the first one first. Raises ConfigError."""
    file = _config_file(role, arguments)
    for path in (file,) if file else (user_file(), SYSTEM_FILE):
        if file or path.is_file():
            yield path, load_tables(path).get(role, {})


def _refuse_unknown(table: Mapping[str, Any], config: type[Any], location: str) -> None:
    # A field such as `with_` is spelt so because its key is a word of Python.
    settings = {name.removesuffix("_"): hint for name, hint in get_type_hints(config).items()}
    for key, value in table.items():
        if key not in settings:
            raise ConfigError(f"{location} has an unknown key '{key}'; there are: {', '.join(sorted(settings))}")
        if settings[key] == FreeTables:
            _check_free_tables(key, value, location)
        if is_dataclass(settings[key]):
            if not isinstance(value, dict):
                raise ConfigError(f"{location}: '{key}' must be a table")
            _refuse_unknown(value, settings[key], f"{location.removesuffix(']')}.{key}]")


def _check_free_tables(key: str, value: object, location: str) -> None:
    for name, table in value.items() if isinstance(value, dict) else [("", None)]:
        if not isinstance(table, dict):
            raise ConfigError(f"{location.removesuffix(']')}.{key}{f'.{name}' if name else ''}] must be a table")


def _config_file(role: str, arguments: Sequence[str]) -> Path | None:
    for position, argument in enumerate(arguments):
        if argument.startswith("--config="):
            return Path(argument.removeprefix("--config="))
        if argument == "--config" and position + 1 < len(arguments):
            return Path(arguments[position + 1])
    named = os.environ.get(environment_prefix(role) + "CONFIG")
    return Path(named) if named else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


async def _run(serve: Callable[[C], Awaitable[None]], settings: C) -> None:
    status = exit_status.FAILED
    watchdog = asyncio.create_task(systemd.feed_watchdog())
    try:
        await serve(settings)
        status = 0
    finally:
        watchdog.cancel()
        start_exit_deadline(status)
