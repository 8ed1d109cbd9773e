"""Health and status: for monitors, and for the page about the house."""

import asyncio
import os
import time
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from wyoming_rosie import __version__
from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.load import measure_memory_mb
from wyoming_rosie_hub.web.guard import NEEDS_READ
from wyoming_rosie_hub.web.house import House

DAEMON_OF_PART = {"wake": "wake", "vad": "vad", "stt": "asr", "llm": "intent", "tts": "tts"}
TOP_INTENTS = 10
LANGUAGE_MODELS, MODEL = "language-models", "model"
"""Parts of a daemon whose problem is one of the whole."""


def create_router(house: House) -> APIRouter:
    """Return the routes for monitors: 200, or 503 with the reasons; without credentials only the status."""
    router = APIRouter(prefix="/health")

    @router.get("")
    async def get_health(request: Request, response: Response) -> dict[str, Any]:
        """Return the state of the hub."""
        problems = house.run_checks()
        response.status_code = 503 if any(problems.values()) else 200
        state = {"program": "hub", "status": "failing" if any(problems.values()) else "ok"}
        if request.state.caller is None:
            return state
        return {**state, "version": __version__, "parts": {part: problem or "ok" for part, problem in problems.items()}}

    @router.get("/{part}")
    async def get_part(
        part: Literal["wake", "vad", "stt", "llm", "tts", "memory"], request: Request, response: Response
    ) -> dict[str, Any]:
        """Return whether a daemon answers and has a model; `llm` is the intent daemon, and its language models if it has any."""
        problem, notice = await _find_problem(house, part)
        response.status_code = 503 if problem else 200
        state = {"part": part, "status": "failing" if problem else "ok"}
        told = {"reason": problem, "notice": notice}
        return state if request.state.caller is None else {**state, **{key: text for key, text in told.items() if text}}

    return router


def create_status_router(house: House) -> APIRouter:
    """Return the route of the status."""
    router = APIRouter()
    began = time.monotonic()

    @router.get("/status", dependencies=[NEEDS_READ])
    async def get_status() -> dict[str, Any]:
        """Return satellites, rooms, daemons, queues, load, versions, top intents and turns by outcome."""
        daemons = await asyncio.gather(*(house.describe_daemon(role) for role in DAEMON_OF_PART.values()))
        satellites = house.satellites()
        return {
            "version": __version__,
            "uptime_seconds": round(time.monotonic() - began),
            "satellites": [asdict(satellite) for satellite in satellites],
            "rooms": sorted({satellite.area for satellite in satellites if satellite.area}),
            "daemons": [asdict(daemon) for daemon in daemons],
            "queues": dict(house.queues()),
            "load": await asyncio.to_thread(_measure_load),
            "machine": asdict(await house.measure_machine()),
            "top_intents": dict(house.history.intents.most_common(TOP_INTENTS)),
            "turns": dict(house.history.outcomes),
        }

    return router


async def _find_problem(house: House, part: str) -> tuple[str | None, str | None]:
    """Return what is wrong with a part, and what it can do less well than it should."""
    if part == "memory":
        return await _find_memory_problem(house)
    daemon = await house.describe_daemon(DAEMON_OF_PART[part])
    return daemon.problem or daemon.problems.get(LANGUAGE_MODELS if part == "llm" else MODEL), None


async def _find_memory_problem(house: House) -> tuple[str | None, str | None]:
    try:
        stats = await house.ask_memory("stats", {})
    except RosieError as err:
        return str(err), None
    return stats.get("problem"), stats.get("embedding_problem")


def _measure_load() -> dict[str, float]:
    """Return the load of this machine, and processor time and memory of the hub."""
    used = os.times()
    return {
        "load_average": round(os.getloadavg()[0], 2),
        "processors": os.cpu_count() or 1,
        "hub_cpu_seconds": round(used.user + used.system, 2),
        "hub_memory_mb": measure_memory_mb(),
    }
