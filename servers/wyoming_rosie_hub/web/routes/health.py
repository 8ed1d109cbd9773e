"""Health: one answer for monitors, and one for each part."""

from typing import Any

from fastapi import APIRouter, Response

from wyoming_rosie import __version__
from wyoming_rosie_hub.web.house import House


def create_router(house: House) -> APIRouter:
    """Return the routes for monitors: 200, or 503 with the reasons."""
    router = APIRouter()

    @router.get("/health")
    async def get_health(response: Response) -> dict[str, Any]:
        """Return the state of the hub."""
        parts = house.run_checks()
        response.status_code = 503 if any(parts.values()) else 200
        return {
            "program": "hub",
            "version": __version__,
            "status": "failing" if any(parts.values()) else "ok",
            "parts": {part: problem or "ok" for part, problem in parts.items()},
        }

    return router
