"""Backup of the house as a file to download, and its restore from one that is sent."""

import asyncio
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from wyoming_rosie.backup import archive
from wyoming_rosie.backup.parts import BackupError, BackupPlaces
from wyoming_rosie.backup.restore import RestoreResult, restore_backup
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie_hub.web.guard import Administrator
from wyoming_rosie_hub.web.house import House

_LOG = structlog.get_logger()
MAX_FILE_BYTES = 64 << 20
CHUNK_SECONDS = 10.0
FILE_SECONDS = 300.0
"""Time for the whole file, and for each part of it to arrive."""
GZIP = "application/gzip"


class BackupFileError(ApiRequestError):
    """A file that is no backup, or cannot be restored here."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "backup", HTTPStatus.UNPROCESSABLE_ENTITY)


def create_router(house: House) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    lock = asyncio.Lock()

    @router.get("/backup", response_class=FileResponse, responses={200: {"content": {GZIP: {}}}})
    async def get_backup(caller: Administrator) -> Response:
        """Return a backup without tokens and private keys, of what the hub may read."""
        file = await asyncio.to_thread(_create_backup, house.backup_places)
        _LOG.info("audit", action="backup made", caller=caller.name)
        name = f"rosie-{datetime.now(UTC):%Y-%m-%d}.tar.gz"
        return FileResponse(file, media_type=GZIP, filename=name, background=BackgroundTask(file.unlink))

    @router.post("/restore")
    async def restore(request: Request, caller: Administrator) -> dict[str, Any]:
        """Restore a backup, the body of the request; the answer names what was restored and what has to be restarted.

        What could not be restored is in `left_out`; what was replaced is the file `replaced`, in the hub's folder.
        """
        async with lock:
            file = await asyncio.to_thread(_create_file, Path(tempfile.gettempdir()))
            try:
                await receive_file(request, file)
                async with house.restoring():
                    result = await asyncio.to_thread(_restore, file, house.backup_places)
            finally:
                await asyncio.to_thread(file.unlink)
        _LOG.info("audit", action="backup restored", caller=caller.name, parts=result.restored)
        return {**asdict(result), "left_out": dict(result.left_out), "moved": dict(result.moved)}

    return router


async def receive_file(request: Request, target: Path) -> None:
    """Write the body of a request to a file within its limits. Raises ApiRequestError."""
    too_large = ApiRequestError(f"send at most {MAX_FILE_BYTES >> 20} MB", "size", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if int(request.headers.get("content-length") or 0) > MAX_FILE_BYTES:
        raise too_large
    received = 0
    parts = aiter(request.stream())
    try:
        async with asyncio.timeout(FILE_SECONDS):
            while (part := await asyncio.wait_for(anext(parts, None), CHUNK_SECONDS)) is not None:
                received += len(part)
                if received > MAX_FILE_BYTES:
                    raise too_large
                await asyncio.to_thread(_append, target, part)
    except TimeoutError:
        raise ApiRequestError("the file took too long", "slow", HTTPStatus.REQUEST_TIMEOUT) from None


def _append(target: Path, part: bytes) -> None:
    with target.open("ab") as file:
        file.write(part)


def _create_file(folder: Path) -> Path:
    """Return a new file that only its owner can read."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".rosie-", delete=False) as file:
        return Path(file.name)


def _create_backup(places: BackupPlaces) -> Path:
    path = _create_file(places.backups)
    try:
        archive.write_backup(places.find_parts(), path)
    except BaseException:
        path.unlink()
        raise
    return path


def _restore(file: Path, places: BackupPlaces) -> RestoreResult:
    if archive.is_encrypted(file):
        raise BackupFileError("the backup is encrypted; restore it on the hub's machine: wyoming-rosie restore FILE")
    try:
        with archive.open_backup(file) as opened:
            return restore_backup(opened, places)
    except (BackupError, ConfigError) as err:
        raise BackupFileError(str(err)) from err
