"""Frigate's HTTP API for events that other programs create."""

import asyncio
import json
import ssl
from typing import TYPE_CHECKING
from urllib.parse import quote

from wyoming_rosie.bus.messages import Frame
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie_bridge.vision.edge.frames import MOTION
from wyoming_rosie_bridge.vision.frigate.reconcile import FrigateApi
from wyoming_rosie_bridge.worker import PoisonError

if TYPE_CHECKING:
    from aiohttp import ClientSession

REQUEST_SECONDS = 10.0
EVENT_SECONDS = 30
"""Length of an event in Frigate's recordings, which it ends by itself."""
MAX_ANSWER_BYTES = 100_000


class FrigateEvents:
    """Creates events in one Frigate."""

    def __init__(self, api: FrigateApi) -> None:
        self._api = api

    async def create(self, frame: Frame) -> str:
        """Create an event for a frame, now; return Frigate's ID of it. Raises PoisonError, UnreachableError."""
        from aiohttp import ClientError

        path = f"/api/events/{quote(frame.camera, safe='')}/{quote(frame.label or MOTION, safe='')}/create"
        body = {
            "source_type": "api",
            "score": min(1.0, max(0.0, frame.score)),
            "duration": EVENT_SECONDS,
            "include_recording": True,
        }
        try:
            async with (
                await self._open() as session,
                session.post(self._api.url + path, json=body, allow_redirects=False) as answer,
            ):
                return _read(answer.status, await answer.content.read(MAX_ANSWER_BYTES), path)
        except (ClientError, OSError) as err:  # TimeoutError is an OSError
            raise UnreachableError(f"Frigate's API cannot be reached: {type(err).__name__}") from err

    async def _open(self) -> "ClientSession":
        from aiohttp import ClientSession, ClientTimeout, TCPConnector

        connector = TCPConnector(ssl=await asyncio.to_thread(self._ssl_context))
        headers = {"Authorization": f"Bearer {self._api.token}"} if self._api.token else {}
        timeout = ClientTimeout(total=REQUEST_SECONDS)
        return ClientSession(connector=connector, headers=headers, timeout=timeout)

    def _ssl_context(self) -> ssl.SSLContext | bool:
        if not self._api.url.startswith("https:"):
            return True
        return ssl.create_default_context(cafile=str(self._api.ca_file) if self._api.ca_file else None)


def _read(status: int, content: bytes, path: str) -> str:
    if status in (400, 404, 405, 422):
        raise PoisonError("frigate-refused", f"Frigate answers {path} with status {status}; does it have this camera?")
    if status not in (200, 201):
        raise UnreachableError(f"Frigate answers with status {status}")
    try:
        return str(json.loads(content)["event_id"])
    except (ValueError, KeyError, TypeError):
        return "unknown"
