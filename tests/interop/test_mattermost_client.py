"""Our client of Mattermost beside the one that is generated from the server's description of its API: both send the same.

`scripts/mattermost-client` runs these tests, with that client in an environment of its own.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from blockbuster import BlockBuster

from tests.unit.intent.integrations.mattermost_service import ADA, BOT, FAMILY, TOKEN, MattermostService
from tests.waiting import wait_until
from wyoming_rosie_intent.integrations.mattermost.client import ChatChannel, ChatUser, MattermostClient
from wyoming_rosie_intent.plugins.fake_service import ServiceRequest
from wyoming_rosie_intent.plugins.http_client import HttpLimits

pytestmark = pytest.mark.interop
generated = pytest.importorskip("mattermostautodriver", reason="scripts/mattermost-client installs it")


@pytest.fixture(autouse=True)
def _the_client_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


def create_driver(service: MattermostService) -> Any:
    port = urlsplit(service.url).port
    return generated.TypedDriver({"url": "127.0.0.1", "port": port, "scheme": "http", "token": TOKEN})


def describe(request: ServiceRequest) -> tuple[str, str, Mapping[str, str], Any]:
    """Return a request as it counts: without the key of a post, which the description does not have."""
    body = request.json
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if value not in (None, "") and key != "pending_post_id"}
    return request.method, request.path, {key: value.lower() for key, value in request.query.items()}, body


async def test_both_clients_send_the_same_requests() -> None:
    async with MattermostService().serving() as service:
        ours = MattermostClient(service.url, TOKEN, HttpLimits())
        family = ChatChannel(FAMILY, "family", "Family")
        await ours.connect()
        await ours.fetch_channels()
        await ours.fetch_posts(family, 5)
        await ours.fetch_mentions()
        await ours.open_direct_channel(ChatUser(ADA, "ada"))
        await ours.post(FAMILY, "hello", "post0", key="one")
        await ours.get_directory()
        await ours.close()
        sent = [describe(request) for request in service.requests]
        service.requests.clear()
        await asyncio.to_thread(call_all, create_driver(service))
        expected = [describe(request) for request in service.requests]
        assert all(request in expected for request in sent), [request for request in sent if request not in expected]


def call_all(driver: Any) -> None:
    driver.login()
    driver.users.get_user("me")
    driver.teams.get_teams_for_user("me")
    driver.channels.get_channels_for_team_for_user("me", "teamhome")
    driver.posts.get_posts_for_channel(FAMILY, since=5)
    driver.channels.get_channel_members_for_user("me", "teamhome")
    driver.channels.create_direct_channel([BOT, ADA])
    driver.posts.create_post(FAMILY, "hello", root_id="post0")
    for page in (0, 1):
        driver.users.get_users(page=page, per_page=200, in_team="teamhome", active=True)


async def test_the_generated_client_takes_the_fakes_events_for_those_of_a_server() -> None:
    async with MattermostService().serving() as service:
        driver = create_driver(service)
        await asyncio.to_thread(driver.login)
        received: list[Mapping[str, Any]] = []

        async def on_event(text: str) -> None:
            received.append(json.loads(text))

        socket = generated.websocket.Websocket(driver.options, driver.client.token)
        listening = asyncio.create_task(socket.connect(on_event))
        await wait_until(lambda: bool(service.sockets))
        await service.write("hello")
        await wait_until(lambda: any(event.get("event") == "posted" for event in received))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        [posted] = [event for event in received if event.get("event") == "posted"]
        assert json.loads(posted["data"]["post"])["message"] == "hello"
