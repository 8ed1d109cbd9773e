"""A slow plugin in a whole house of installed programs: its answer comes later, at the satellite that was asked."""

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from tests.conftest import StartDaemon
from tests.integration.test_reminders import Kitchen
from tests.waiting import wait_until

PLUGIN = """
import asyncio, pathlib
from wyoming_rosie_intent.plugins import IntegrationPlugin, PluginResult

class Oven(IntegrationPlugin):
    async def initialize(self, config):
        self.flag = pathlib.Path(__file__).with_name("answer")
    def get_intents(self):
        return {"Bake": ["bake a cake"]}
    async def get_status(self):
        return {"healthy": True}
    async def execute(self, intent, entities, context):
        if context.is_confirmed:
            return PluginResult("The cake is sliced.")
        while not self.flag.exists():
            await asyncio.sleep(0.02)
        return PluginResult("The cake is baked.", question="Shall I slice it?")
"""
PROMISE = "That takes a moment. I will tell you when it is done."


async def test_a_late_answer_is_spoken_and_its_question_can_be_answered(daemon: StartDaemon, tmp_path: Path) -> None:
    oven = tmp_path / "plugins" / "oven"
    oven.mkdir(parents=True)
    (oven / "plugin.py").write_text(PLUGIN, "utf-8")
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        kitchen = Kitchen(daemon, http, tmp_path)
        await kitchen.begin(stack, "--plugin-folder", str(tmp_path / "plugins"))
        await kitchen.start_satellite()
        await kitchen.start_hub()
        assert await kitchen.say("bake a cake") == PROMISE
        kitchen.will_say("yes")
        (oven / "answer").touch()
        await wait_until(lambda: "The cake is sliced." in kitchen.heard)
        assert kitchen.heard == [PROMISE, "The cake is baked. Shall I slice it?", "The cake is sliced."]
