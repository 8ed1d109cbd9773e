"""Mattermost by voice: messages after a yes, and mentions read aloud."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time
from typing import Any

import pytest
from blockbuster import BlockBuster
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.intent.integrations.mattermost_service import (
    ADA,
    BOT,
    DIRECT,
    FAMILY,
    OWN_TOKEN,
    THOMAS,
    TOKEN,
    TOM,
    WORK,
    MattermostService,
)
from tests.unit.intent.integrations.plugin_speaker import PluginSpeaker, find_match, speaking_to
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.integrations.mattermost.plugin import Mattermost
from wyoming_rosie_intent.integrations.mattermost.posts import (
    MAX_POST_CHARACTERS,
    ChannelPolicy,
    find_question,
    neutralize,
    parse_post,
    parse_posted,
    to_speech,
)
from wyoming_rosie_intent.plugins.contract import CHECKS, Check, Example, PluginContract
from wyoming_rosie_intent.plugins.discovery import find_integrations
from wyoming_rosie_intent.plugins.fake_service import Fault
from wyoming_rosie_intent.plugins.match import DeclinedAnswer

MOMENT = datetime(2026, 11, 30, 10, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _the_service_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


@asynccontextmanager
async def speaking(
    service: MattermostService, settings: Mapping[str, Any] | None = None
) -> AsyncIterator[PluginSpeaker]:
    async with service.serving():
        given = {"url": service.url, "token": TOKEN, "seconds": 2.0, "persons": {"Ada": {"token": OWN_TOKEN}}}
        async with speaking_to(Mattermost, "mattermost", given | dict(settings or {}), MOMENT) as speaker:
            yield speaker


@pytest.mark.parametrize(
    ("said", "language", "question", "channel", "text"),
    [
        ("tell the family channel that dinner is ready", "en", "Shall I send to the channel Family: dinner is ready?", FAMILY, "dinner is ready"),
        ("send Ada Lovelace a message that I will be late", "en", "Shall I send to Ada Lovelace: I will be late?", f"direct-{ADA}", "I will be late"),
        ("message Ada Lovelace I will be late", "en", "Shall I send to Ada Lovelace: I will be late?", f"direct-{ADA}", "I will be late"),
        ("schreib Ada dass ich später komme", "de", "Soll ich an Ada Lovelace senden: ich später komme?", f"direct-{ADA}", "ich später komme"),
        ("schick Ada eine Nachricht: ich bin gleich da", "de", "Soll ich an Ada Lovelace senden: ich bin gleich da?", f"direct-{ADA}", "ich bin gleich da"),
        ("sag dem Family Kanal das Essen ist fertig", "de", "Soll ich an den Kanal Family senden: das Essen ist fertig?", FAMILY, "das Essen ist fertig"),
        ("post to the work channel I am ill", "en", "Shall I send to the channel Work: I am ill?", WORK, "I am ill"),
        ("send a message to Ada Lovelace: I will be late", "en", "Shall I send to Ada Lovelace: I will be late?", f"direct-{ADA}", "I will be late"),
        ("write Ada on Mattermost that I will be late", "en", "Shall I send to Ada Lovelace: I will be late?", f"direct-{ADA}", "I will be late"),
        ("schreib in den Kanal Family: Essen ist fertig", "de", "Soll ich an den Kanal Family senden: Essen ist fertig?", FAMILY, "Essen ist fertig"),
        ("schick eine Nachricht an Ada, dass ich komme", "de", "Soll ich an Ada Lovelace senden: ich komme?", f"direct-{ADA}", "ich komme"),
        ("envoie un message à Ada que je suis en retard", "fr", "Dois-je envoyer à Ada Lovelace : je suis en retard ?", f"direct-{ADA}", "je suis en retard"),
        ("envía un mensaje a Ada: llego tarde", "es", "¿Envío a Ada Lovelace: llego tarde?", f"direct-{ADA}", "llego tarde"),
        ("manda un messaggio a Ada: arrivo tardi", "it", "Devo inviare a Ada Lovelace: arrivo tardi?", f"direct-{ADA}", "arrivo tardi"),
        ("stuur een bericht aan Ada: ik kom later", "nl", "Zal ik aan Ada Lovelace sturen: ik kom later?", f"direct-{ADA}", "ik kom later"),
    ],
)  # fmt: skip
async def test_a_message_is_sent_once_and_after_a_yes(said: str, language: str, question: str, channel: str, text: str) -> None:  # fmt: skip
    service = MattermostService()
    async with speaking(service) as speaker:
        asked = await speaker.say(said, language)
        assert asked.text == question
        assert service.created == []
        for _ in range(2):
            assert (await speaker.reply(asked)).done
        [created] = service.created
        assert (created["channel_id"], created["message"], created["from"]) == (channel, text, BOT)


async def test_which_of_two_persons_is_asked() -> None:
    service = MattermostService()
    async with speaking(service) as speaker:
        which = await speaker.say("send a message to Tom: come home")
        assert which.text == "Which one: Tom Hill, or Tom Lake?"
        sure = await speaker.reply(which, "Tom Lake")
        assert sure.text == "Shall I send to Tom Lake: come home?"
        await speaker.reply(sure)
        assert service.created[0]["channel_id"] == f"direct-{THOMAS}"


async def test_a_person_writes_with_her_own_account_and_the_bot_says_for_whom() -> None:
    service = MattermostService()
    async with speaking(service) as speaker:
        for person in ("Ada", "Eve", None):
            asked = await speaker.say("tell the family channel hello", person=person)
            await speaker.reply(asked, person=person)
        sent = [(one["from"], one["message"]) for one in service.created]
        assert sent == [(ADA, "hello"), (BOT, "Eve says: hello"), (BOT, "hello")]


async def test_nobody_is_called_by_a_message_for_everybody() -> None:
    service = MattermostService()
    async with speaking(service) as speaker:
        await speaker.reply(await speaker.say("tell the family channel that @here and @ALL should come"))
        assert service.created[0]["message"] == "@\u200bhere and @\u200bALL should come"


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("do I have any messages", "en"),
        ("any new mentions", "en"),
        ("read my unread messages", "en"),
        ("what's new on Mattermost", "en"),
        ("habe ich neue Nachrichten", "de"),
        ("lies meine Nachrichten vor", "de"),
    ],
)
def test_unread_mentions_are_asked_for_in_many_ways(said: str, language: str) -> None:
    match = find_match(Mattermost, "mattermost", said, language)
    assert match is not None
    assert match.intent == "ReadMentions"


@pytest.mark.parametrize("has_bot", [True, False])
async def test_a_channel_with_an_incoming_webhook_needs_no_bot(has_bot: bool) -> None:
    service = MattermostService()
    async with service.serving():
        settings: dict[str, Any] = {"webhooks": {"alerts": f"{service.url}/hooks/alerts"}}
        settings |= {"url": service.url, "token": TOKEN} if has_bot else {}
        async with speaking_to(Mattermost, "mattermost", settings, MOMENT) as speaker:
            asked = await speaker.say("tell the alerts channel that @here it rains", person="Ada")
            assert asked.text == "Shall I send to the channel alerts: @here it rains?"
            assert (await speaker.reply(asked)).done
            other = await speaker.say("tell the family channel hello")
            assert other.done is has_bot
    assert service.created == [{"message": "@\u200bhere it rains", "from": "webhook"}]


async def test_somebody_unknown_is_left_to_a_language_model() -> None:
    async with speaking(MattermostService()) as speaker:
        assert isinstance(await speaker.say("send a message to Zacharias: hello"), DeclinedAnswer)


async def test_unread_mentions_are_read_once_without_markdown() -> None:
    service = MattermostService()
    service.mentions = {FAMILY: 1, DIRECT: 1}
    async with speaking(service) as speaker:
        await service.write("**Hi** @ada, see [the list](https://x.example/y) :smile:", user_id=TOM)
        await service.write("nothing for her", user_id=TOM)
        await service.write("are you there?", DIRECT, TOM)
        await service.write("@ada joined", user_id=TOM, type="system_add_to_channel")
        read = await speaker.say("read my mentions", person="Ada")
        assert (
            read.text == "2 messages mention you. Tom Hill in Family: Hi @ada, see the list. Tom Hill: are you there?"
        )
        assert (await speaker.say("read my mentions", person="ada")).text == "Nothing new mentions you."


async def test_a_guest_hears_no_mentions() -> None:
    async with speaking(MattermostService()) as speaker:
        for guest in (None, "Eve"):
            answer = await speaker.say("read my mentions", person=guest)
            assert (answer.text, answer.done) == ("I do not know your account in Mattermost.", False)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (Fault.UNAUTHORIZED, "Sorry, Mattermost does not let me in. Somebody has to give me a new token."),
        (Fault.FORBIDDEN, "Sorry, Mattermost does not allow me that."),
        (Fault.BUSY, "Sorry, Mattermost takes too long to answer."),
        (Fault.FAILED, "Sorry, I cannot reach Mattermost."),
        (Fault.HANG, "Sorry, Mattermost takes too long to answer."),
        (Fault.GARBAGE, "Sorry, I cannot reach Mattermost."),
        (Fault.HUGE, "Sorry, I cannot reach Mattermost."),
        (Fault.CUT, "Sorry, I cannot reach Mattermost."),
    ],
)
async def test_a_message_that_fails_is_not_claimed_and_can_be_said_again(fault: Fault, answer: str) -> None:
    service = MattermostService()
    async with speaking(service, {"seconds": 0.8}) as speaker:
        asked = await speaker.say("tell the family channel hello")
        service.fail(fault)
        failed = await speaker.reply(asked)
        assert (failed.text, failed.done) == (answer, False)
        service.recover()
        assert (await speaker.reply(asked)).done


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"token": "", "persons": {}}, "Mattermost needs url"),
        ({"token": "another"}, "the service refuses the token"),
        ({"url": "http://chat.example"}, "https"),
        ({"seconds": "long"}, "seconds"),
        ({"webhooks": {"alerts": "http://chat.example/hooks/x"}}, "https"),
        ({"hub": 5}, "hub = {"),
        ({"hub": {"url": "http://127.0.0.1:1"}, "channels": {"family": {"rom": 1}}}, "channels.family.rom is unknown"),
        ({"hub": {"url": "http://127.0.0.1:1"}, "channels": {"family": {"announces": True}}}, "write the room"),
        ({"hub": {"url": "http://127.0.0.1:1"}, "listen": "8066"}, "HOST:PORT"),
        ({"hub": {"url": "http://127.0.0.1:1"}, "listen": "127.0.0.1:0"}, "tokens of the commands"),
    ],
)
async def test_settings_that_are_wrong_are_refused(settings: Mapping[str, Any], problem: str) -> None:
    async with speaking(MattermostService(), settings) as speaker:
        assert speaker.problem is not None
        assert problem in speaker.problem


@pytest.mark.parametrize(
    ("message", "question"),
    [
        ("@rosie turn on the light", "turn on the light"),
        ("turn on the light @Rosie, please", "turn on the light please"),
        ("@rosie", ""),
        ("@rosies are red", None),
        ("mail me at x@rosie.example", None),
        ("hello", None),
    ],
)
def test_a_mention_of_the_bot_is_a_question(message: str, question: str | None) -> None:
    assert find_question(message, "rosie") == question


@given(st.text())
def test_no_post_calls_everybody_or_is_too_long(text: str) -> None:
    posted = neutralize(f"{text}@channel {text * 50}")
    assert "@channel" not in posted.casefold()
    assert len(posted) <= MAX_POST_CHARACTERS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
POST_KEYS = st.sampled_from(["id", "channel_id", "user_id", "message", "root_id", "type", "create_at", "props", "post"])


@given(st.dictionaries(POST_KEYS, json_values) | json_values)
def test_whatever_comes_is_a_post_or_none(data: Any) -> None:
    for post in (parse_post(data), parse_posted(data)):
        assert post is None or (isinstance(post.message, str) and post.id and post.channel_id)


@given(st.text(max_size=300))
def test_what_is_spoken_of_a_post_is_one_line(message: str) -> None:
    assert "\n" not in to_speech(message * 20, "code")


@pytest.mark.parametrize(
    ("quiet", "at", "is_quiet"),
    [
        ("22:00-07:00", time(23), True),
        ("22:00-07:00", time(6, 59), True),
        ("22:00-07:00", time(7), False),
        ("22:00-07:00", time(12), False),
        ("13:00-15:00", time(13), True),
        ("13:00-15:00", time(15), False),
    ],
)
def test_quiet_hours_may_go_over_midnight(quiet: str, at: time, is_quiet: bool) -> None:
    policy = ChannelPolicy.parse("family", {"quiet": quiet})
    assert policy.is_quiet(datetime.combine(MOMENT, at, UTC)) is is_quiet


@pytest.mark.parametrize("quiet", ["late", "22-07", 5, "25:00-26:00"])
def test_hours_that_are_none_are_refused(quiet: object) -> None:
    with pytest.raises(ConfigError, match="quiet"):
        ChannelPolicy.parse("family", {"quiet": quiet} if quiet != "22-07" else {"quiet": "22-07-01"})


CONTRACT = PluginContract(
    find_integrations(["mattermost"])[0],
    [
        Example("tell the family channel that dinner is ready", "Shall I send to the channel Family", asks=True),
        Example("schreib in den Kanal Family: hallo", "Soll ich an den Kanal Family senden", "de", asks=True),
        Example("send a message to Ada: hello", "Shall I send to Ada Lovelace: hello?", asks=True),
    ],
    settings=lambda url: {"url": url, "token": TOKEN, "seconds": 1.0},
    create_service=MattermostService,
    ambiguous=Example("send a message to Tom: hello"),
)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_it_keeps_the_contract_of_plugins(check: Check) -> None:
    await check(CONTRACT)
