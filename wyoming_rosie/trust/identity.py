"""A member's identity: its key and certificate, the house's authority and the roster, as files in one folder.

Loading needs no library besides `ssl`: cryptography, which makes the files, takes 10 MB of memory.
"""

import hashlib
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.errors import ConfigError, UntrustedPeerError
from wyoming_rosie.runtime import atomic_file, json_store
from wyoming_rosie.trust import group_key, tls
from wyoming_rosie.trust.tls import MemberCertificate

FOLDER = "identity"
HOUSE_ID_DIGITS = 16
NEXT_STEP = "join the house again: `wyoming-rosie pair NAME` on the hub's machine tells how"


@dataclass(frozen=True)
class IdentityFiles:
    """Files of an identity. Key and certificate are one file, so that they always belong together."""

    folder: Path

    @property
    def member(self) -> Path:
        """The private key, then the certificate."""
        return self.folder / "member.pem"

    @property
    def house(self) -> Path:
        """The certificate of the house's authority, or of two while one takes the other's place."""
        return self.folder / "house.pem"

    @property
    def roster(self) -> Path:
        return self.folder / "roster.json"

    @property
    def group_key(self) -> Path:
        """A satellite's group key."""
        return self.folder / group_key.FILE_NAME

    @property
    def service(self) -> Path:
        """The address of the trust service."""
        return self.folder / "service.json"

    @property
    def exist(self) -> bool:
        """Whether there is an identity, or a part of one."""
        return self.member.exists() or self.house.exists()


@dataclass(frozen=True)
class Identity:
    """An identity whose files were checked: key and certificate belong together, and the authority has signed them."""

    files: IdentityFiles
    certificate: MemberCertificate
    authorities: bytes
    """The certificates of the house's authority, in PEM: two while one takes the other's place."""


def house_id(authorities: bytes) -> str:
    """Return the id of the house whose first authority has this certificate, in PEM: the first digits of its SHA-256."""
    first = authorities.decode().partition(ssl.PEM_FOOTER)[0] + ssl.PEM_FOOTER
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()[:HOUSE_ID_DIGITS]


def load_identity(folder: Path) -> Identity | None:
    """Return the identity in a folder, None if there is none; blocks. Raises ConfigError for files that cannot be used."""
    files = IdentityFiles(folder)
    if not files.exist:
        return None
    for path in (files.member, files.house):
        if not path.exists():
            raise ConfigError(f"{path} is missing; {NEXT_STEP}")
    _check_mode(files.member)
    try:
        certificate = tls.prove_to_itself(files.member, files.house)
        return Identity(files, certificate, files.house.read_bytes())
    except UntrustedPeerError as err:
        raise ConfigError(f"the certificate in {files.member} is none of a program: {err}; {NEXT_STEP}") from err
    except (OSError, ValueError) as err:
        raise ConfigError(f"the identity in {folder} cannot be used: {tls.explain(err)}; {NEXT_STEP}") from err


def save_identity(folder: Path, key: bytes, certificate: bytes, authorities: bytes) -> None:
    """Replace the key and the certificates of an identity, all in PEM. Raises OSError."""
    files = IdentityFiles(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    atomic_file.write(files.house, authorities)
    atomic_file.write(files.member, key + certificate, atomic_file.PRIVATE)


def load_service_uri(folder: Path) -> str | None:
    """Return where the trust service was last, None if that is not known; blocks."""
    try:
        document = json_store.read(IdentityFiles(folder).service)
    except (OSError, ValueError):  # it is found by mDNS
        return None
    uri = document.get("uri") if isinstance(document, dict) else None
    return uri if isinstance(uri, str) else None


def save_service_uri(folder: Path, uri: str) -> None:
    """Store where the trust service is. Raises OSError."""
    json_store.write(IdentityFiles(folder).service, {"uri": uri})


def _check_mode(path: Path) -> None:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"other users of this machine may use the key in {path}, so that it proves nothing; "
            f"run chmod 600 {path}, and if somebody may have read it, {NEXT_STEP}"
        )
