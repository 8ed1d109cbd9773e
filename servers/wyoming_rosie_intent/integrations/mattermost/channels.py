"""Channels as rooms: their posts ask the house, with the rights of their room, and are spoken there."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from datetime import datetime

import structlog

from wyoming_rosie.errors import RosieError
from wyoming_rosie_intent.integrations.mattermost.client import ChatChannel, MattermostClient
from wyoming_rosie_intent.integrations.mattermost.hub import HubAnswer, HubClient
from wyoming_rosie_intent.integrations.mattermost.posts import (
    DIRECT,
    ChannelPolicy,
    Post,
    clean_question,
    find_question,
    to_speech,
)
from wyoming_rosie_intent.plugins.http_client import HttpError
from wyoming_rosie_intent.plugins.texts import PluginTexts

_LOG = structlog.get_logger()
MAX_WAITING = 32
"""Posts that wait to be answered or spoken; more of them drop the oldest."""
QUESTION_WORKERS = 3
MAX_THREADS = 256
"""Threads in which a question of ours may be answered without another mention."""
_REFUSALS = {401: "not_here", 403: "not_here", 409: "no_timer"}
"""What is said for the status of the hub."""


class ChannelDialogue:
    """Answers what channels ask; `policies` by the names of channels, `direct` for messages to the bot alone."""

    def __init__(
        self, hub: HubClient, texts: PluginTexts, policies: Mapping[str, ChannelPolicy], direct: ChannelPolicy
    ) -> None:
        self._hub = hub
        self._texts = texts
        self._policies = {name.casefold().lstrip("~#"): policy for name, policy in policies.items()}
        self._direct = direct

    def find_policy(self, channel: ChatChannel | None) -> ChannelPolicy:
        """Return what a channel may do; nothing for one without settings.

        The name in its address is the only one of its team; anybody may give another channel the same displayed name.
        """
        if channel is None:
            return ChannelPolicy()
        if channel.is_direct:
            return self._direct if channel.type == DIRECT else ChannelPolicy()
        return self._policies.get(channel.name.casefold(), ChannelPolicy())

    async def ask(self, question: str, channel_id: str, user_id: str, policy: ChannelPolicy) -> HubAnswer:
        """Return the answer to a typed sentence; what fails is an answer, too."""
        if not policy.asks:
            return HubAnswer(self._texts.render("not_here", policy.language))
        if not question:
            return HubAnswer(self._texts.render("no_question", policy.language))
        try:
            return await self._hub.ask(question, f"mattermost-{channel_id}-{user_id}", policy)
        except RosieError as err:
            _LOG.warning("a question of a channel was not answered", reason=str(err))
            status = err.status if isinstance(err, HttpError) else 0
            return HubAnswer(self._texts.render(_REFUSALS.get(status, "no_hub"), policy.language))

    async def announce(self, post: Post, sender: str, channel: ChatChannel, policy: ChannelPolicy) -> None:
        """Speak a post in the room of its channel."""
        spoken = to_speech(post.message, self._texts.render("code", policy.language))
        if not spoken or policy.room is None:
            return
        named = {"name": sender, "channel": channel.display_name or channel.name, "text": spoken}
        try:
            was_heard = await self._hub.announce(
                policy.room, self._texts.render("announced", policy.language, **named), policy.language
            )
        except RosieError as err:
            _LOG.warning("a post was not spoken", reason=str(err))
        else:
            if not was_heard:
                _LOG.warning("a post was not spoken: there is no satellite in its room", room=policy.room)


class ChannelListener:
    """Reads posts while `run` runs: answers those that ask, and has others spoken, in their order."""

    def __init__(self, dialogue: ChannelDialogue, client: MattermostClient, clock: Callable[[], datetime]) -> None:
        self._dialogue = dialogue
        self._client = client
        self._clock = clock
        self._questions: asyncio.Queue[tuple[Post, str, ChannelPolicy]] = asyncio.Queue(MAX_WAITING)
        self._spoken: asyncio.Queue[tuple[Post, ChatChannel, ChannelPolicy]] = asyncio.Queue(MAX_WAITING)
        self._threads: OrderedDict[tuple[str, str], None] = OrderedDict()  # and the user who is asked there

    async def run(self, posts: AsyncGenerator[Post, None]) -> None:
        """Handle posts until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(QUESTION_WORKERS):
                group.create_task(self._answer_questions())
            group.create_task(self._speak_posts())
            async with aclosing(posts):
                async for post in posts:
                    await self._sort(post)

    async def _sort(self, post: Post) -> None:
        """Queue a post for what its channel is for."""
        channel = await self._find_channel(post)
        policy = self._dialogue.find_policy(channel)
        question = None if post.is_from_program else self._find_question(post)
        if question is not None and (policy.asks or post.is_direct):
            _put(self._questions, (post, question, policy))
        elif channel is not None and policy.announces and not policy.is_quiet(self._clock()):
            _put(self._spoken, (post, channel, policy))

    def _find_question(self, post: Post) -> str | None:
        """Return what a post asks: by a mention, in a thread where we asked its sender, or to us alone."""
        found = find_question(post.message, self._client.me.username)
        if found is not None:
            return found
        is_reply = self._threads.pop((post.thread_id, post.user_id), False) is None
        return clean_question(post.message) if is_reply or post.is_direct else None

    async def _find_channel(self, post: Post) -> ChatChannel | None:
        if post.is_direct:
            return ChatChannel(post.channel_id, "", type=DIRECT)
        try:
            return (await self._client.get_directory()).channels.get(post.channel_id)
        except RosieError as err:
            _LOG.warning("the channels of Mattermost are not known", reason=str(err))
            return None

    async def _answer_questions(self) -> None:
        while True:
            post, question, policy = await self._questions.get()
            answer = await self._dialogue.ask(question, post.channel_id, post.user_id, policy)
            root_id = post.root_id if post.is_direct else post.thread_id
            if answer.expects_reply:
                self._expect_reply(post)
            try:
                await self._client.post(post.channel_id, answer.text, root_id)
            except RosieError as err:
                _LOG.warning("an answer was not posted", reason=str(err))

    async def _speak_posts(self) -> None:
        while True:
            post, channel, policy = await self._spoken.get()
            await self._dialogue.announce(post, await self._find_sender(post), channel, policy)

    async def _find_sender(self, post: Post) -> str:
        try:
            user = (await self._client.get_directory()).users.get(post.user_id)
        except RosieError:
            user = None
        return user.name if user is not None else post.sender or "?"

    def _expect_reply(self, post: Post) -> None:
        self._threads[post.thread_id, post.user_id] = None
        if len(self._threads) > MAX_THREADS:
            self._threads.popitem(last=False)


def _put(queue: "asyncio.Queue[tuple[Post, str, ChannelPolicy]] | asyncio.Queue[tuple[Post, ChatChannel, ChannelPolicy]]", item: tuple[Post, object, ChannelPolicy]) -> None:  # fmt: skip
    if queue.full():
        queue.get_nowait()
        _LOG.warning("too many posts at a time; the oldest is dropped")
    queue.put_nowait(item)  # type: ignore[arg-type]
