"""The sign-in of an account: a file that only its owner may read, and the access token that it is exchanged for."""

import asyncio
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import json_store
from wyoming_rosie_intent.integrations.google_calendar.oauth import (
    LOGIN_COMMAND,
    OAuthClient,
    OAuthEndpoints,
    OAuthService,
)
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure

FOLDER = "google-calendar"
EARLY_SECONDS = 60.0
"""So much before its end an access token is renewed."""
_MODE = 0o600


@dataclass(frozen=True)
class StoredSignIn:
    """What is kept of a sign-in."""

    client: OAuthClient
    refresh_token: str = field(repr=False)


def find_file(state: Path, account: str) -> Path:
    """Return the file of an account. Raises ConfigError for a name that is none."""
    if not account or not account.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"account = {account!r}: use letters, digits, - and _ for its name")
    return state / FOLDER / f"{account.casefold()}.json"


def load(file: Path) -> StoredSignIn:
    """Read a sign-in. Blocks; raises ConfigError, which says what to do."""
    try:
        document = json_store.read(file)
    except (OSError, ValueError) as err:
        raise ConfigError(f"cannot read the sign-in {file}: {err}; run {LOGIN_COMMAND} again") from err
    try:
        return StoredSignIn(
            OAuthClient(str(document["client_id"]), str(document["client_secret"])), str(document["refresh_token"])
        )
    except (KeyError, TypeError) as err:
        raise ConfigError(f"there is no sign-in in {file}; run {LOGIN_COMMAND}") from err


def save(file: Path, sign_in: StoredSignIn) -> None:
    """Replace the file, which is never readable for others, not even for a moment. Blocks; raises ConfigError."""
    document = {
        "client_id": sign_in.client.id,
        "client_secret": sign_in.client.secret,
        "refresh_token": sign_in.refresh_token,
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".sign-in-") as private:  # mode 0700
            new = Path(private) / file.name
            json_store.write(new, document)
            new.chmod(_MODE)
            _give_to_owner(new, file.parent.parent)
            new.replace(file)
    except OSError as err:
        raise ConfigError(f"cannot write {file}: {err.strerror}; run it as the user of the intent daemon") from err


class GoogleToken:
    """The token source of an account's requests; refreshes once for all that wait, and reads a new sign-in by itself."""

    def __init__(self, file: Path, endpoints: OAuthEndpoints | None = None) -> None:
        self._file = file
        self._endpoints = endpoints
        self._lock = asyncio.Lock()
        self._token = ""
        self._ends_at = float("-inf")

    async def get_token(self) -> str:
        async with self._lock:
            if asyncio.get_running_loop().time() >= self._ends_at:
                await self._refresh()
            return self._token

    async def renew_token(self) -> str:
        async with self._lock:
            await self._refresh()
            return self._token

    async def _refresh(self) -> None:
        try:
            sign_in = await asyncio.to_thread(load, self._file)
        except ConfigError as err:
            raise HttpError(HttpFailure.UNAUTHORIZED, str(err)) from err
        service = OAuthService(sign_in.client, self._endpoints)
        try:
            tokens = await service.refresh(sign_in.refresh_token)
        finally:
            await service.close()
        if tokens.refresh_token and tokens.refresh_token != sign_in.refresh_token:
            await asyncio.to_thread(save, self._file, StoredSignIn(sign_in.client, tokens.refresh_token))
        self._token = tokens.access_token
        self._ends_at = asyncio.get_running_loop().time() + tokens.seconds - EARLY_SECONDS


def _give_to_owner(file: Path, folder: Path) -> None:
    """Let the user of the daemon read what root has written into its folder."""
    if os.geteuid() == 0:
        owner = folder.stat()
        for path in (file, file.parent, file.parent.parent):
            os.chown(path, owner.st_uid, owner.st_gid)
