"""Announced names on disk: daemons that would share a name each keep their own across restarts."""

import json
from contextlib import suppress
from pathlib import Path

from wyoming_rosie.runtime.folders import state_folder

MAX_NAME_BYTES = 63  # bytes of one DNS label
MAX_NAMES = 50
"""Limit of daemons that would share a name."""


def candidates(name: str, last: str | None = None) -> list[str]:
    """Return the names to try: the last one, then NAME, NAME (2), NAME (3) and so on."""
    numbered = [name, *(_truncate(name, f" ({number})") for number in range(2, MAX_NAMES + 1))]
    return list(dict.fromkeys([last, *numbered] if last in numbered else numbered))


def load_name(name: str, port: int) -> str | None:
    """Return the name under which this daemon was last announced, or None."""
    saved = _read(_names_file()).get(_key(name, port))
    return saved if isinstance(saved, str) else None


def save_name(name: str, port: int, chosen: str) -> None:
    """Save the name for the next start; a failure only means a new search for a free name then."""
    if chosen == (load_name(name, port) or name):
        return
    file = _names_file()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{port}")
        fresh.write_text(json.dumps({**_read(file), _key(name, port): chosen}, ensure_ascii=False), "utf-8")
        fresh.replace(file)


def _truncate(name: str, suffix: str) -> str:
    room = MAX_NAME_BYTES - len(suffix.encode())
    return name.encode()[:room].decode(errors="ignore") + suffix


def _key(name: str, port: int) -> str:
    return f"{name}:{port}"


def _names_file() -> Path:
    return state_folder() / "names.json"


def _read(file: Path) -> dict[str, object]:
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text("utf-8"))
        if isinstance(found, dict):
            return found
    return {}
