"""State folders of programs, as commands find them: those of systemd's services, else those of the user."""

import os
import shlex
import sys
from pathlib import Path

from wyoming_rosie import config
from wyoming_rosie.errors import ConfigError

SERVICES = Path("/var/lib/wyoming-rosie")
"""Folder with the state of each service of the Debian packages. A user may not look into it."""
UNITS = Path("/usr/lib/systemd/system")
"""Folder of the units of packages."""


def find_state_folder(role: str, services: Path = SERVICES) -> Path:
    """Return the state folder of a program of this machine: its service's, if there is one, else this user's."""
    service = services / role
    return service if os.path.lexists(service) else config.state_folder(role)


def choose_state_folder(role: str, services: Path = SERVICES, units: Path = UNITS) -> Path:
    """Return the state folder to write to. Raises ConfigError for a service that has never run: systemd makes its folder."""
    folder = find_state_folder(role, services)
    if (units / f"wyoming-rosie-{role}.service").exists() and not os.path.lexists(folder):
        start = f"sudo systemctl start wyoming-rosie-{role}"
        raise ConfigError(
            f"the service wyoming-rosie-{role} has never run, so that it has no state folder; run: {start}"
        )
    return folder


def find_hub_folder(given: Path | None) -> Path:
    """Return the hub's state folder, which has the house's authority: the given one, that of its settings, or the usual one.

    Raises ConfigError.
    """
    folder = given or config.read_setting("hub", "data_dir")
    return Path(folder) if folder else choose_state_folder("hub")


def restart_command(role: str, folder: Path) -> str:
    """Return what to do so that a program takes over what was stored in its state folder."""
    is_service = folder.is_relative_to(SERVICES)
    return f"run: sudo systemctl restart wyoming-rosie-{role}" if is_service else f"restart wyoming-rosie-{role}"


def check_writable(folder: Path) -> None:
    """Raise ConfigError with the next step if this user may not write in a folder, or make it."""
    existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if os.access(existing, os.W_OK | os.X_OK):
        return
    command = shlex.join(["wyoming-rosie", *sys.argv[1:]])
    step = f"run: sudo {command}" if folder.is_relative_to(SERVICES) else f"run it as the owner of {existing}"
    raise ConfigError(f"this user may not write in {folder}; {step}")


def give_to_owner(folder: Path, state: Path) -> None:
    """Let the owner of a state folder own a folder in it: root writes for services that run as other users."""
    if os.geteuid() != 0:
        return
    owner = state.stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
