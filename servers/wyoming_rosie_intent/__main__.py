"""wyoming-rosie-intent: text to action and answer over the Wyoming protocol."""

import time
from contextlib import AsyncExitStack
from datetime import datetime

from wyoming_rosie import config
from wyoming_rosie.home import model
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.protocol import server
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_intent import factory
from wyoming_rosie_intent.config import IntentConfig
from wyoming_rosie_intent.dialogue import Dialogue, PendingAction, is_conductor_intent
from wyoming_rosie_intent.execution.audit_log import Audit
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import Household, forget
from wyoming_rosie_intent.execution.home_updates import Moving
from wyoming_rosie_intent.handler import IntentHandler
from wyoming_rosie_intent.info import info
from wyoming_rosie_intent.llm.command_tool import CommandToolset
from wyoming_rosie_intent.llm.home_tools import HomeTools
from wyoming_rosie_intent.llm.toolset import Toolset
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import hassil, templates


async def serve(settings: IntentConfig) -> None:
    """Understand sentences about the home until told to stop. Raises ConfigError, EngineError."""
    own, house = model.load(settings.home), factory.pretence(settings)
    if settings.phrases is not None:
        responses.use(settings.phrases)
    policy = factory.policy(settings)
    recogniser = hassil.load(settings.hassil, own, policy)
    moving = Moving()
    actors = factory.actors(settings, own, moving.to)
    ask_weather = factory.weather(settings, own, time.monotonic)
    audit = Audit(settings.audit_file, _clock) if settings.audit_file else None
    note = audit.note if audit else forget
    household = Household(own, actors.actor, policy, note, ask_weather)
    plugins, mcp = factory.plugins(settings), factory.mcp(settings)
    boxes: list[Toolset] = [HomeTools(household), *([mcp] if mcp else [])]
    async with AsyncExitStack() as stack:
        commands = CommandToolset(household, recogniser, is_conductor_intent)
        stack.callback(commands.close)
        mind = await stack.enter_async_context(factory.thinking(settings, household, boxes, commands))
        dialogue = Dialogue(recogniser, household, _confirmations(), plugins, mind)
        stack.callback(dialogue.close)
        metrics = Metrics()
        answered = create_turn_metrics(metrics, lambda: dialogue.waiting, is_enabled=settings.has_monitor)
        peers = DaemonServer(
            "intent",
            info(recogniser, handles=household.acts, thinks=mind is not None, house=house),
            lambda send: IntentHandler(dialogue, household.states, _clock, send, answered, actors.area_of, house),
            metrics=metrics,
        )
        factory.watch(peers.health, actors, plugins)
        await run_until_first_exit(
            server.run(peers, settings),
            moving.run(recogniser, household),
            factory.follow(settings.home, actors.changed),
            *([factory.look_after(plugins)] if plugins else []),
            *(part.run() for part in (actors.distant, audit, mcp) if part is not None),
        )


def _confirmations() -> Confirmations[PendingAction]:
    languages = templates.own_languages()
    return Confirmations(*templates.replies(languages), templates.softeners(languages))


def _clock() -> datetime:
    return datetime.now().astimezone()


def main() -> None:
    """Run the daemon."""
    config.main("intent", IntentConfig, serve)


if __name__ == "__main__":
    main()
