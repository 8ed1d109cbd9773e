"""The web application: the routes behind the doors, and the page."""

from collections.abc import Mapping
from pathlib import Path

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from wyoming_rosie import __version__
from wyoming_rosie.errors import RosieError
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie_hub.web.access_file import AccessFile
from wyoming_rosie_hub.web.doors import Doors
from wyoming_rosie_hub.web.guard import Guard, error_response
from wyoming_rosie_hub.web.house import House, MemoryRefusedError, UnknownSatelliteError
from wyoming_rosie_hub.web.program_settings import UnknownProgramError
from wyoming_rosie_hub.web.routes import (
    access,
    backup,
    config,
    documents,
    health,
    memory,
    model_answers,
    parts,
    satellites,
    session,
    stream,
    turns,
    watch,
)
from wyoming_rosie_hub.web.sentences import SilentTimerError
from wyoming_rosie_hub.web.transports import SoundOffer
from wyoming_rosie_hub.web.voices import UnknownVoiceError

PAGE = Path(__file__).with_name("page")
API = "/api/v1"
STATUSES: Mapping[int, tuple[type[RosieError], ...]] = {
    404: (UnknownSatelliteError, UnknownVoiceError, UnknownProgramError),
    409: (SilentTimerError,),
    422: (MemoryRefusedError,),
}
"""Statuses of the errors that are the client's; 503 for those of a part of the house."""
_LOG = structlog.get_logger()


def create_application(
    house: House,
    doors: Doors,
    file: AccessFile,
    sound: SoundOffer,
    authority: Path | None = None,
    address: str | None = None,
    *,
    has_tls: bool = False,
) -> FastAPI:
    """Return the application; every request and WebSocket passes the guard first.

    `authority` is the certificate that clients have to trust, if the house has its own; `address` is where they reach it.
    """
    application = FastAPI(title="wyoming-rosie", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    application.include_router(health.create_router(house), tags=["health"])
    routers = {
        "health": health.create_router(house),
        "status": health.create_status_router(house),
        "session": session.create_router(doors),
        "turns": turns.create_router(house),
        "satellites": satellites.create_router(house),
        "stream": stream.create_router(house, sound),
        "config": config.create_router(house),
        "parts": parts.create_router(house),
        "memory": memory.create_router(house),
        "watch": watch.create_router(house, doors),
        "access": access.create_router(doors, file),
        "backup": backup.create_router(house),
        "llm": model_answers.create_router(house, doors),
    }
    for tag, router in routers.items():
        application.include_router(router, prefix=API, tags=[tag])
    application.include_router(documents.create_router(application, authority, address), tags=["documents"])
    application.mount("/", StaticFiles(directory=PAGE, html=True))
    application.add_exception_handler(ApiRequestError, _answer_refused)
    application.add_exception_handler(RosieError, _answer_failed)
    application.add_exception_handler(RequestValidationError, _answer_invalid)
    application.add_middleware(Guard, doors=doors, has_tls=has_tls)
    return application


async def _answer_refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiRequestError)
    return error_response(error)


async def _answer_failed(_: Request, error: Exception) -> JSONResponse:
    """Answer with the sentence of an error that is not the client's: a daemon is away, or a satellite."""
    assert isinstance(error, RosieError)
    status = next((status for status, kinds in STATUSES.items() if isinstance(error, kinds)), 503)
    _LOG.warning("request failed", reason=str(error))
    return JSONResponse({"error": str(error), "code": error.code}, status)


async def _answer_invalid(_: Request, error: Exception) -> JSONResponse:
    """Name the key that is wrong; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return JSONResponse({"error": "the body must be JSON", "code": "json"}, 400)
    key = ".".join(map(str, first["loc"][1:])) or str(first["loc"][0])
    return JSONResponse({"error": f"{key}: {first['msg']}", "code": "value", "key": key}, 422)
