"""Health checks and metrics over a real socket."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.health import HEALTHY, Health, health_app, serve_health
from wyoming_rosie.http.server import serve_http
from wyoming_rosie.metrics import Metrics


class Engine:
    trouble: str | None = HEALTHY


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
async def monitor(engine: Engine) -> AsyncIterator[aiohttp.ClientSession]:
    health = Health()
    health.add_check("engine", lambda: engine.trouble)
    health.add_check("disk", lambda: HEALTHY)
    async with (
        serve_http(health_app("asr", health, Metrics()), "127.0.0.1", 0, "--http-port") as where,
        aiohttp.ClientSession(f"http://{where.host}:{where.port}") as session,
    ):
        yield session


async def test_all_is_well_when_every_part_is(monitor: aiohttp.ClientSession) -> None:
    async with monitor.get("/health") as answer:
        assert answer.status == 200
        assert (await answer.json())["parts"] == {"engine": "ok", "disk": "ok"}


async def test_one_failing_part_is_named_with_its_reason(monitor: aiohttp.ClientSession, engine: Engine) -> None:
    engine.trouble = "the engine is out of order"
    async with monitor.get("/health") as answer:
        assert answer.status == 503
        said = await answer.json()
    assert (said["status"], said["parts"]) == ("failing", {"engine": "the engine is out of order", "disk": "ok"})


async def test_a_part_answers_for_itself(monitor: aiohttp.ClientSession, engine: Engine) -> None:
    engine.trouble = "the engine is out of order"
    async with monitor.get("/health/engine") as failing, monitor.get("/health/disk") as well:
        assert (failing.status, well.status) == (503, 200)


async def test_an_unknown_part_is_answered_with_the_known_ones(monitor: aiohttp.ClientSession) -> None:
    async with monitor.get("/health/moon") as answer:
        assert answer.status == 404
        assert "disk, engine" in (await answer.json())["error"]


async def test_metrics_are_text(monitor: aiohttp.ClientSession) -> None:
    async with monitor.get("/metrics") as answer:
        assert answer.content_type == "text/plain"
        assert "process_cpu_seconds_total" in await answer.text()


async def test_nothing_listens_unless_asked() -> None:
    async with serve_health("asr", Health(), Metrics(), "no.such.host.invalid", None):
        pass


async def test_a_port_that_is_taken_is_one_sentence() -> None:
    nothing = health_app("asr", Health(), Metrics())
    async with serve_http(nothing, "127.0.0.1", 0, "--http-port") as where:
        with pytest.raises(ConfigError, match="--http-port: cannot listen"):
            async with serve_health("asr", Health(), Metrics(), "127.0.0.1", where.port):
                pass
