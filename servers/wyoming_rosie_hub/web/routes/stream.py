"""Stream: the WebSocket of a page that is a satellite."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, Field
from starlette.websockets import WebSocketDisconnect

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.http.access import Caller
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.trust.scopes import Scope
from wyoming_rosie_hub.web.browser_satellite import BrowserSatellite, ConnectedPages, StreamCaller, StreamEndedError
from wyoming_rosie_hub.web.guard import NEEDS_AUDIO
from wyoming_rosie_hub.web.house import House
from wyoming_rosie_hub.web.rooms import find_room
from wyoming_rosie_hub.web.stream_messages import Message
from wyoming_rosie_hub.web.transports import MAX_SDP_CHARACTERS, SoundOffer

CLOSE_SECONDS = 2.0
MAX_REASON_BYTES = 120
"""Of a WebSocket's close frame, which holds 123."""


class WebRtcOffer(BaseModel):
    """An offer with all candidates, and the ticket of `run-satellite`, which says whose sound it is."""

    ticket: str = Field(min_length=1, max_length=64)
    sdp: str = Field(min_length=1, max_length=MAX_SDP_CHARACTERS)


class WebRtcAnswer(BaseModel):
    """The answer, with all candidates of the hub."""

    sdp: str


def create_router(house: House, offer: SoundOffer) -> APIRouter:
    """Return the routes: Wyoming events as JSON and audio as binary messages, and WebRTC for the audio."""
    router = APIRouter()
    pages = ConnectedPages()

    @router.websocket("/stream")
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        address = websocket.client.host if websocket.client else ""
        stream_caller = _create_stream_caller(house, websocket.state.caller, address)
        page = BrowserSatellite(_Socket(websocket), house, stream_caller, offer)
        try:
            await page.run(pages)
        except StreamEndedError as err:
            await _close(websocket, err)

    @router.post("/webrtc/offer", dependencies=[NEEDS_AUDIO])
    async def answer_offer(sent: WebRtcOffer) -> WebRtcAnswer:
        """Let a page of the stream, in its own browser, carry its sound by WebRTC."""
        try:
            return WebRtcAnswer(sdp=await pages.answer_offer(sent.ticket, sent.sdp))
        except BadEventError as err:
            raise ApiRequestError(str(err), "offer", HTTPStatus.UNPROCESSABLE_ENTITY) from err

    return router


def _create_stream_caller(house: House, caller: Caller, address: str) -> StreamCaller:
    check_room = None if caller.room else partial(find_room, house, caller)
    may_type, may_act = caller.has(Scope.TEXT), caller.has(Scope.ACT)
    return StreamCaller(caller.name, caller.room, check_room, address, may_type, may_act)


async def _close(websocket: WebSocket, reason: StreamEndedError) -> None:
    text = str(reason).encode()[:MAX_REASON_BYTES].decode(errors="ignore")
    with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await websocket.close(reason.close_code, text)


@dataclass(frozen=True)
class _Socket:
    """Starlette's WebSocket as messages."""

    websocket: WebSocket

    async def receive_message(self) -> Message | None:
        received = await self.websocket.receive()
        if received["type"] == "websocket.disconnect":
            return None
        message: Message = received["bytes"] if received.get("text") is None else received["text"]
        return message

    async def send_message(self, message: Message) -> None:
        try:
            if isinstance(message, bytes):
                await self.websocket.send_bytes(message)
            else:
                await self.websocket.send_text(message)
        except (WebSocketDisconnect, RuntimeError) as err:
            raise ConnectionError("the page has disconnected") from err
