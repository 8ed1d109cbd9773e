"""Access: the keys of clients, the administrator's password and the sessions, in one file that only its owner can read."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import json_store
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.trust.scopes import Scope, includes, parse_scopes

FILE_NAME = "access.json"
"""Name of the file in the hub's data folder."""
LAST_USED_FILE = "access-used.json"
KEY_BYTES = 32
MAX_KEYS = 256
MAX_GRACE_SECONDS = 7 * 86_400.0
MAX_NAME_LENGTH = 64
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 256
ADMIN_SUBJECT = "admin"


@dataclass(frozen=True)
class ClientKey:
    """A key of a client, of which only the SHA-256 is kept: 256 random bits cannot be guessed from it."""

    name: str
    digest: str  # SHA-256 in hexadecimal digits
    scopes: frozenset[Scope]
    room: str | None = None
    created_at: float | None = None  # in seconds since the epoch; None for one of an earlier version
    former_digest: str | None = None  # of the secret before it was rotated, which is a key until then
    former_until: float = 0.0

    def digests(self, now: float) -> list[str]:
        """Return the digests of the secrets that count; `now` is in seconds since the epoch."""
        return [self.digest, *([self.former_digest] if self.former_digest and now < self.former_until else [])]


@dataclass(frozen=True)
class Caller:
    """The sender of a request: its scopes, and the room that it speaks for."""

    name: str
    scopes: frozenset[Scope]
    room: str | None = None

    def has(self, scope: Scope) -> bool:
        """Return whether it may send requests of a kind."""
        return includes(self.scopes, scope)


ADMINISTRATOR = Caller(ADMIN_SUBJECT, frozenset(Scope))
LOCAL_PROGRAM = Caller("local", frozenset(Scope))
"""A program of this machine, as long as there is neither a password nor a key."""


@dataclass(frozen=True)
class Access:
    """Everything that admits a request; a change returns a new value."""

    keys: tuple[ClientKey, ...] = ()
    password_hash: str | None = None  # argon2
    session_secret: str = ""

    @property
    def is_open(self) -> bool:
        """Whether there is neither a password nor a key."""
        return not self.keys and self.password_hash is None

    def find_key(self, secret: str, now: float) -> ClientKey | None:
        """Return the key whose secret this is; `now` is in seconds since the epoch."""
        digest = _digest(secret)
        counting = ((key, known) for key in self.keys for known in key.digests(now))
        return next((key for key, known in counting if hmac.compare_digest(known, digest)), None)

    def add_key(
        self, name: str, scopes: Collection[Scope], room: str | None = None, created_at: float | None = None
    ) -> "tuple[Access, str]":
        """Return the access with a new key, and the key's secret. Raises ConfigError for a name that is taken or invalid."""
        if not (name.strip() and name.isprintable() and len(name) <= MAX_NAME_LENGTH):
            raise ConfigError(f"a key's name has 1 to {MAX_NAME_LENGTH} printable characters")
        if any(key.name == name for key in self.keys):
            raise ConfigError(f"there is a key '{name}' already; revoke it first, or choose another name")
        if len(self.keys) >= MAX_KEYS:
            raise ConfigError(f"there are {MAX_KEYS} keys; revoke one first")
        secret = _create_secret()
        key = ClientKey(name, _digest(secret), frozenset(scopes), room, created_at)
        return replace(self._with_session_secret(), keys=(*self.keys, key)), secret

    def rotate_key(self, name: str, now: float, grace_seconds: float = 0) -> "tuple[Access, str]":
        """Return the access with another secret of a key, and that secret; the former one counts for some seconds more.

        Sessions that began with the former one end. Raises ConfigError if there is no key of that name.
        """
        self._check_key(name)
        if not 0 <= grace_seconds <= MAX_GRACE_SECONDS:
            raise ConfigError(f"the former secret may count for 0 to {MAX_GRACE_SECONDS:g} seconds")
        secret = _create_secret()
        keys = (_rotated(key, secret, now + grace_seconds) if key.name == name else key for key in self.keys)
        return replace(self, keys=tuple(keys)), secret

    def revoke_key(self, name: str) -> "Access":
        """Return the access without a key. Raises ConfigError if there is none of that name."""
        self._check_key(name)
        return replace(self, keys=tuple(key for key in self.keys if key.name != name))

    def with_password(self, password: str) -> "Access":
        """Return the access with another password, which ends all sessions; takes tens of ms. Raises ConfigError."""
        if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
            raise ConfigError(f"a password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters")
        from argon2 import PasswordHasher

        return replace(self._with_session_secret(), password_hash=PasswordHasher().hash(password))

    def verify_password(self, password: str) -> bool:
        """Return whether this is the administrator's password; takes tens of ms and 64 MB."""
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        if self.password_hash is None or len(password) > MAX_PASSWORD_LENGTH:
            return False
        try:
            return PasswordHasher().verify(self.password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def find_credential(self, caller: Caller) -> str | None:
        """Return what admits a caller: the hash of its password or key; None if that is gone."""
        return self.password_hash if caller == ADMINISTRATOR else self._find_digest(caller.name)

    def create_session(self, caller: Caller, expires_at: float) -> str:
        """Return the signed value of a session cookie; `expires_at` is seconds since the epoch."""
        subject = ADMIN_SUBJECT if caller == ADMINISTRATOR else f"key:{caller.name}"
        signed: bytes = self._signer(subject).sign(f"{expires_at:.0f}.{subject}")
        return signed.decode()

    def open_session(self, cookie: str, now: float) -> Caller | None:
        """Return whose session this is; None if it has expired, is not ours, or its key or password is gone."""
        from itsdangerous import BadSignature

        expires_at, _, rest = cookie.partition(".")
        subject = rest.rpartition(".")[0]
        try:
            self._signer(subject).unsign(cookie)
        except BadSignature:
            return None
        if not expires_at.isdecimal() or int(expires_at) <= now:
            return None
        if subject == ADMIN_SUBJECT:
            return None if self.password_hash is None else ADMINISTRATOR
        return next((caller_of(key) for key in self.keys if f"key:{key.name}" == subject), None)

    def _signer(self, subject: str) -> Any:
        """Return the signer of a subject's cookies; they become invalid with its password or key."""
        from itsdangerous import Signer

        own = self.password_hash if subject == ADMIN_SUBJECT else self._find_digest(subject.removeprefix("key:"))
        return Signer(
            self.session_secret or secrets.token_hex(), salt=own or secrets.token_hex(), digest_method=hashlib.sha256
        )

    def _check_key(self, name: str) -> None:
        if all(key.name != name for key in self.keys):
            names = ", ".join(key.name for key in self.keys) or "none"
            raise ConfigError(f"there is no key '{name}'; there are: {names}")

    def _find_digest(self, name: str) -> str | None:
        return next((key.digest for key in self.keys if key.name == name), None)

    def _with_session_secret(self) -> "Access":
        return self if self.session_secret else replace(self, session_secret=secrets.token_hex(KEY_BYTES))


def caller_of(key: ClientKey) -> Caller:
    """Return who a key stands for."""
    return Caller(key.name, key.scopes, key.room)


def describe_key(key: ClientKey, last_used_at: float | None) -> dict[str, Any]:
    """Return a key without its secret, as JSON values for clients; times in seconds since the epoch."""
    return {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "room": key.room,
        "created_at": key.created_at,
        "last_used_at": last_used_at,
    }


def load_last_used(folder: Path) -> dict[str, float]:
    """Return when each key was used last, by its name, as far as the hub with this data folder has written it; blocks."""
    try:
        document = json_store.read(folder / LAST_USED_FILE)
    except (OSError, ValueError):  # it is written again as keys are used
        return {}
    found = document.items() if isinstance(document, dict) else ()
    return {name: float(at) for name, at in found if isinstance(at, int | float)}


def save_last_used(folder: Path, last_used: Mapping[str, float]) -> None:
    """Store when each key was used last; blocks. Raises OSError."""
    json_store.write_private(folder / LAST_USED_FILE, dict(last_used))


def load(path: Path) -> Access:
    """Return the access of a file, an open one if there is no file. Raises ConfigError."""
    try:
        document = json_store.read(path)
        return Access() if document is None else _decode(Fields(document))
    except (OSError, ValueError) as err:
        raise ConfigError(f"{path}: {err}; restore it, or delete it and add keys and password again") from err


def save(path: Path, access: Access) -> None:
    """Replace the file, readable by the owner of its folder alone. Raises ConfigError."""
    try:
        json_store.write_private(path, _encode(access))
    except OSError as err:
        raise ConfigError(f"cannot write {path}: {err.strerror}; run it as the user of the hub") from err


def _create_secret() -> str:
    return f"rosie_{secrets.token_urlsafe(KEY_BYTES)}"


def _rotated(key: ClientKey, secret: str, former_until: float) -> ClientKey:
    return replace(key, digest=_digest(secret), former_digest=key.digest, former_until=former_until)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _encode(access: Access) -> dict[str, Any]:
    keys = [
        {
            "name": key.name,
            "sha256": key.digest,
            "scopes": sorted(key.scopes),
            "room": key.room,
            "created_at": key.created_at,
            "former_sha256": key.former_digest,
            "former_until": key.former_until,
        }
        for key in access.keys
    ]
    return {"keys": keys, "password": access.password_hash, "session_secret": access.session_secret}


def _decode(fields: Fields) -> Access:
    keys = tuple(
        ClientKey(
            key.text("name", 1, MAX_NAME_LENGTH),
            key.text("sha256", 64, 64),
            parse_scopes(key.texts("scopes")),
            key.optional_text("room"),
            key.optional_number("created_at"),
            key.optional_text("former_sha256"),
            key.optional_number("former_until") or 0.0,
        )
        for key in fields.objects("keys", MAX_KEYS)
    )
    return Access(keys, fields.optional_text("password"), fields.text("session_secret"))
