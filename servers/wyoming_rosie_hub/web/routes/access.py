"""Keys of clients and the administrator's password."""

import asyncio
import time
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, TypeVar

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.access import (
    ADMINISTRATOR,
    LOCAL_PROGRAM,
    MAX_GRACE_SECONDS,
    MAX_NAME_LENGTH,
    MAX_PASSWORD_LENGTH,
    Access,
    Caller,
    describe_key,
)
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.trust.member_directory import MemberDirectory
from wyoming_rosie.trust.scopes import SCOPE_NAMES, ScopeName, parse_scopes
from wyoming_rosie_hub.web.access_file import AccessFile
from wyoming_rosie_hub.web.doors import Doors
from wyoming_rosie_hub.web.guard import NEEDS_ADMIN, Administrator
from wyoming_rosie_hub.web.routes.session import set_session

T = TypeVar("T")
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


class Rotation(BaseModel):
    """Another secret of a key; the former one counts for some seconds more."""

    grace_seconds: float = Field(default=0, ge=0, le=MAX_GRACE_SECONDS)


def create_router(doors: Doors, file: AccessFile) -> APIRouter:
    """Return the routes; a change holds at once."""
    router = APIRouter()
    members = MemberDirectory(file.path.parent)

    @router.get("/keys", dependencies=[NEEDS_ADMIN])
    async def list_keys() -> list[dict[str, Any]]:
        """Return the members of the house and the keys, without their secrets; times in seconds since the epoch."""
        keys = (describe_key(key, doors.last_used.get(key.name)) for key in doors.access.keys)
        listed = await _answer(asyncio.to_thread(members.list_members))
        return [*(one.values for one in listed), *({"kind": "key", **key} for key in keys)]

    @router.post("/keys", status_code=201)
    async def add_key(key: KeyRequest, caller: Administrator) -> dict[str, str]:
        """Make a key; its secret is told only now."""
        secret = await _answer(
            file.change(lambda old: old.add_key(key.name, parse_scopes(key.scopes), key.room, time.time()))
        )
        _audit(caller, "key added", key.name)
        return {"secret": secret}

    @router.delete("/keys/{name}", status_code=204)
    async def revoke_key(name: str, caller: Administrator) -> None:
        """Revoke a key, which ends its sessions and streams."""
        _check_key(doors, name)
        await _answer(file.change(lambda old: (_revoke(old, name), None)))
        _audit(caller, "key revoked", name)

    @router.post("/keys/{name}/rotate")
    async def rotate_key(name: str, rotation: Rotation, caller: Administrator) -> dict[str, str]:
        """Give a key another secret, which is told only now; the former one counts for `grace_seconds`."""
        _check_key(doors, name)
        secret = await _answer(file.change(lambda old: old.rotate_key(name, time.time(), rotation.grace_seconds)))
        _audit(caller, "key rotated", name)
        return {"secret": secret}

    @router.delete("/members/{member_id}", status_code=204)
    async def revoke_member(member_id: str, caller: Administrator) -> None:
        """Revoke a member, which is cut off from all others within a second."""
        await _check_member(members, member_id)
        gone = await _answer(asyncio.to_thread(members.revoke, member_id))
        _audit(caller, "member revoked", str(gone))

    @router.post("/members/{member_id}/rotate", status_code=204)
    async def rotate_member(member_id: str, caller: Administrator) -> None:
        """Let a member get another certificate, at once or when it is connected again."""
        await _check_member(members, member_id)
        member = await _answer(asyncio.to_thread(members.rotate, member_id))
        _audit(caller, "member rotated", str(member))

    @router.post("/password", status_code=204)
    async def set_password(
        password: PasswordRequest, caller: Administrator, request: Request, response: Response
    ) -> None:
        """Set the administrator's password, which ends all its sessions but this one."""
        if doors.access.password_hash is not None:
            await _check_password(doors, request, password.old or "")
        await _answer(file.change(lambda old: (old.with_password(password.new), None)))
        _audit(caller, "password set")
        if caller in (ADMINISTRATOR, LOCAL_PROGRAM):
            set_session(doors, ADMINISTRATOR, request, response)

    return router


async def _answer(change: Awaitable[T]) -> T:
    """Return the result of a change. Raises ApiRequestError for one that cannot be made."""
    try:
        return await change
    except ConfigError as err:
        raise ApiRequestError(str(err), "value", HTTPStatus.UNPROCESSABLE_ENTITY) from err


def _check_key(doors: Doors, name: str) -> None:
    if all(key.name != name for key in doors.access.keys):
        raise ApiRequestError(f"there is no key '{name}'", "key", HTTPStatus.NOT_FOUND)


async def _check_member(members: MemberDirectory, member_id: str) -> None:
    if await _answer(asyncio.to_thread(members.find, member_id)) is None:
        raise ApiRequestError(f"there is no member '{member_id}'", "member", HTTPStatus.NOT_FOUND)


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
