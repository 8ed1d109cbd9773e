"""Inspection of this machine apart from its audio devices: clock, permissions, packages, models."""

import getpass
import grp
import os
import platform
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from wyoming_rosie import __version__, config
from wyoming_rosie.commands.diagnostics.report import MachineReport
from wyoming_rosie.commands.processes import find_command
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.runtime import extras, secrets
from wyoming_rosie.trust.state_folders import SERVICES

CLOCK_SECONDS = 3.0
SERVICE_DATA = SERVICES / "satellite" / "wyoming-rosie"
"""Data folder of the satellite's system service."""
MAX_MODELS = 40
ENGINE_EXTRAS = {
    ("asr", "cascade"): "whisper",
    ("asr", "faster-whisper"): "whisper",
    ("tts", "piper"): "piper",
    ("wake", "openwakeword"): "openwakeword",
}
"""The extra of each engine that its program does not bring."""
KINDS = frozenset({".onnx", ".tflite", ".bin", ".gguf"})


def create_report() -> MachineReport:
    """Return the machine's report; blocks for up to CLOCK_SECONDS."""
    return MachineReport(
        system=f"{platform.system()} {platform.machine()}, {_system_name()}",
        python=platform.python_version(),
        version=__version__,
        clock_is_set=_is_clock_set(),
        has_sound_cards=any(Path("/dev/snd").glob("pcm*")),
        may_use_sound=_can_use_audio(),
        sound_server=_find_audio_server(),
        extras=extras.missing_packages(),
        absent_programs=tuple(role for role in BY_ROLE if not _is_installed(role)),
        chosen_extras=_list_chosen_extras(),
        models=_downloaded_models(),
    )


def find_esphome_keys(folders: Sequence[Path] = ()) -> list[tuple[str, str]]:
    """Return the name and the encryption key of each satellite whose key this user can read."""
    places = folders or (config.data_folder(), SERVICE_DATA)
    files = [file for folder in places for file in sorted(folder.glob(f"*/{secrets.ESPHOME_KEY_FILE}"))]
    found = []
    for file in files:
        with suppress(ConfigError):
            found.append((file.parent.name, secrets.read_secret_file(file, "--keys")))
    return found


def get_private_names() -> set[str]:
    """Return the names of this user and machine, which must not occur in a report."""
    found = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    with suppress(OSError, KeyError):
        found |= {getpass.getuser(), Path.home().name}
    return found - {"root", "localhost", ""}


def _is_installed(role: str) -> bool:
    try:
        find_command(role)
    except ConfigError:
        return False
    return True


def _list_chosen_extras() -> tuple[str, ...]:
    with suppress(ConfigError):  # programs tell what is wrong with the settings
        chosen = {(role, config.read_setting(role, "engine")) for role, _ in ENGINE_EXTRAS}
        return tuple(extra for engine, extra in ENGINE_EXTRAS.items() if engine in chosen)
    return ()


def _downloaded_models() -> tuple[str, ...]:
    folder = config.data_folder()
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in KINDS and file.is_file()]
    return tuple(f"{file.relative_to(folder)} ({file.stat().st_size // 1024} kB)" for file in files[:MAX_MODELS])


def _can_use_audio() -> bool:
    try:
        group = grp.getgrnam("audio").gr_gid
    except KeyError:
        return True  # without the group, audio needs no permission
    return os.geteuid() == 0 or group in os.getgroups()


def _find_audio_server() -> str:
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    if (folder / "pipewire-0").exists():
        return "PipeWire"
    return "PulseAudio" if (folder / "pulse" / "native").exists() else ""


def _system_name() -> str:
    with suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    return platform.release()


def _is_clock_set() -> bool | None:
    command = ("timedatectl", "show", "--property=NTPSynchronized", "--value")
    try:
        output = subprocess.run(command, capture_output=True, timeout=CLOCK_SECONDS, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {b"yes": True, b"no": False}.get(output.strip())
