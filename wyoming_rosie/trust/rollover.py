"""Rollover of the authority: another one takes its place, and no member has to join again. Needs cryptography.

While both are trusted, the former one signs the rosters, which name both, and the new one signs certificates.
"""

import shutil
from datetime import datetime
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.trust import authority as authorities
from wyoming_rosie.trust.authority import Authority, AuthorityFiles


def begin(folder: Path, now: datetime) -> Authority:
    """Make another authority, and return it; blocks. Raises ConfigError."""
    files = AuthorityFiles(folder)
    former = authorities.find_authority(folder)
    if find_previous(folder) is not None:
        raise ConfigError(
            "the authority before is still trusted; `wyoming-rosie key list` shows which members have its certificates"
        )
    try:
        new = AuthorityFiles(folder / "next")
        shutil.rmtree(new.folder, ignore_errors=True)
        own = [domain for domain in former.domains if domain not in authorities.LOCAL_DOMAINS]
        made = authorities.create_authority(new.folder, own or ["localhost"], now)
        files.previous.folder.mkdir(mode=0o700, exist_ok=True)
        files.key.replace(files.previous.key)
        files.certificate.replace(files.previous.certificate)
        new.key.replace(files.key)
        new.certificate.replace(files.certificate)
        new.folder.rmdir()
    except OSError as err:
        raise ConfigError(f"{err.filename or folder} cannot be written: {err.strerror}") from err
    return made


def find_previous(folder: Path) -> Authority | None:
    """Return the authority before, None if it is no longer trusted; blocks. Raises ConfigError."""
    files = AuthorityFiles(folder).previous
    return authorities.find_authority(files.folder) if files.certificate.exists() else None


def find_signer(folder: Path) -> Authority:
    """Return the authority that signs rosters: the one that all members trust; blocks. Raises ConfigError."""
    return find_previous(folder) or authorities.find_authority(folder)


def trusted(folder: Path) -> list[bytes]:
    """Return the certificates of the authorities that members trust, in PEM; blocks. Raises ConfigError."""
    found = find_previous(folder), authorities.find_authority(folder)
    return [one.pem for one in found if one is not None]


def finish(folder: Path) -> None:
    """Trust the former authority no longer; blocks. Raises ConfigError."""
    try:
        shutil.rmtree(AuthorityFiles(folder).previous.folder)
    except OSError as err:
        raise ConfigError(f"{err.filename or folder} cannot be removed: {err.strerror}") from err
