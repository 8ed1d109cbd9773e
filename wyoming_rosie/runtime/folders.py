"""Folders of this user: settings, data, state and cache, by the XDG Base Directory Specification."""

import os
from pathlib import Path


def config_folder() -> Path:
    """Return the folder of this user's settings."""
    return _xdg_folder("XDG_CONFIG_HOME", ".config")


def data_folder() -> Path:
    """Return the folder of this user's models and data."""
    return _xdg_folder("XDG_DATA_HOME", ".local/share")


def cache_folder() -> Path:
    """Return the folder of files that can be created again."""
    return _xdg_folder("XDG_CACHE_HOME", ".cache")


def state_folder(program: str = "") -> Path:
    """Return the state folder: systemd's for a service, else this user's for the program."""
    if folder := os.environ.get("STATE_DIRECTORY"):
        return Path(folder)
    return _xdg_folder("XDG_STATE_HOME", ".local/state") / program


def _xdg_folder(variable: str, usual: str) -> Path:
    folder = os.environ.get(variable)
    return (Path(folder) if folder else Path.home() / usual) / "wyoming-rosie"
