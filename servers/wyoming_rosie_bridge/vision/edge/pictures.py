"""Pictures over HTTP, MQTT or from a folder, and the child process that looks at them."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wyoming_rosie.errors import EngineError, RosieError
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.runtime.workers import ProcessWorker
from wyoming_rosie_bridge.vision.edge.children import load_pictures
from wyoming_rosie_bridge.vision.edge.frames import Box, FrameReport
from wyoming_rosie_bridge.vision.edge.settings import EdgeSettings
from wyoming_rosie_bridge.vision.edge.sources import CameraSource

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MAX_PICTURE_BYTES = 8_000_000
REQUEST_SECONDS = 5.0
LOOK_SECONDS = 30.0
"""Limit for one picture; a file may be made to keep a decoder busy."""
MAX_NEW_FILES = 100
SETTLED_SECONDS = 0.5
"""Age from which on a file counts as written."""
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
FileAge = tuple[int, str]
"""Orders the files of a folder: time of the last change in nanoseconds, then the name."""


class PictureError(RosieError):
    """A picture cannot be had; the text names no address."""

    code = "picture"


class PictureWorker:
    """The child process that looks at pictures, of all cameras and of the stream vision:raw; it starts when it is needed."""

    def __init__(self, settings: EdgeSettings) -> None:
        self._worker = ProcessWorker(partial(load_pictures, settings), "pictures")

    async def follow(self, camera: str, content: bytes) -> FrameReport:
        """Look at the next picture of a camera. Raises PictureError, EngineError."""
        return await self._look("follow", camera, content, loop_time())

    async def classify(self, content: bytes, regions: Sequence[Box]) -> FrameReport:
        """Look at a picture by itself. Raises PictureError, EngineError."""
        return await self._look("classify", content, tuple(regions))

    async def run(self) -> None:
        """End the child process when cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            await self._worker.close()

    async def _look(self, method: str, *arguments: object) -> FrameReport:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                report: FrameReport | None = await self._worker.call(method, *arguments)
        except TimeoutError as err:
            raise EngineError(f"a picture was not looked at within {LOOK_SECONDS:g} s") from err
        if report is None:
            raise PictureError("it is no JPEG or PNG, or has too many pixels")
        return report


async def request_picture(session: "ClientSession", source: CameraSource) -> bytes:
    """Return the picture that a camera serves over HTTP. Raises PictureError."""
    import aiohttp

    try:
        async with session.get(source.address, allow_redirects=False) as answer:
            if answer.status != 401 or source.user is None:
                return await _read_answer(answer)
            options = _authentication(answer, source.user, source.password or "")
        async with session.get(source.address, allow_redirects=False, **options) as answer:
            return await _read_answer(answer)
    except TimeoutError as err:
        raise PictureError("it does not answer") from err
    except (aiohttp.ClientError, OSError, ValueError) as err:  # their texts may name the URL
        raise PictureError(f"it cannot be reached ({type(err).__name__})") from None


def _authentication(answer: "ClientResponse", user: str, password: str) -> dict[str, Any]:
    """Return how to send the password: as a digest, if the camera can."""
    import aiohttp

    if any("digest" in value.lower() for value in answer.headers.getall("WWW-Authenticate", [])):
        return {"middlewares": (aiohttp.DigestAuthMiddleware(user, password),)}
    encoded = b64encode(f"{user}:{password}".encode()).decode()
    return {"headers": {"Authorization": f"Basic {encoded}"}}


async def _read_answer(answer: "ClientResponse") -> bytes:
    if answer.status != 200:
        raise PictureError(f"it answers with status {answer.status}")
    content = bytearray()
    async for piece in answer.content.iter_chunked(65_536):
        content += piece
        if len(content) > MAX_PICTURE_BYTES:
            raise PictureError(f"its picture has more than {MAX_PICTURE_BYTES} bytes")
    return bytes(content)


def find_new_pictures(folder: Path, last: FileAge) -> list[tuple[FileAge, Path]]:
    """Return the pictures of a folder that are newer than `last`, the oldest first. Raises OSError."""
    settled = time.time_ns() - int(SETTLED_SECONDS * 1e9)
    ages = [
        ((path.stat().st_mtime_ns, path.name), path)
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and path.is_file()
    ]
    return sorted((age, path) for age, path in ages if last < age and age[0] <= settled)[-MAX_NEW_FILES:]


def read_picture(path: Path) -> bytes:
    """Return a file's content. Raises OSError, PictureError."""
    with path.open("rb") as file:
        content = file.read(MAX_PICTURE_BYTES + 1)
    if len(content) > MAX_PICTURE_BYTES:
        raise PictureError(f"{path.name} has more than {MAX_PICTURE_BYTES} bytes")
    return content
