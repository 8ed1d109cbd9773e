"""Satellites: announcements, volume, mute, and timers."""

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from wyoming_rosie.http.access import Caller
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.timers.intents import MAX_SECONDS
from wyoming_rosie.timers.model import matches_name
from wyoming_rosie.trust.scopes import Scope
from wyoming_rosie_hub.turn_runner import DEFAULT_LANGUAGE
from wyoming_rosie_hub.web.guard import NEEDS_READ, ActCaller
from wyoming_rosie_hub.web.house import House, HouseSatellite, describe_timer
from wyoming_rosie_hub.web.routes.turns import LANGUAGE, MAX_SENTENCE_CHARACTERS, NAME


class AnnouncementRequest(BaseModel):
    text: str = Field(min_length=1, max_length=MAX_SENTENCE_CHARACTERS)
    language: str | None = LANGUAGE


class VolumeRequest(BaseModel):
    percent: int = Field(ge=0, le=100)


class MuteRequest(BaseModel):
    muted: bool


class TimerRequest(BaseModel):
    """A timer; without a satellite it rings in the room of the key."""

    seconds: int = Field(ge=1, le=MAX_SECONDS)
    name: str | None = NAME
    satellite: str | None = NAME
    language: str | None = LANGUAGE


def create_router(house: House) -> APIRouter:
    """Return the routes; a key with a room reaches the satellites of its room."""
    router = APIRouter()

    @router.get("/satellites", dependencies=[NEEDS_READ])
    async def list_satellites() -> list[HouseSatellite]:
        """Return the satellites."""
        return list(house.satellites())

    @router.post("/satellites/{satellite_id}/announce", status_code=202)
    async def announce(satellite_id: str, announcement: AnnouncementRequest, caller: ActCaller) -> dict[str, str]:
        """Speak a text as soon as the satellite is idle."""
        _check_room(house, caller, satellite_id)
        house.announce(satellite_id, announcement.text, announcement.language or DEFAULT_LANGUAGE)
        return {"status": "queued"}

    @router.post("/satellites/{satellite_id}/volume")
    async def set_volume(satellite_id: str, volume: VolumeRequest, caller: ActCaller) -> dict[str, int | None]:
        """Set the volume; the answer is what the satellite reports, null if it has no volume to set."""
        _check_room(house, caller, satellite_id)
        return {"percent": await house.set_volume(satellite_id, volume.percent)}

    @router.post("/satellites/{satellite_id}/mute", status_code=202)
    async def mute(satellite_id: str, mute: MuteRequest, caller: ActCaller) -> dict[str, str]:
        """Mute or unmute the microphone; the list of satellites shows what it has reported since."""
        _check_room(house, caller, satellite_id)
        house.set_muted(satellite_id, is_muted=mute.muted)
        return {"status": "sent"}

    @router.get("/timers", dependencies=[NEEDS_READ])
    async def list_timers() -> list[dict[str, Any]]:
        """Return timers, alarms and reminders with the seconds that are left."""
        return [describe_timer(timer, time.time()) for timer in house.timers()]

    @router.post("/timers", status_code=201)
    async def start_timer(timer: TimerRequest, caller: ActCaller) -> dict[str, str]:
        """Start a timer that rings at a satellite."""
        satellite_id = timer.satellite or _find_satellite(house.satellites(), caller)
        _check_room(house, caller, satellite_id)
        language = timer.language or DEFAULT_LANGUAGE
        answer = await house.start_timer(satellite_id, timer.seconds, timer.name, language)
        if not answer.succeeded:
            raise ApiRequestError(answer.text, "timer", HTTPStatus.CONFLICT)
        return {"text": answer.text}

    @router.delete("/timers/{timer_id}", status_code=204)
    async def cancel_timer(timer_id: str, caller: ActCaller) -> None:
        """Cancel a timer, alarm or reminder."""
        found = next((timer for timer in house.timers() if timer.id == timer_id), None)
        if found is None:
            raise ApiRequestError("there is no such timer", "timer", HTTPStatus.NOT_FOUND)
        _check_room(house, caller, found.satellite_id)
        await house.cancel_timer(timer_id)

    return router


def _check_room(house: House, caller: Caller, satellite_id: str) -> None:
    """Raise ApiRequestError if the key's room is not that of the satellite."""
    if caller.room is None or caller.has(Scope.ADMIN):
        return
    area = next((satellite.area for satellite in house.satellites() if satellite.id == satellite_id), None)
    if not matches_name(area, caller.room):
        raise ApiRequestError(f"the key is for the room '{caller.room}'", "room", HTTPStatus.FORBIDDEN)


def _find_satellite(satellites: Sequence[HouseSatellite], caller: Caller) -> str:
    """Return the connected satellite of the caller's room, or the only one. Raises ApiRequestError."""
    connected = [satellite for satellite in satellites if satellite.is_connected]
    if caller.room is not None:
        connected = [satellite for satellite in connected if matches_name(satellite.area, caller.room)]
    if len(connected) != 1 and (caller.room is None or not connected):
        raise ApiRequestError("say at which satellite the timer rings", "satellite", HTTPStatus.UNPROCESSABLE_ENTITY)
    return connected[0].id
