"""Channels of Mattermost as rooms: they ask the house, with the rights that they have, and are spoken there."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from blockbuster import BlockBuster

from tests.unit.intent.integrations.mattermost_service import (
    ADA,
    BOT,
    DIRECT,
    FAMILY,
    TOKEN,
    TOM,
    WORK,
    HubService,
    MattermostService,
    channel,
)
from tests.waiting import wait_until
from wyoming_rosie_intent.integrations.mattermost.plugin import Mattermost
from wyoming_rosie_intent.integrations.mattermost.webhooks import MAX_LATE
from wyoming_rosie_intent.plugins.fake_service import Fault, ServiceRequest

CHANNELS = {
    "family": {"room": "Kitchen", "asks": True, "may_act": True, "announces": True},
    "Work": {"asks": True, "language": "de"},
}


@pytest.fixture(autouse=True)
def _the_service_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


class Chat:
    """A house that listens to channels."""

    def __init__(self, plugin: Mattermost, service: MattermostService, hub: HubService) -> None:
        self.plugin = plugin
        self.service = service
        self.hub = hub

    async def wait_for_answers(self, count: int = 1) -> list[Mapping[str, Any]]:
        await wait_until(lambda: len(self.service.created) >= count)
        return self.service.created

    async def command(self, wanted: int = 200, /, **values: str) -> Mapping[str, Any]:
        """Send a slash command."""
        assert self.plugin._webhooks is not None
        form = {"token": "token of the command", "channel_id": FAMILY, "user_id": ADA, "text": "is it warm"} | values
        url = f"http://127.0.0.1:{self.plugin._webhooks.port}/"
        async with aiohttp.ClientSession() as session, session.post(url, data=form) as answer:
            assert answer.status == wanted
            return dict(await answer.json())


@asynccontextmanager
async def listening(
    hub: HubService | None = None, settings: Mapping[str, Any] | None = None, service: MattermostService | None = None
) -> AsyncIterator[Chat]:
    hub, service = hub or HubService(), service or MattermostService()
    async with service.serving(), hub.serving():
        plugin = Mattermost()
        given = {
            "url": service.url,
            "token": TOKEN,
            "hub": {"url": hub.url, "key": "key of the hub"},
            "channels": CHANNELS,
            "direct": {"asks": True},
            "listen": "127.0.0.1:0",
            "commands": {"rosie": "token of the command", "other": "another token"},
        }
        await plugin.initialize(given | dict(settings or {}))
        try:
            await wait_until(lambda: bool(service.sockets) and plugin._socket is not None and plugin._socket.problem is None)  # fmt: skip
            yield Chat(plugin, service, hub)
        finally:
            await plugin.close()


async def test_a_mention_is_answered_in_its_thread_with_the_rights_of_the_channels_room() -> None:
    async with listening() as chat:
        post = await chat.service.write("@rosie turn on the light")
        [answer] = await chat.wait_for_answers()
        assert (answer["channel_id"], answer["root_id"], answer["message"]) == (FAMILY, post, "It is on.")
        [asked] = chat.hub.asked
        assert asked == {"text": "turn on the light", "language": "en", "conversation_id": f"mattermost-{FAMILY}-{ADA}", "may_act": True, "room": "Kitchen"}  # fmt: skip


async def test_a_channel_that_may_not_act_only_asks() -> None:
    async with listening() as chat:
        await chat.service.write("@rosie mach das Licht an", WORK)
        await chat.wait_for_answers()
        assert [(one["may_act"], one["language"], "room" in one) for one in chat.hub.asked] == [(False, "de", False)]


async def test_a_message_to_the_bot_alone_needs_no_mention() -> None:
    async with listening() as chat:
        await chat.service.write("is it warm", DIRECT)
        [answer] = await chat.wait_for_answers()
        assert (answer["channel_id"], answer["root_id"]) == (DIRECT, "")


async def test_a_channel_without_settings_is_not_answered_by_default() -> None:
    async with listening(settings={"channels": {}, "direct": {}}) as chat:
        await chat.service.write("@rosie is it warm")
        await chat.service.write("is it warm", DIRECT)
        [answer] = await chat.wait_for_answers()
        assert answer["message"] == "I may not answer in this channel."
        assert chat.hub.asked == []


async def test_another_channel_with_the_displayed_name_of_a_channel_has_not_its_rights() -> None:
    service = MattermostService()
    service.channels["fake"] = channel("fake", "of-somebody", "Family")
    async with listening(service=service) as chat:
        await chat.service.write("@rosie turn on the light", "fake")
        await chat.service.write("@rosie is it warm")
        await chat.wait_for_answers()
        assert [one["text"] for one in chat.hub.asked] == ["is it warm"]


async def test_a_group_of_several_persons_is_not_a_message_to_the_bot_alone() -> None:
    service = MattermostService()
    service.channels["group"] = channel("group", "0123456789abcdef", "ada, rosie, tom", "G")
    async with listening(service=service) as chat:
        await chat.service.write("is it warm", "group")
        await chat.service.write("@rosie is it cold")
        [answer] = await chat.wait_for_answers()
        assert answer["channel_id"] == FAMILY
        assert [one["text"] for one in chat.hub.asked] == ["is it cold"]


async def test_posts_of_the_system_of_programs_and_of_the_bot_itself_ask_nothing() -> None:
    async with listening() as chat:
        await chat.service.write("@rosie one", type="system_join_channel")
        await chat.service.write("@rosie two", props={"from_bot": "true"})
        await chat.service.write("@rosie three", props={"from_webhook": "true"})
        await chat.service.write("@rosie four", user_id="userbot")
        await chat.service.write("@rosie five")
        await chat.wait_for_answers()
        assert [one["text"] for one in chat.hub.asked] == ["five"]


async def test_a_question_in_a_thread_is_answered_there_without_a_mention_by_whom_it_was_put_to() -> None:
    async with listening(HubService("Shall I open the door?", expects_reply=True)) as chat:
        root = await chat.service.write("@rosie open the door")
        await chat.wait_for_answers()
        await chat.service.write("yes", user_id=TOM, root_id=root)
        await chat.service.write("yes", root_id=root)
        await chat.wait_for_answers(2)
        assert [one["text"] for one in chat.hub.asked] == ["open the door", "yes"]
        assert {one["conversation_id"] for one in chat.hub.asked} == {f"mattermost-{FAMILY}-{ADA}"}


@pytest.mark.parametrize(
    ("refusal", "answer"),
    [
        ((409, "no timer was started"), "Sorry, I start no timer: nothing would ring there."),
        ((403, "the room is private"), "I may not answer in this channel."),
        ((500, "broken"), "Sorry, I cannot answer right now."),
    ],
)  # fmt: skip
async def test_what_the_hub_refuses_is_said(refusal: tuple[int, str], answer: str) -> None:
    hub = HubService()
    hub.refusal = refusal
    async with listening(hub) as chat:
        await chat.service.write("@rosie set a timer")
        assert (await chat.wait_for_answers())[0]["message"] == answer


async def test_an_answer_calls_not_everybody() -> None:
    async with listening(HubService("Ask @all and @channel.")) as chat:
        await chat.service.write("@rosie who knows")
        assert (await chat.wait_for_answers())[0]["message"] == "Ask @\u200ball and @\u200bchannel."


async def test_posts_of_a_channel_are_spoken_in_its_room_in_their_order() -> None:
    async with listening() as chat:
        await chat.service.write("**Dinner** is `ready`", user_id=TOM)
        await chat.service.write("I come", props={"from_webhook": "true"})
        await chat.service.write("not here", WORK)
        await chat.service.write(":smile:")
        await chat.service.write("last")
        await wait_until(lambda: len(chat.hub.spoken) >= 3)
        assert chat.hub.spoken == ["Tom Hill in Family: Dinner is ready", "Ada Lovelace in Family: I come", "Ada Lovelace in Family: last"]  # fmt: skip


async def test_nothing_is_spoken_in_quiet_hours_but_questions_are_answered() -> None:
    always = {"family": {**CHANNELS["family"], "quiet": "00:00-23:59:59.999999"}}
    async with listening(settings={"channels": always}) as chat:
        await chat.service.write("dinner is ready")
        await chat.service.write("@rosie is it warm")
        await chat.wait_for_answers()
        assert chat.hub.spoken == []


async def test_posts_of_a_lost_connection_are_caught_up_with_once() -> None:
    async with listening() as chat:
        await chat.service.write("@rosie one")
        await chat.wait_for_answers()
        await chat.service.disconnect()
        await wait_until(lambda: not chat.service.sockets)
        await chat.service.write("@rosie two")
        await wait_until(lambda: bool(chat.service.sockets))
        await chat.wait_for_answers(2)
        await chat.service.write("@rosie three")
        await chat.wait_for_answers(3)
        assert [one["text"] for one in chat.hub.asked] == ["one", "two", "three"]


class ForgetfulService(MattermostService):
    """Refuses the posts of one channel once, after it has returned those of another."""

    refuses = ""

    async def answer(self, request: ServiceRequest) -> web.Response:
        if self.refuses and request.path == f"/api/v4/channels/{self.refuses}/posts":
            self.refuses = ""
            return self.create_error(Fault.FORBIDDEN)
        return await super().answer(request)


async def test_posts_of_one_channel_are_not_lost_because_those_of_another_came() -> None:
    service = ForgetfulService()
    async with listening(service=service) as chat:
        await service.write("@rosie one")
        await chat.wait_for_answers()
        service.refuses = WORK
        await service.disconnect()
        await wait_until(lambda: not service.sockets)
        await service.write("@rosie two", WORK)
        await service.write("@rosie three", FAMILY)
        await chat.wait_for_answers(3)
        assert sorted(one["text"] for one in chat.hub.asked) == ["one", "three", "two"]


async def test_posts_of_a_gap_in_the_sequence_are_fetched() -> None:
    async with listening() as chat:
        await chat.service.write("@rosie one")
        await chat.wait_for_answers()
        chat.service.is_silent = True
        await chat.service.write("@rosie two")
        chat.service.is_silent = False
        await chat.service.send_event("typing", {})
        await chat.wait_for_answers(2)
        assert [one["text"] for one in chat.hub.asked] == ["one", "two"]


async def test_nonsense_on_the_connection_is_skipped() -> None:
    async with listening() as chat:
        for text in ("no JSON", "[]", '{"event": "posted", "data": {"post": "{"}}', '{"event": "posted", "data": 5}', '{"seq": "x"}'):  # fmt: skip
            await chat.service.send_text(text)
        await chat.service.write("@rosie still there")
        await chat.wait_for_answers()
        assert [one["text"] for one in chat.hub.asked] == ["still there"]


async def test_an_event_of_ten_megabytes_ends_the_connection_which_comes_again() -> None:
    async with listening() as chat:
        [first] = chat.service.sockets
        await chat.service.send_text("x" * 10_000_000)
        await wait_until(lambda: bool(chat.service.sockets) and first not in chat.service.sockets)
        await chat.service.write("@rosie still there")
        await chat.wait_for_answers()


async def test_a_refused_connection_is_a_problem() -> None:
    async with listening() as chat:
        chat.service.refuses_sockets = True
        await chat.service.disconnect()
        refused = {"healthy": False, "message": "Mattermost refuses the token; create a new one"}
        async with asyncio.timeout(60):
            while await chat.plugin.get_status() != refused:
                await asyncio.sleep(0.01)


async def test_a_slash_command_is_answered_for_its_sender_alone() -> None:
    async with listening() as chat:
        answer = await chat.command(response_url=f"{chat.service.url}/hooks/commands/x")
        assert answer == {"response_type": "ephemeral", "text": "It is on."}
        assert chat.hub.asked[0]["room"] == "Kitchen"


async def test_an_outgoing_webhook_is_answered_as_a_comment_without_its_trigger_word() -> None:
    async with listening() as chat:
        answer = await chat.command(text="rosie: is it warm", trigger_word="rosie:", post_id="post1")
        assert answer == {"response_type": "comment", "text": "It is on."}
        assert chat.hub.asked[0]["text"] == "is it warm"


@pytest.mark.parametrize("token", ["", "wrong", "token of the commandx", "tökén"])
async def test_a_wrong_token_asks_nothing(token: str) -> None:
    async with listening() as chat:
        await chat.command(401, token=token)
        assert chat.hub.asked == []


async def test_tokens_are_not_guessed() -> None:
    async with listening() as chat:
        for _ in range(5):
            await chat.command(401, token="guess")
        await chat.command(429, token="guess")
        await chat.command(200)


async def test_a_command_of_a_channel_without_settings_is_refused() -> None:
    async with listening(settings={"channels": {}, "direct": {}}) as chat:
        places: list[dict[str, str]] = [
            {},
            {"channel_id": "unknown"},
            {"channel_id": DIRECT, "channel_name": f"{ADA}__userbot"},
        ]
        for place in places:
            assert (await chat.command(**place))["text"] == "I may not answer in this channel."
        assert chat.hub.asked == []


@pytest.mark.parametrize(
    ("name", "is_known"), [(f"{ADA}__{BOT}", True), (f"{ADA}__{TOM}", False), ("my__channel", False)]
)
async def test_only_a_channel_with_the_bot_is_a_message_to_the_bot(name: str, is_known: bool) -> None:
    async with listening() as chat:
        answer = await chat.command(channel_id="unknown", channel_name=name)
        assert answer["text"] == ("It is on." if is_known else "I may not answer in this channel.")


async def test_a_command_is_answered_while_the_channels_cannot_be_fetched() -> None:
    async with listening() as chat:
        chat.service.fail(Fault.FORBIDDEN, 1)
        assert (await chat.command())["text"] == "Sorry, I cannot answer right now."
        assert (await chat.command())["text"] == "It is on."


@pytest.mark.parametrize("has_url", [True, False])
async def test_an_answer_that_takes_long_follows(has_url: bool) -> None:
    async with listening() as chat:
        assert chat.plugin._webhooks is not None
        chat.plugin._webhooks._seconds = 0.05
        chat.hub.may_answer.clear()
        place = {"response_url": f"{chat.service.url}/hooks/commands/x"} if has_url else {"post_id": "post1"}
        assert (await chat.command(**place))["text"] == "One moment, the answer follows."
        chat.hub.may_answer.set()
        await wait_until(lambda: bool(chat.service.late or chat.service.created))
        if has_url:
            assert chat.service.late == [{"response_type": "ephemeral", "text": "It is on."}]
        else:
            assert [(one["message"], one["root_id"]) for one in chat.service.created] == [("It is on.", "post1")]


async def test_commands_beyond_those_that_wait_are_refused_in_words() -> None:
    async with listening() as chat:
        assert chat.plugin._webhooks is not None
        chat.plugin._webhooks._seconds = 0.05
        chat.hub.may_answer.clear()
        for _ in range(MAX_LATE):
            assert (await chat.command(post_id="post1"))["text"] == "One moment, the answer follows."
        assert (await chat.command())["text"] == "Sorry, I cannot answer right now."


async def test_a_late_answer_goes_to_no_other_host() -> None:
    async with MattermostService().serving() as other, listening() as chat:
        assert chat.plugin._webhooks is not None
        chat.plugin._webhooks._seconds = 0.05
        chat.hub.may_answer.clear()
        await chat.command(response_url=f"{other.url}/hooks/commands/x")
        chat.hub.may_answer.set()
        await wait_until(lambda: chat.plugin._webhooks is not None and not chat.plugin._webhooks._late)
        assert other.requests == []


async def test_posts_that_nobody_waits_for_any_more_are_not_answered() -> None:
    async with listening() as chat:
        await chat.service.write("@rosie one")
        await chat.wait_for_answers()
        chat.service.is_silent = True
        hours_ago = int(time.time() * 1000) - 2 * 3_600_000
        chat.plugin._socket._newest = hours_ago - 1  # type: ignore[union-attr]
        await chat.service.write("@rosie two", create_at=hours_ago)
        await chat.service.write("@rosie three")
        chat.service.is_silent = False
        await chat.service.send_event("typing", {})
        await chat.wait_for_answers(2)
        assert [one["text"] for one in chat.hub.asked] == ["one", "three"]
