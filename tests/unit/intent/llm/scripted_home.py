"""A home with plugins whose language model does what its script says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from tests.unit.intent.llm.scripted_models import ScriptedChatModel, ScriptedRouter
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import AnswerEvent, ConversationInput
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm.agent import LlmAgent
from wyoming_rosie_intent.llm.home_tools import HomeTools
from wyoming_rosie_intent.llm.model import ChatRole
from wyoming_rosie_intent.llm.plugin_tools import PluginTools
from wyoming_rosie_intent.llm.prompts import prompt
from wyoming_rosie_intent.llm.router import RoutingRequest
from wyoming_rosie_intent.plugins import PluginRegistry


class CloudModel(ScriptedChatModel):
    """A model in a cloud, which nobody can keep out of the turn any more."""

    tier = "cloud"

    def keep_private(self) -> bool:
        return False


class CloudRouter(ScriptedRouter):
    def route(self, wish: RoutingRequest) -> ScriptedChatModel:
        super().route(wish)
        return CloudModel(self)


@dataclass
class ScriptedHome:
    """Ada speaks in its kitchen."""

    dialogue: Dialogue
    models: ScriptedRouter
    actor: DemoActor
    moment: datetime

    async def say(self, text: str) -> AnswerEvent:
        request = ConversationInput(text, "one", "en", "Kitchen", f"turn {text}", "Ada")
        return [event async for event in self.dialogue.answer(request, self.moment, 0.0)][-1]

    @property
    def light(self) -> object:
        return self.actor.states()["light.kitchen"]["state"]

    def results(self) -> list[str]:
        """Return the tool results that the model got last."""
        given = self.models.given[-1].messages if self.models.given else ()
        return [message.text for message in given if message.role is ChatRole.TOOL]


@asynccontextmanager
async def scripted_home(
    home: Home, recognizer: IntentRecognizer, plugins: PluginRegistry, models: ScriptedRouter, moment: datetime
) -> AsyncIterator[ScriptedHome]:
    """Run the dialogue of the home with plugins that run."""
    actor = DemoActor(home)
    executor = ActionExecutor(home, actor)
    agent = LlmAgent(models, executor, prompt.load(), [HomeTools(executor), PluginTools(plugins)])
    dialogue = Dialogue(recognizer, executor, Confirmations(["yes"], ["no"]), plugins, agent)
    try:
        yield ScriptedHome(dialogue, models, actor, moment)
    finally:
        dialogue.close()
        await agent.close()
