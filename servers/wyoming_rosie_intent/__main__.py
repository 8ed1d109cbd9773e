"""The intent daemon: settings, components, service."""

import time
from contextlib import AsyncExitStack
from datetime import datetime

from wyoming_rosie import config
from wyoming_rosie.home import loader
from wyoming_rosie.metrics import Metrics, create_turn_metrics
from wyoming_rosie.protocol import server
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_intent import factory
from wyoming_rosie_intent.answer import PendingAction
from wyoming_rosie_intent.config import IntentConfig
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.execution.audit_log import AuditLog
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor, discard_entry
from wyoming_rosie_intent.execution.home_updates import HomeUpdates
from wyoming_rosie_intent.handler import IntentHandler
from wyoming_rosie_intent.info import create_info, create_questions
from wyoming_rosie_intent.llm.command_tool import CommandToolset
from wyoming_rosie_intent.memory import home_memory
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import hassil, templates


async def serve(settings: IntentConfig) -> None:
    """Serve intent recognition until stopped. Raises ConfigError, EngineError."""
    file_home = loader.load_home(settings.home)
    if settings.phrases is not None:
        responses.load_folder(settings.phrases)
    policy = factory.create_policy(settings)
    updates = HomeUpdates()
    actor = factory.create_actor(settings, file_home, updates.put)
    notice = factory.simulation_notice(settings, actor)
    get_device_area = actor.get_device_area if actor else lambda _: None
    get_weather = factory.create_weather(settings, file_home, time.monotonic)
    audit = AuditLog(settings.audit_file, _clock) if settings.audit_file else None
    note = audit.write if audit else discard_entry
    executor = ActionExecutor(file_home, actor, policy, note, get_weather)
    plugins, mcp = factory.load_plugins(settings), factory.create_mcp_tools(settings)
    recognizer = hassil.load(settings.hassil, file_home, policy)
    toolsets = factory.create_toolsets(executor, plugins, mcp)
    async with AsyncExitStack() as stack:
        commands = CommandToolset(executor, recognizer)
        stack.callback(commands.close)
        memory = home_memory.create(settings.memory, lambda: executor.home, _clock)
        told, memory_service = (memory.dialogue, memory.service) if memory else (None, None)
        agent = await stack.enter_async_context(factory.open_agent(settings, executor, toolsets, commands, told))
        extractor = factory.create_extractor(settings, memory, agent)
        satellite_alarms = factory.create_satellite_alarms(actor)
        dialogue = Dialogue(
            recognizer,
            executor,
            _create_confirmations(),
            plugins,
            agent,
            satellite_alarms,
            actor.announcer if actor else None,
            told,
            extractor,
        )
        stack.callback(dialogue.close)
        questions = create_questions(executor, actor, settings.actor, plugins)
        metrics = Metrics()
        answered = create_turn_metrics(metrics, lambda: dialogue.waiting, is_enabled=settings.has_monitor)
        daemon = DaemonServer(
            "intent",
            create_info(recognizer, handles=executor.has_actor, uses_llm=agent is not None, notice=notice),
            lambda send: IntentHandler(
                dialogue,
                executor.states,
                _clock,
                send,
                answered,
                get_device_area,
                notice,
                {**questions, **home_memory.create_questions(memory, send)},
            ),
            metrics=metrics,
            waiting=lambda: dialogue.waiting,
        )
        factory.add_health_checks(daemon.health, actor, plugins, agent, memory)
        await run_until_first_exit(
            server.run(daemon, settings),
            updates.run(recognizer, executor),
            factory.watch_home_file(settings.home, actor, updates.put),
            *([factory.run_plugins(plugins)] if plugins else []),
            *(
                part.run()
                for part in (actor, audit, mcp, satellite_alarms, memory_service, extractor)
                if part is not None
            ),
        )


def _create_confirmations() -> Confirmations[PendingAction]:
    languages = templates.custom_languages()
    return Confirmations(*templates.load_replies(languages), templates.load_polite_phrases(languages))


def _clock() -> datetime:
    return datetime.now().astimezone()


def main() -> None:
    """Run the wyoming-rosie-intent command."""
    config.main("intent", IntentConfig, serve)


if __name__ == "__main__":
    main()
