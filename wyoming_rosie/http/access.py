"""Access: the keys of clients, the administrator's password and the sessions, in one file that only its owner can read."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import json_store
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.trust.scopes import Scope, includes, parse_scopes

FILE_NAME = "access.json"
"""Name of the file in the hub's data folder."""
KEY_BYTES = 32
MAX_KEYS = 256
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

    def find_key(self, secret: str) -> ClientKey | None:
        """Return the key whose secret this is."""
        digest = _digest(secret)
        return next((key for key in self.keys if hmac.compare_digest(key.digest, digest)), None)

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
        secret = f"rosie_{secrets.token_urlsafe(KEY_BYTES)}"
        key = ClientKey(name, _digest(secret), frozenset(scopes), room, created_at)
        return replace(self._with_session_secret(), keys=(*self.keys, key)), secret

    def revoke_key(self, name: str) -> "Access":
        """Return the access without a key. Raises ConfigError if there is none of that name."""
        if all(key.name != name for key in self.keys):
            names = ", ".join(key.name for key in self.keys) or "none"
            raise ConfigError(f"there is no key '{name}'; there are: {names}")
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

    def _find_digest(self, name: str) -> str | None:
        return next((key.digest for key in self.keys if key.name == name), None)

    def _with_session_secret(self) -> "Access":
        return self if self.session_secret else replace(self, session_secret=secrets.token_hex(KEY_BYTES))


def caller_of(key: ClientKey) -> Caller:
    """Return who a key stands for."""
    return Caller(key.name, key.scopes, key.room)


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
        )
        for key in fields.objects("keys", MAX_KEYS)
    )
    return Access(keys, fields.optional_text("password"), fields.text("session_secret"))
