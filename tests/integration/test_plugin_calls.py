"""Programs call the intents of plugins: over Wyoming, and over the bus through the bridge."""

import time
from pathlib import Path

from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.integration.bridge.test_voice_in_memory import home_with
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.messages import VoiceIntent
from wyoming_rosie.protocol.client import Client, PeerError, connect

PLUGIN = """
from wyoming_rosie_intent.plugins import IntegrationPlugin, ParameterType, PluginResult, PluginTool, ToolParameter

class Diary(IntegrationPlugin):
    async def initialize(self, config):
        self.days = []
    def get_intents(self):
        return {"Add": ["write {title} into my diary"], "Read": ["read my diary"]}
    def get_tools(self):
        day = ToolParameter("the day", ParameterType.DATE, is_required=True)
        return [PluginTool("Read", "Reads the diary"), PluginTool("Add", "Adds a day", {"day": day}, changes=True)]
    async def get_status(self):
        return {"healthy": True}
    async def execute(self, intent, entities, context):
        if intent == "Read":
            return PluginResult(f"{len(self.days)} days for {context.person or 'a guest'} in {context.area}.")
        if not context.is_confirmed:
            return PluginResult(question=f"Shall I add {entities['day']:%d %B}?")
        self.days.append(entities["day"])
        return PluginResult("Added.")
"""


def write_plugin(folder: Path) -> Path:
    diary = folder / "plugins" / "diary"
    diary.mkdir(parents=True)
    (diary / "plugin.py").write_text(PLUGIN, "utf-8")
    return diary.parent


async def ask(peer: Client, request: Event) -> tuple[str, str]:
    await peer.send(request)
    answer = await peer.wait_for("handled", "not-handled", "not-recognized", seconds=60)
    return answer.type, str(answer.data["text"])


def create_call(intent: str, **arguments: object) -> Event:
    context = {"area": "Kitchen", "conversation_id": "one", "speaker": "Ada"}
    call = {"plugin": "diary", "intent": intent, "arguments": arguments}
    return Event("user-event", {"name": "plugin-command", "data": call, "context": context})


async def test_a_program_calls_a_plugin_and_a_change_waits_for_the_yes(daemon: StartDaemon, tmp_path: Path) -> None:
    intent = await daemon("intent", "--plugin-folder", str(write_plugin(tmp_path)))
    await intent.wait_for_line("plugin status")
    yes = Event("transcript", {"text": "yes", "context": {"area": "Kitchen", "conversation_id": "one"}})
    async with connect(intent.uri) as peer:
        assert await ask(peer, create_call("Read")) == ("handled", "0 days for Ada in kitchen.")
        assert await ask(peer, create_call("Add", day="2026-12-24")) == ("handled", "Shall I add 24 December?")
        assert await ask(peer, create_call("Read")) == ("handled", "0 days for Ada in kitchen.")
        await ask(peer, create_call("Add", day="2026-12-24"))
        assert await ask(peer, yes) == ("handled", "Added.")
        assert await ask(peer, create_call("Read")) == ("handled", "1 days for Ada in kitchen.")
    for call, reason in (
        (create_call("Steal"), "there are: diary.Add, diary.Read"),
        (create_call("Add", day="soon"), "a date such as"),
    ):
        async with connect(intent.uri) as peer:
            try:
                await ask(peer, call)
            except PeerError as err:
                assert reason in str(err)
            else:
                raise AssertionError("it was answered")


async def test_a_command_of_the_bus_is_executed_by_a_plugin(daemon: StartDaemon, tmp_path: Path) -> None:
    intent = await daemon("intent", "--plugin-folder", str(write_plugin(tmp_path)))
    await intent.wait_for_line("plugin status")
    async with home_with(tmp_path, executor_uri=intent.uri) as home:
        command = VoiceIntent("diary.Read", device_id="kitchen", area="Kitchen", language="en")
        envelope = schema.wrap(command, key="script:1", source="script", now=time.time())
        await home.buses.events.publish(names.intent_subject("diary", "read"), envelope, envelope.key)
        result = await home.end("script:1")
        assert (result.outcome, result.message) == ("done", "0 days for a guest in kitchen.")
        assert (await home.heard()).text == "0 days for a guest in kitchen."
