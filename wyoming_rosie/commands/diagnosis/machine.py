"""What this machine is like, apart from its sound: clock, permissions, packages, models."""

import getpass
import grp
import os
import platform
import re
import socket
import subprocess
from collections import defaultdict
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from wyoming_rosie import __version__, config
from wyoming_rosie.commands.diagnosis.findings import Machine

PACKAGE = "wyoming-rosie"
FOR_DEVELOPERS = ("all", "dev")
CLOCK_SECONDS = 3.0
MOST_MODELS = 40
KINDS = frozenset({".onnx", ".tflite", ".bin", ".gguf"})
_REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+)[^;]*;.*extra == ['\"](?P<extra>[\w-]+)['\"]")


def look() -> Machine:
    """Return what is found; blocks for as long as CLOCK_SECONDS."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}, {_distribution()}",
        python=platform.python_version(),
        version=__version__,
        clock_is_set=_clock_is_set(),
        has_sound_cards=any(Path("/dev/snd").glob("pcm*")),
        may_use_sound=_may_use_sound(),
        sound_server=_sound_server(),
        extras=_extras(),
        models=_models(),
    )


def names() -> set[str]:
    """Return the names of this user and machine, which a report must not hold."""
    found = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    with suppress(OSError, KeyError):
        found |= {getpass.getuser(), Path.home().name}
    return found - {"root", "localhost", ""}


def lacking(requirements: list[str], installed: set[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each extra among a package's requirements, the packages that are not installed."""
    found: dict[str, list[str]] = defaultdict(list)
    for match in filter(None, map(_REQUIREMENT.match, requirements)):
        name = match["name"].lower().replace("_", "-")
        if name != PACKAGE and match["extra"] not in FOR_DEVELOPERS:
            found[match["extra"]] += [] if name in installed else [name]
    return {extra: tuple(names) for extra, names in sorted(found.items())}


def _extras() -> dict[str, tuple[str, ...]]:
    installed = {(one.metadata["Name"] or "").lower().replace("_", "-") for one in metadata.distributions()}
    return lacking(metadata.requires(PACKAGE) or [], installed)


def _models() -> tuple[str, ...]:
    folder = config.data_folder()
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in KINDS and file.is_file()]
    return tuple(f"{file.relative_to(folder)} ({file.stat().st_size // 1024} kB)" for file in files[:MOST_MODELS])


def _may_use_sound() -> bool:
    try:
        group = grp.getgrnam("audio").gr_gid
    except KeyError:
        return True  # nothing is kept from anybody
    return os.geteuid() == 0 or group in os.getgroups()


def _sound_server() -> str:
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    if (folder / "pipewire-0").exists():
        return "PipeWire"
    return "PulseAudio" if (folder / "pulse" / "native").exists() else ""


def _distribution() -> str:
    with suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    return platform.release()


def _clock_is_set() -> bool | None:
    command = ("timedatectl", "show", "--property=NTPSynchronized", "--value")
    try:
        said = subprocess.run(command, capture_output=True, timeout=CLOCK_SECONDS, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {b"yes": True, b"no": False}.get(said.strip())
