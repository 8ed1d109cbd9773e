"""Store of enrolled persons: a folder with one file of vectors for each, which only its owner may read. It holds no audio."""

import base64
import binascii
import hashlib
import os
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie import config
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import GUEST
from wyoming_rosie.runtime import json_store

if TYPE_CHECKING:
    from wyoming_rosie.audio.speakers.spectrum import Floats

_LOG = structlog.get_logger()
FORMAT = 1
FOLDER = "speakers"
MAX_PEOPLE = 256
MAX_NAME_CHARACTERS = 64
MAX_VECTORS = 50
MAX_DIMENSIONS = 8192


@dataclass(frozen=True)
class EnrolledPerson:
    """A person and the vectors of the voice, one row for each sentence, of one engine."""

    name: str
    engine: str
    vectors: "Floats"
    enrolled_at: float  # seconds since the epoch


class SpeakerStore:
    """The persons who are enrolled in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        return self._folder

    def signature(self) -> tuple[tuple[str, int, int], ...]:
        """Return what changes when somebody is enrolled or forgotten; empty if nobody is enrolled."""
        try:
            with os.scandir(self._folder) as entries:
                found = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".json")]
        except OSError:
            return ()
        return tuple(sorted((name, about.st_mtime_ns, about.st_size) for name, about in found))

    def load(self) -> list[EnrolledPerson]:
        """Return the persons in order of their names. A file that cannot be read is left out, and logged."""
        people = []
        for name, _, _ in self.signature()[:MAX_PEOPLE]:
            path = self._folder / name
            try:
                people.append(_parse_person(json_store.read(path)))
            except (OSError, ValueError, ConfigError) as err:
                _LOG.warning(
                    "voice is left out; enrol this person again, or delete the file", file=str(path), reason=str(err)
                )
        return sorted(people, key=lambda person: person.name.casefold())

    def save(self, person: EnrolledPerson) -> None:
        """Add a person, or replace the vectors of one. Raises ConfigError."""
        path = self._path(person.name)
        if not path.exists() and len(self.signature()) >= MAX_PEOPLE:
            raise ConfigError(f"{MAX_PEOPLE} people are enrolled, which is the limit; forget one first")
        try:
            json_store.write_private(path, _encode_person(person))
        except OSError as err:
            raise ConfigError(f"cannot write {path}: {err.strerror}; run it as the user of the asr daemon") from err

    def forget(self, name: str) -> bool:
        """Overwrite and delete a person's vectors; return False if the person is not enrolled. Raises ConfigError."""
        path = self._path(name)
        try:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as err:
            raise ConfigError(f"cannot delete {path}: {err.strerror}; run it as the user of the asr daemon") from err
        return True

    def _path(self, name: str) -> Path:
        """Return a person's file, whose name is a digest: people have names that files cannot have."""
        return self._folder / f"{hashlib.sha256(name.casefold().encode()).hexdigest()[:16]}.json"


def default_folder() -> Path:
    """Return the folder that the asr daemon's settings name, or its default. Raises ConfigError."""
    table = config.read_setting("asr", "speakers")
    set_folder = os.environ.get(f"{config.environment_prefix('asr')}SPEAKERS_FOLDER")
    set_folder = set_folder or (table.get("folder") if isinstance(table, dict) else None)
    return Path(set_folder) if set_folder else config.state_folder("asr") / FOLDER


def check_name(name: str) -> str:
    """Return a person's name in normal form. Raises ConfigError."""
    normal = unicodedata.normalize("NFC", " ".join(name.split()))
    if not normal or len(normal) > MAX_NAME_CHARACTERS or not normal.isprintable():
        raise ConfigError(f"a name has 1 to {MAX_NAME_CHARACTERS} printable characters, unlike {name[:80]!a}")
    if normal.casefold() == GUEST:
        raise ConfigError(f"'{normal}' stands for people whom nobody knows; choose another name")
    return normal


def create_person(name: str, engine: str, vectors: "Floats") -> EnrolledPerson:
    """Return a person who is enrolled now."""
    return EnrolledPerson(name, engine, vectors, time.time())


def _encode_person(person: EnrolledPerson) -> dict[str, Any]:
    import numpy as np

    rows = [base64.b64encode(np.asarray(row, "<f4").tobytes()).decode() for row in person.vectors]
    about = {"format": FORMAT, "name": person.name, "engine": person.engine, "enrolled_at": person.enrolled_at}
    return {**about, "vectors": rows}


def _parse_person(document: Any) -> EnrolledPerson:
    """Parse a file's document. Raises ValueError."""
    import numpy as np

    match document:
        case {
            "format": 1,
            "name": str(name),
            "engine": str(engine),
            "enrolled_at": int() | float() as at,
            "vectors": [*texts],
        } if texts and len(texts) <= MAX_VECTORS and all(isinstance(text, str) for text in texts):
            pass
        case _:
            raise ValueError("it is not a person's voice")
    try:
        rows = [np.frombuffer(base64.b64decode(text, validate=True), "<f4") for text in texts]
    except binascii.Error as err:
        raise ValueError(f"its vectors are damaged: {err}") from err
    if len({len(row) for row in rows}) != 1 or not 0 < len(rows[0]) <= MAX_DIMENSIONS or not np.isfinite(rows).all():
        raise ValueError("its vectors are damaged")
    return EnrolledPerson(check_name(name), engine, np.stack(rows), float(at))
