"""An agent whose thinker is an intent daemon: what it is told, and what is made of its answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import intent
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from wyoming.event import Event, async_read_event, async_write_event

from tests.component.agent import DOMAIN, Agent, speech_of, until
from tests.component.room import Room, create_device, settle

DESCRIPTION = {"name": "rosie", "description": "Rosie conversation (attic)", "installed": True}
SENTENCE = "why is the sky blue"


class ScriptedDaemon:
    """Answers every transcript with the same events; `received` has all that it was sent but `describe`."""

    def __init__(self, *answer: Event, info: dict[str, Any] | None = None) -> None:
        self.answer = answer
        self.received: list[Event] = []
        self.port = 0
        self._info = {"handle": [DESCRIPTION]} if info is None else info

    @asynccontextmanager
    async def run(self) -> AsyncIterator["ScriptedDaemon"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await async_read_event(reader)) is not None:
            if event.type == "describe":
                await async_write_event(Event("info", self._info), writer)
                continue
            self.received.append(event)
            for reply in self.answer if event.type == "transcript" else ():
                await async_write_event(reply, writer)
        writer.close()

    def got(self, kind: str) -> list[Event]:
        return [event for event in self.received if event.type == kind]


STREAMED = (
    Event("handled-start", {}),
    Event("handled-chunk", {"text": "Because of the air. "}),
    Event("handled-chunk", {"text": "Is that enough?"}),
    Event("handled", {"text": "Because of the air. Is that enough?", "context": {"expects_reply": True}}),
    Event("handled-stop", {}),
)


async def add(hass: HomeAssistant, daemon: ScriptedDaemon) -> Agent:
    return await Agent.add(hass, "", kind="daemon", host="127.0.0.1", port=daemon.port)


@pytest.fixture
async def daemon() -> AsyncIterator[ScriptedDaemon]:
    async with ScriptedDaemon(*STREAMED).run() as one:
        yield one


async def test_it_is_added_by_its_address(home: HomeAssistant, daemon: ScriptedDaemon) -> None:
    flow = home.config_entries.flow
    step = await flow.async_init(DOMAIN, context={"source": "user"})
    step = await flow.async_configure(step["flow_id"], {"next_step_id": "daemon"})
    step = await flow.async_configure(step["flow_id"], {"host": "127.0.0.1", "port": daemon.port})
    assert (step["type"], step["title"]) == ("create_entry", "Hybrid Rosie conversation (attic)")
    await home.async_block_till_done()
    assert step["result"].state is ConfigEntryState.LOADED


def discover(daemon: ScriptedDaemon) -> ZeroconfServiceInfo:
    return ZeroconfServiceInfo(
        ip_address=ip_address("127.0.0.1"),
        ip_addresses=[ip_address("127.0.0.1")],
        port=daemon.port,
        hostname="attic.local.",
        type="_wyoming._tcp.local.",
        name="rosie-intent-attic._wyoming._tcp.local.",
        properties={},
    )


async def test_it_is_discovered_and_confirmed_once_and_followed_to_another_address(
    home: HomeAssistant, daemon: ScriptedDaemon
) -> None:
    flow = home.config_entries.flow
    step = await flow.async_init(DOMAIN, context={"source": "zeroconf"}, data=discover(daemon))
    assert step["step_id"] == "confirm"
    step = await flow.async_configure(step["flow_id"], {})
    assert step["type"] == "create_entry"
    async with ScriptedDaemon(*STREAMED).run() as moved:
        step = await flow.async_init(DOMAIN, context={"source": "zeroconf"}, data=discover(moved))
        assert step["reason"] == "already_configured"
        await home.async_block_till_done()
    [entry] = home.config_entries.async_entries(DOMAIN)
    assert entry.data["port"] == moved.port


async def test_it_is_not_discovered_again_where_it_was_added_by_hand(
    home: HomeAssistant, daemon: ScriptedDaemon
) -> None:
    await add(home, daemon)
    step = await home.config_entries.flow.async_init(DOMAIN, context={"source": "zeroconf"}, data=discover(daemon))
    assert step["reason"] == "already_configured"


@pytest.mark.parametrize("info", [{}, {"asr": [DESCRIPTION]}, {"handle": [{**DESCRIPTION, "installed": False}]}])
async def test_another_program_is_refused(home: HomeAssistant, info: dict[str, Any]) -> None:
    async with ScriptedDaemon(info=info).run() as other:
        flow = home.config_entries.flow
        step = await flow.async_init(DOMAIN, context={"source": "user"})
        step = await flow.async_configure(step["flow_id"], {"next_step_id": "daemon"})
        step = await flow.async_configure(step["flow_id"], {"host": "127.0.0.1", "port": other.port})
    assert step["errors"] == {"base": "not_a_daemon"}


async def test_its_answer_is_streamed_and_its_question_keeps_the_conversation_open(
    home: HomeAssistant, daemon: ScriptedDaemon
) -> None:
    agent = await add(home, daemon)
    result = await agent.ask(SENTENCE)
    assert speech_of(result) == "Because of the air. Is that enough?"
    assert result.continue_conversation


async def test_it_is_told_of_the_wake_word_and_recognises_the_turn(home: HomeAssistant, daemon: ScriptedDaemon) -> None:
    agent = await add(home, daemon)
    device = create_device(agent, "satellite", "Kitchen")
    for _ in range(5):
        agent.entry.runtime_data.thinker.prepare(device, "en")
    await until(lambda: daemon.got("detection"))
    await settle(home)
    room = Room(agent, device)
    await room.say(SENTENCE)
    [detection], [transcript] = daemon.got("detection"), daemon.got("transcript")
    assert detection.data["context"]["turn_id"] == transcript.data["context"]["turn_id"]
    assert transcript.data["context"]["area"] == "Kitchen"
    assert transcript.data["text"] == SENTENCE


async def test_an_intent_is_executed_by_home_assistant_and_confirmed_in_its_words(home: HomeAssistant) -> None:
    entities = [{"name": "name", "value": "Reading lamp"}]
    order = Event("intent", {"name": "HassTurnOn", "entities": entities, "text": "Let there be light."})
    async with ScriptedDaemon(order).run() as daemon:
        agent = await add(home, daemon)
        assert await agent.say("illuminate my book") == "Let there be light."
    await home.async_block_till_done()
    assert agent.is_lamp_on


async def test_an_intent_that_fails_is_admitted(home: HomeAssistant) -> None:
    order = Event(
        "intent", {"name": "HassTurnOn", "entities": [{"name": "name", "value": "Sun"}], "text": "Let there be light."}
    )
    async with ScriptedDaemon(order).run() as daemon:
        agent = await add(home, daemon)
        assert await agent.say("illuminate my book") == "Sorry, I did not actually do that."


async def test_what_it_does_not_understand_is_said_in_its_words(home: HomeAssistant) -> None:
    async with ScriptedDaemon(Event("not-recognized", {"text": "I did not get that."})).run() as daemon:
        result = await (await add(home, daemon)).ask(SENTENCE)
    assert speech_of(result) == "I did not get that."
    assert result.response.error_code is intent.IntentResponseErrorCode.NO_INTENT_MATCH


async def test_its_filler_is_heard_on_the_speaker_of_the_room(home: HomeAssistant) -> None:
    filler = Event("user-event", {"name": "filler", "data": {"text": "Asking the sky…"}})

    class Slow(ScriptedDaemon):
        async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while (event := await async_read_event(reader)) is not None:
                if event.type == "describe":
                    await async_write_event(Event("info", self._info), writer)
                if event.type == "transcript":
                    await async_write_event(filler, writer)
                    await asyncio.sleep(0.5)
                    for reply in self.answer:
                        await async_write_event(reply, writer)
            writer.close()

    async with Slow(*STREAMED).run() as daemon:
        room = await Room.build(await add(home, daemon))
        room.add_speaker(room.device_id)
        await room.say(SENTENCE)
    assert room.fillers == ["Asking the sky…"]


async def test_native_sentences_come_before_it(home: HomeAssistant, daemon: ScriptedDaemon) -> None:
    agent = await add(home, daemon)
    await agent.say("turn on the reading lamp")
    await home.async_block_till_done()
    assert agent.is_lamp_on
    assert not daemon.got("transcript")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((), "Sorry, I cannot reach my language model right now."),
        (STREAMED[:2], "Sorry, I lost my train of thought."),
        ((Event("handled-stop", {}),), "Sorry, I cannot reach my language model right now."),
    ],
)
async def test_a_daemon_that_breaks_off_is_spoken_of(home: HomeAssistant, answer: tuple[Event, ...], said: str) -> None:
    class Breaking(ScriptedDaemon):
        async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            event = await async_read_event(reader)
            assert event is not None
            replies = self.answer if event.type == "transcript" else [Event("info", self._info)]
            for reply in replies:
                await async_write_event(reply, writer)
            writer.close()

    async with Breaking(*answer).run() as daemon:
        assert await (await add(home, daemon)).say(SENTENCE) == said


async def test_a_daemon_that_is_away_is_tried_again_later(home: HomeAssistant) -> None:
    agent = await Agent.add(home, "", kind="daemon", host="127.0.0.1", port=9)
    assert agent.entry.state is ConfigEntryState.SETUP_RETRY
