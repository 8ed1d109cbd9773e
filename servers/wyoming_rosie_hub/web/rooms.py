"""Rooms: which room a client may speak for, by one rule for sentences and for pages."""

from http import HTTPStatus
from typing import Protocol

from wyoming_rosie.http.access import Caller
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.timers.model import matches_name
from wyoming_rosie.trust.scopes import Scope


class RoomPolicies(Protocol):
    """The part of the house that knows its rooms."""

    async def is_private(self, room: str) -> bool:
        """Return whether `private` of [rooms] is set for a room. Raises UnreachableError."""


async def find_room(policies: RoomPolicies, caller: Caller, requested: str | None) -> str | None:
    """Return the room of a caller: that of its key; a key without one may name any room that is not private.

    An administrator may name any. Raises ApiRequestError, UnreachableError.
    """
    if requested is None or (caller.room is not None and matches_name(requested, caller.room)):
        return caller.room
    if caller.has(Scope.ADMIN):
        return requested
    if caller.room is not None:
        raise ApiRequestError("the room is that of the key", "room", HTTPStatus.FORBIDDEN)
    if await policies.is_private(requested):
        text = f"the room '{requested}' is private; use a key of that room: wyoming-rosie key add NAME --room ROOM"
        raise ApiRequestError(text, "room", HTTPStatus.FORBIDDEN)
    return requested
