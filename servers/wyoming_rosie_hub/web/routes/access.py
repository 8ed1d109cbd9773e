"""Keys of clients and the administrator's password."""

import time
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.access import (
    ADMINISTRATOR,
    LOCAL_PROGRAM,
    MAX_NAME_LENGTH,
    MAX_PASSWORD_LENGTH,
    Access,
    Caller,
)
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.trust.scopes import SCOPE_NAMES, ScopeName, parse_scopes
from wyoming_rosie_hub.web.access_file import AccessFile
from wyoming_rosie_hub.web.doors import Doors
from wyoming_rosie_hub.web.guard import NEEDS_ADMIN, Administrator
from wyoming_rosie_hub.web.routes.session import set_session

_LOG = structlog.get_logger()


class KeyRequest(BaseModel):
    """A key for a client; its room is where its sentences come from."""

    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    scopes: list[ScopeName] = Field(min_length=1, max_length=len(SCOPE_NAMES))
    room: str | None = Field(default=None, min_length=1, max_length=128)


class PasswordRequest(BaseModel):
    """The present password, null if there is none, and the new one."""

    old: str | None = Field(default=None, max_length=MAX_PASSWORD_LENGTH)
    new: str = Field(max_length=MAX_PASSWORD_LENGTH)


def create_router(doors: Doors, file: AccessFile) -> APIRouter:
    """Return the routes; a change holds at once."""
    router = APIRouter()

    @router.get("/keys", dependencies=[NEEDS_ADMIN])
    async def list_keys() -> list[dict[str, Any]]:
        """Return the keys without their secrets; `last_used_at` since the hub started, times in seconds since the epoch."""
        return [
            {
                "name": key.name,
                "scopes": sorted(key.scopes),
                "room": key.room,
                "created_at": key.created_at,
                "last_used_at": doors.last_used.get(key.name),
            }
            for key in doors.access.keys
        ]

    @router.post("/keys", status_code=201)
    async def add_key(key: KeyRequest, caller: Administrator) -> dict[str, str]:
        """Make a key; its secret is told only now."""
        secret = await _change(file, lambda old: old.add_key(key.name, parse_scopes(key.scopes), key.room, time.time()))
        _audit(caller, "key added", key.name)
        return {"secret": secret}

    @router.delete("/keys/{name}", status_code=204)
    async def revoke_key(name: str, caller: Administrator) -> None:
        """Revoke a key, which ends its sessions and streams."""
        if all(key.name != name for key in doors.access.keys):
            raise ApiRequestError(f"there is no key '{name}'", "key", HTTPStatus.NOT_FOUND)
        await _change(file, lambda old: (_revoke(old, name), None))
        _audit(caller, "key revoked", name)

    @router.post("/password", status_code=204)
    async def set_password(
        password: PasswordRequest, caller: Administrator, request: Request, response: Response
    ) -> None:
        """Set the administrator's password, which ends all its sessions but this one."""
        if doors.access.password_hash is not None:
            await _check_password(doors, request, password.old or "")
        await _change(file, lambda old: (old.with_password(password.new), None))
        _audit(caller, "password set")
        if caller in (ADMINISTRATOR, LOCAL_PROGRAM):
            set_session(doors, ADMINISTRATOR, request, response)

    return router


async def _change(file: AccessFile, change: Any) -> Any:
    try:
        return await file.change(change)
    except ConfigError as err:
        raise ApiRequestError(str(err), "value", HTTPStatus.UNPROCESSABLE_ENTITY) from err


def _revoke(old: Access, name: str) -> Access:
    changed = old.revoke_key(name)
    if changed.is_open:
        raise ConfigError("this is the last key, and there is no password; set a password first")
    return changed


async def _check_password(doors: Doors, request: Request, given: str) -> None:
    address = request.client.host if request.client else ""
    if not await doors.is_password(address, given, loop_time()):
        raise ApiRequestError("this is not the present password", "password", HTTPStatus.FORBIDDEN)


def _audit(caller: Caller, action: str, key: str | None = None) -> None:
    _LOG.info("audit", action=action, caller=caller.name, **({"key": key} if key else {}))
