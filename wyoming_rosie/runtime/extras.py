"""Extras: which packages of wyoming-rosie's extras are missing, and the command that installs them."""

import json
import os
import re
import shlex
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from wyoming_rosie.programs import BY_ROLE

PACKAGE = "wyoming-rosie"
_DEBIAN_FOLDER = "/usr/lib/wyoming-rosie/"
_FOR_DEVELOPERS = ("all", "dev")
_OWN_PACKAGES = ("calendar", "esphome", "memory", "openwakeword", "piper", "webrtc", "whisper")
"""Extras that are Debian packages of their own, besides the programs."""
_SUFFIXES = {"bus": "bridge", "files": "audio", "mqtt": "bridge", "speaker": "onnx", "tls": "common", "web": "hub"}
"""Extras whose libraries are in a Debian package of another name."""
_REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+)[^;]*;(?!.*platform_machine).*extra == ['\"](?P<extra>[\w-]+)['\"]")
"""A requirement of an extra; one that is for some processors only is never missed."""


def missing_packages() -> dict[str, tuple[str, ...]]:
    """Return the missing packages of each extra."""
    installed = {_normalize_name(distribution.metadata["Name"] or "") for distribution in metadata.distributions()}
    return missing_requirements(metadata.requires(PACKAGE) or [], installed)


def missing_requirements(requirements: Sequence[str], installed: set[str]) -> dict[str, tuple[str, ...]]:
    """Return the packages of each extra in a package's `requirements` that are not `installed`."""
    found: dict[str, list[str]] = defaultdict(list)
    for match in filter(None, map(_REQUIREMENT.match, requirements)):
        name = _normalize_name(match["name"])
        if name != PACKAGE and match["extra"] not in _FOR_DEVELOPERS:
            found[match["extra"]] += [] if name in installed else [name]
    return {extra: tuple(names) for extra, names in sorted(found.items())}


def install_command(extras: Iterable[str]) -> str:
    """Return the shell command that adds extras to this installation."""
    if str(Path(__file__)).startswith(_DEBIAN_FOLDER):
        return apt_command(extras)
    return pip_command(extras, metadata.distribution(PACKAGE).read_text("direct_url.json"), sys.prefix)


def apt_command(extras: Iterable[str]) -> str:
    """Return the command that adds extras to Debian's packages, or to an installation of pipx if one has no package."""
    wanted = sorted(extras)
    suffixes = [_SUFFIXES.get(extra, extra) for extra in wanted if extra != "all"]
    if not {*BY_ROLE, *_OWN_PACKAGES, *_SUFFIXES.values()} >= set(suffixes):
        return f'pipx install "{PACKAGE}[{",".join(wanted)}]"'
    names = [PACKAGE] * ("all" in wanted) + [f"{PACKAGE}-{suffix}" for suffix in dict.fromkeys(suffixes)]
    return f"sudo apt install {' '.join(names)}"


def program_path() -> str:
    """Return the command that calls this program from the current folder: its name if PATH finds it, else its path."""
    program = Path(sys.argv[0])
    found = shutil.which(program.name)
    if found is not None and Path(found).resolve() == program.resolve():
        return program.name
    return shlex.quote(os.path.relpath(os.path.normpath(program)))


def pip_command(extras: Iterable[str], direct_url: str | None, prefix: str) -> str:
    """Return the command that adds extras to the installation at `prefix`; `direct_url` is pip's record of its source."""
    source, is_editable = _install_source(direct_url)
    requirement = f'"{_abbreviate_home(source or PACKAGE)}[{",".join(sorted(extras))}]"'
    editable_flag = "--editable " if is_editable else ""
    if "/pipx/venvs/" in f"{prefix}/":
        return f"pipx install --force {editable_flag}{requirement}"
    return f"{_abbreviate_home(prefix)}/bin/python -m pip install {editable_flag}{requirement}"


def _abbreviate_home(path: str) -> str:
    """Return a path for a shell, with $HOME for the user's folder."""
    home = str(Path.home())
    return f"$HOME{path.removeprefix(home)}" if path.startswith(f"{home}/") else path


def _install_source(direct_url: str | None) -> tuple[str, bool]:
    """Return the folder or file that was installed, empty if it no longer exists, and whether the installation is editable."""
    noted = json.loads(direct_url) if direct_url else {}
    path = unquote(urlsplit(noted.get("url", "")).path)
    if not path or not Path(path).exists():
        return "", False
    return path, bool(noted.get("dir_info", {}).get("editable"))


def _normalize_name(name: str) -> str:
    return name.lower().replace("_", "-")
