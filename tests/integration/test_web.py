"""The hub's web server, as programs see it over loopback."""

from tests.conftest import StartDaemon
from tests.web_client import open_web


async def test_a_monitor_gets_the_state_of_the_hub(daemon: StartDaemon) -> None:
    async with open_web(daemon) as client, client.get("/health") as answer:
        assert answer.status == 200
        assert (await answer.json())["parts"] == {"satellites": "ok"}


async def test_a_satellite_that_is_not_connected_is_named_to_monitors(daemon: StartDaemon) -> None:
    async with open_web(daemon, "--satellite", "tcp://127.0.0.1:9") as client, client.get("/health") as answer:
        assert answer.status == 503
        assert "tcp://127.0.0.1:9" in (await answer.json())["parts"]["satellites"]
