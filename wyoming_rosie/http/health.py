"""Health checks and metrics over HTTP: `/health`, `/health/PART` and `/metrics`, if a port is configured."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

import structlog

from wyoming_rosie import __version__
from wyoming_rosie.http.server import serve_http
from wyoming_rosie.metrics import Metrics

if TYPE_CHECKING:
    from aiohttp import web

_LOG = structlog.get_logger()
HEALTHY = None
HealthCheck: TypeAlias = Callable[[], str | None]
"""Returns the problem as a sentence, or HEALTHY; must not block."""


class Health:
    """The health checks of a program's parts."""

    def __init__(self) -> None:
        self._parts: dict[str, HealthCheck] = {}
        self._notes: dict[str, HealthCheck] = {}

    def add_check(self, part: str, check: HealthCheck) -> None:
        """Run `check` at each request to report the part's health."""
        self._parts[part] = check

    def add_note(self, part: str, read: HealthCheck) -> None:
        """Tell at each request what `read` returns, if anything; the program is healthy all the same."""
        self._notes[part] = read

    def read_notes(self) -> dict[str, str]:
        """Return the notes that there are now."""
        return {part: note for part, read in self._notes.items() if (note := read()) is not None}

    def run_checks(self) -> dict[str, str | None]:
        """Return the problem of each part, or HEALTHY."""
        return {part: check() for part, check in self._parts.items()}


@asynccontextmanager
async def serve_health(role: str, health: Health, metrics: Metrics, host: str, port: int | None) -> AsyncIterator[None]:
    """Serve over HTTP during the block, if there is a port. Raises ConfigError."""
    if port is None:
        yield
        return
    async with serve_http(health_app(role, health, metrics), host, port, "--http-port") as bound:
        _LOG.info("health", uri=f"http://{bound.host}:{bound.port}/health")
        yield


def health_app(role: str, health: Health, metrics: Metrics) -> "web.Application":
    """Return the application that answers monitors."""
    from aiohttp import web

    async def all_parts(_: web.Request) -> web.Response:
        return _response({"program": role, "version": __version__}, health.run_checks(), health.read_notes())

    async def get_part(request: web.Request) -> web.Response:
        name, parts = request.match_info["part"], health.run_checks()
        if name not in parts:
            there_are = ", ".join(sorted(parts))
            return web.json_response({"error": f"there is no part '{name}'; there are: {there_are}"}, status=404)
        return _response({"program": role, "part": name}, {name: parts[name]})

    async def numbers(_: web.Request) -> web.Response:
        text = await asyncio.to_thread(metrics.text)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    answering = web.Application()
    answering.router.add_get("/health", all_parts)
    answering.router.add_get("/health/{part}", get_part)
    answering.router.add_get("/metrics", numbers)
    return answering


def _response(
    about: dict[str, str], parts: dict[str, str | None], notes: dict[str, str] | None = None
) -> "web.Response":
    from aiohttp import web

    wrong = {part: reason for part, reason in parts.items() if reason is not HEALTHY}
    status = HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK
    described = {part: wrong.get(part, "ok") for part in parts}
    answer = {**about, "status": "failing" if wrong else "ok", "parts": described}
    return web.json_response(answer | ({"notes": notes} if notes else {}), status=status)
