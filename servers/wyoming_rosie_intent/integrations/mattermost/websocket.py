"""WebSocket of Mattermost: yields posts as they come, also those that were missed while it was not connected."""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import aiohttp
import structlog

from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_intent.integrations.mattermost.client import ChatChannel, MattermostClient
from wyoming_rosie_intent.integrations.mattermost.posts import Post, parse_posted

_LOG = structlog.get_logger()
PING_SECONDS = 30.0
CONNECT_SECONDS = 10.0
MAX_EVENT_BYTES = 1_000_000
MAX_MISSED_SECONDS = 600
"""Age of the oldest post that is caught up with: nobody waits longer for an answer."""
MAX_SEEN = 2048
_CHALLENGE_SEQ = 1


class MattermostSocket:
    """Stays connected while `run` runs; `follows` says of which channels missed posts are fetched."""

    def __init__(
        self, url: str, client: MattermostClient, follows: Callable[[ChatChannel], bool], backoff: Backoff | None = None
    ) -> None:
        self._url = f"{url.rstrip('/')}/api/v4/websocket"
        self._client = client
        self._follows = follows
        self._backoff = backoff or Backoff(1.0, 60.0)
        self._seen: OrderedDict[str, None] = OrderedDict()  # ids of posts
        self._newest = 0  # time of the newest post, in milliseconds of the server
        self._next_seq = 0
        self.problem: str | None = "Mattermost is not connected yet"

    async def posts(self) -> AsyncGenerator[Post, None]:
        """Yield posts of others, each once, until the generator is closed."""
        while True:
            try:
                async for post in self._read_connection():
                    yield post
                problem = "Mattermost closed the connection"
            except RosieError as err:
                problem = str(err)
            except (aiohttp.ClientError, TimeoutError, OSError) as err:
                problem = f"Mattermost cannot be reached: {type(err).__name__}"
            if self.problem != problem:
                _LOG.warning("no connection to Mattermost", reason=problem)
            self.problem = problem
            await self._backoff.sleep()

    async def _read_connection(self) -> AsyncGenerator[Post, None]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            async with asyncio.timeout(CONNECT_SECONDS):
                socket = await session.ws_connect(self._url, heartbeat=PING_SECONDS, max_msg_size=MAX_EVENT_BYTES)
            async with socket:
                await socket.send_json(
                    {"seq": _CHALLENGE_SEQ, "action": "authentication_challenge", "data": {"token": self._client.token}}
                )
                self._next_seq = 0
                async for message in socket:
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        continue
                    async for post in self._read_event(message.data):
                        yield post

    async def _read_event(self, text: str) -> AsyncGenerator[Post, None]:
        event = _parse_event(text)
        if event.get("seq_reply") == _CHALLENGE_SEQ:
            self._check_reply(event)
            async for post in self._fetch_missed():
                yield post
        seq = event.get("seq")
        if isinstance(seq, int):
            is_gap, self._next_seq = seq > self._next_seq, seq + 1
            if is_gap:
                _LOG.info("events of Mattermost were missed")
                async for post in self._fetch_missed():
                    yield post
        posted = parse_posted(event.get("data")) if event.get("event") == "posted" else None
        if posted is not None and self._is_new(posted):
            yield posted

    def _check_reply(self, event: Mapping[str, Any]) -> None:
        """Note that the connection works. Raises MattermostLoginError if the token is refused."""
        if event.get("status") != "OK":
            raise MattermostLoginError("Mattermost refuses the token; create a new one")
        if self.problem is not None:
            _LOG.info("connected to Mattermost")
        self.problem = None
        self._backoff.reset()

    async def _fetch_missed(self) -> AsyncGenerator[Post, None]:
        """Yield the posts since the newest one that is known; none before the first one."""
        if not self._newest:
            channels = await self._client.fetch_channels()
            self._newest = max((channel.last_post for channel in channels), default=0)
            return
        since = self._newest
        oldest = (time.time() - MAX_MISSED_SECONDS) * 1000
        missed = [
            post
            for channel in await self._client.fetch_channels()
            if channel.last_post > since and self._follows(channel)
            for post in await self._client.fetch_posts(channel, since + 1)
        ]
        for post in sorted(missed, key=lambda post: post.created):  # of all channels, or of none if one fails
            if self._is_new(post) and post.created >= oldest:
                yield post

    def _is_new(self, post: Post) -> bool:
        """Return whether a post is another's and was not seen before, and note it."""
        self._newest = max(self._newest, post.created)
        if post.id in self._seen or post.user_id == self._client.me.id or post.is_system:
            return False
        self._seen[post.id] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return True


class MattermostLoginError(RosieError):
    """Mattermost refuses the token of the WebSocket."""

    code = "credentials"


def _parse_event(text: str) -> Mapping[str, Any]:
    """Return an event; an empty one for what is none."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, Mapping) else {}
