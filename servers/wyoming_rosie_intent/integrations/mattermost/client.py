"""Client of Mattermost's API, version 4: the account, its channels and their posts."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from yarl import URL

from wyoming_rosie_intent.integrations.mattermost.posts import DIRECT, GROUP, Post, neutralize, parse_post
from wyoming_rosie_intent.plugins.http_client import FixedToken, HttpClient, HttpError, HttpFailure, HttpLimits
from wyoming_rosie_intent.plugins.names import SpokenNames

API = "api/v4"
PAGE_SIZE = 200
REFRESH_SECONDS = 600.0
"""Age of the names of channels and users after which they are fetched again."""


@dataclass(frozen=True)
class ChatUser:
    id: str
    username: str
    first_name: str = ""
    last_name: str = ""
    nickname: str = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.nickname or self.username

    @property
    def spoken_names(self) -> frozenset[str]:
        return frozenset(filter(None, (self.name, self.first_name, self.last_name, self.nickname, self.username)))


@dataclass(frozen=True)
class ChatChannel:
    """A channel; `last_post` is when somebody wrote there last, in milliseconds."""

    id: str
    name: str
    display_name: str = ""
    type: str = "O"
    last_post: int = 0

    @property
    def is_direct(self) -> bool:
        return self.type in {DIRECT, GROUP}


@dataclass(frozen=True)
class IncomingWebhook:
    """An address that posts into one channel; whoever knows it may post."""

    name: str
    url: str = field(repr=False)

    @property
    def id(self) -> str:
        return f"webhook {self.name}"

    @property
    def display_name(self) -> str:
        return self.name

    async def post(self, text: str, limits: HttpLimits) -> None:
        """Post a text. Raises HttpError."""
        http = HttpClient(str(URL(self.url).origin()), limits=limits)
        try:
            await http.request("POST", self.url, body={"text": neutralize(text)})
        finally:
            await http.close()


Recipient: TypeAlias = ChatUser | ChatChannel | IncomingWebhook


@dataclass(frozen=True)
class Directory:
    """The channels and the users of an account's teams."""

    channels: Mapping[str, ChatChannel]
    users: Mapping[str, ChatUser]
    names: SpokenNames[Recipient]

    def get_channel(self, name: str) -> ChatChannel | None:
        """Return the channel with a name, as its address or the list of channels has it."""
        wanted = name.casefold().lstrip("~#")
        return next(
            (one for one in self.channels.values() if wanted in {one.name.casefold(), one.display_name.casefold()}),
            None,
        )


class MattermostClient:
    """Requests of one account. Used in one event loop, and closed there. Raises ConfigError for a wrong url."""

    def __init__(self, url: str, token: str, limits: HttpLimits) -> None:
        self._http = HttpClient(f"{url.rstrip('/')}/{API}", FixedToken(token), limits=limits)
        self.token = token
        self.me = ChatUser("", "")
        self._teams: Sequence[str] = ()
        self._directory: Directory | None = None
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def connect(self) -> None:
        """Learn who the token belongs to. Raises HttpError."""
        me = _parse_user(await self._http.get("users/me"))
        teams = _list(await self._http.get("users/me/teams"))
        if me is None:
            raise HttpError(HttpFailure.INVALID, "Mattermost's answer is no user")
        self.me, self._teams = me, [team["id"] for team in teams if isinstance(team.get("id"), str)]

    async def get_directory(self) -> Directory:
        """Return channels and users, fetched anew after some minutes. Raises HttpError if there were never any."""
        async with self._fetching:
            now = asyncio.get_running_loop().time()
            if self._directory is None or now - self._fetched_at > REFRESH_SECONDS:
                try:
                    self._directory = await self._fetch_directory()
                except HttpError:
                    if self._directory is None:
                        raise
                self._fetched_at = now
            return self._directory

    async def fetch_channels(self) -> Sequence[ChatChannel]:
        """Return the channels as they are now. Raises HttpError."""
        found = [
            channel
            for team in self._teams
            for data in _list(await self._http.get(f"users/me/teams/{team}/channels"))
            if (channel := _parse_channel(data)) is not None
        ]
        return list({channel.id: channel for channel in found}.values())

    async def fetch_posts(self, channel: ChatChannel, since: int) -> Sequence[Post]:
        """Return the posts of a channel since a time in milliseconds, the oldest first. Raises HttpError."""
        answer = await self._http.get(f"channels/{channel.id}/posts", {"since": since})
        posts = answer.get("posts") if isinstance(answer, Mapping) else None
        if not isinstance(posts, Mapping):
            raise HttpError(HttpFailure.INVALID, "Mattermost's answer is no list of posts")
        parsed = (
            parse_post(data, channel_name=channel.display_name, channel_type=channel.type) for data in posts.values()
        )
        found = [post for post in parsed if post is not None and post.created >= since]
        return sorted(found, key=lambda post: post.created)

    async def fetch_mentions(self) -> Sequence[Post]:
        """Return the posts with unread mentions of this user, the oldest first. Raises HttpError."""
        channels = {channel.id: channel for channel in await self.fetch_channels()}
        posts: dict[str, Post] = {}
        for team in self._teams:
            for member in _list(await self._http.get(f"users/me/teams/{team}/channels/members")):
                channel, viewed = channels.get(str(member.get("channel_id"))), member.get("last_viewed_at")
                if channel is None or not member.get("mention_count") or not isinstance(viewed, int):
                    continue
                found = await self.fetch_posts(channel, viewed)
                posts.update({post.id: post for post in found if self._is_mention(post, channel)})
        return sorted(posts.values(), key=lambda post: post.created)

    async def open_direct_channel(self, user: ChatUser) -> str:
        """Return the id of the channel with one user. Raises HttpError."""
        answer = await self._http.send("POST", "channels/direct", [self.me.id, user.id], can_repeat=True)
        if not isinstance(answer, Mapping) or not isinstance(answer.get("id"), str):
            raise HttpError(HttpFailure.INVALID, "Mattermost's answer is no channel")
        return str(answer["id"])

    async def post(self, channel_id: str, text: str, root_id: str = "", key: str = "") -> None:
        """Post a text; a second attempt with the same key is not posted again for a while. Raises HttpError."""
        body = {"channel_id": channel_id, "message": neutralize(text), "root_id": root_id}
        if key:
            body["pending_post_id"] = f"{self.me.id}:{key}"
        await self._http.send("POST", "posts", body)

    async def close(self) -> None:
        await self._http.close()

    async def _fetch_directory(self) -> Directory:
        channels = [channel for channel in await self.fetch_channels() if not channel.is_direct]
        users = {user.id: user async for user in self._fetch_users() if user.id != self.me.id}
        named: list[tuple[str, Recipient]] = []
        for channel in channels:
            named += [(channel.display_name, channel), (channel.name.replace("-", " "), channel)]
        for user in users.values():
            named += [(name, user) for name in sorted(user.spoken_names)]
        names = await asyncio.to_thread(SpokenNames[Recipient], named)
        return Directory({channel.id: channel for channel in channels}, users, names)

    async def _fetch_users(self) -> AsyncIterator[ChatUser]:
        for team in self._teams:
            query: dict[str, str | int] = {"in_team": team, "active": "true", "per_page": PAGE_SIZE, "page": 0}
            pages = self._http.get_pages("users", query, _PageCounter().find_next)
            async for page in pages:
                for data in _list(page):
                    if (user := _parse_user(data)) is not None and not data.get("is_bot"):
                        yield user

    def _is_mention(self, post: Post, channel: ChatChannel) -> bool:
        is_named = f"@{self.me.username}".casefold() in post.message.casefold()
        return post.user_id != self.me.id and not post.is_system and (is_named or channel.is_direct)


class _PageCounter:
    """Counts the pages of a list that says neither its length nor its last page."""

    def __init__(self) -> None:
        self._page = 0

    def find_next(self, page: Any) -> Mapping[str, str | int] | None:
        if not _list(page):
            return None
        self._page += 1
        return {"page": self._page}


def _list(answer: Any) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list. Raises HttpError for anything else."""
    if not isinstance(answer, list):
        raise HttpError(HttpFailure.INVALID, "Mattermost's answer is no list")
    return [one for one in answer if isinstance(one, Mapping)]


def _parse_user(data: Any) -> ChatUser | None:
    if not isinstance(data, Mapping):
        return None
    texts = [data.get(key) or "" for key in ("id", "username", "first_name", "last_name", "nickname")]
    is_user = all(isinstance(text, str) for text in texts) and texts[0] and texts[1]
    return ChatUser(*texts) if is_user and not data.get("delete_at") else None


def _parse_channel(data: Mapping[str, Any]) -> ChatChannel | None:
    channel_id, name, display_name, kind = (data.get(key) or "" for key in ("id", "name", "display_name", "type"))
    last = data.get("last_post_at", 0)
    is_channel = all(isinstance(text, str) for text in (channel_id, name, display_name, kind)) and channel_id
    if not is_channel or not isinstance(last, int) or data.get("delete_at"):
        return None
    return ChatChannel(channel_id, name, display_name, kind, last)
