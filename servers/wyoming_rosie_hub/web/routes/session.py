"""Sessions: log in with the password or a key, and log out."""

import time

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from wyoming_rosie.http.access import ADMINISTRATOR, Caller
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie_hub.web.doors import SESSION_COOKIE, Doors

ADMIN_SECONDS = 12 * 3600
CLIENT_SECONDS = 400 * 86_400
"""A tablet on the wall stays logged in while its key is there; browsers keep no cookie for longer."""


class Credentials(BaseModel):
    """The administrator's password, or the key of a client."""

    secret: str = Field(min_length=1, max_length=256)


class SessionState(BaseModel):
    """Who is logged in, and what that admits."""

    name: str | None
    scopes: list[str]
    room: str | None
    needs_login: bool


def create_router(doors: Doors) -> APIRouter:
    """Return the routes, which need no caller."""
    router = APIRouter(prefix="/session")

    @router.get("")
    async def get_session(request: Request) -> SessionState:
        """Return who is logged in."""
        return _describe(request.state.caller)

    @router.post("")
    async def log_in(credentials: Credentials, request: Request, response: Response) -> SessionState:
        """Log in; the session is a cookie that no script can read."""
        address = request.client.host if request.client else ""
        caller = await doors.log_in(address, credentials.secret, loop_time(), time.time())
        set_session(doors, caller, request, response)
        return _describe(caller)

    @router.delete("", status_code=204)
    async def log_out(response: Response) -> None:
        """Log out in this browser."""
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")

    return router


def set_session(doors: Doors, caller: Caller, request: Request, response: Response) -> None:
    """Log a caller in in the browser that sent the request."""
    seconds = ADMIN_SECONDS if caller == ADMINISTRATOR else CLIENT_SECONDS
    cookie = doors.access.create_session(caller, time.time() + seconds)
    is_secure = request.url.scheme == "https"
    response.set_cookie(SESSION_COOKIE, cookie, seconds, httponly=True, samesite="strict", secure=is_secure)


def _describe(caller: Caller | None) -> SessionState:
    if caller is None:
        return SessionState(name=None, scopes=[], room=None, needs_login=True)
    return SessionState(name=caller.name, scopes=sorted(caller.scopes), room=caller.room, needs_login=False)
