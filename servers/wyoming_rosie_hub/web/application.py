"""The web application: the routes behind the doors, and the page."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from wyoming_rosie import __version__
from wyoming_rosie_hub.web.doors import Doors
from wyoming_rosie_hub.web.guard import Guard
from wyoming_rosie_hub.web.house import House
from wyoming_rosie_hub.web.routes import health, stream

PAGE = Path(__file__).with_name("page")
API = "/api/v1"


def create_application(house: House, doors: Doors) -> FastAPI:
    """Return the application; every request and WebSocket passes the guard first."""
    application = FastAPI(title="wyoming-rosie", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    application.state.house = house
    application.include_router(health.create_router(house), tags=["health"])
    application.include_router(health.create_router(house), prefix=API, tags=["health"])
    application.include_router(stream.create_router(house), prefix=API)
    application.mount("/", StaticFiles(directory=PAGE, html=True))
    application.add_middleware(Guard, doors=doors)
    return application
