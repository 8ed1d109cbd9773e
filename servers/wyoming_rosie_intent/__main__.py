"""wyoming-rosie-intent: text to action and answer over the Wyoming protocol."""

import time
from contextlib import AsyncExitStack
from datetime import datetime

from wyoming_rosie import config, home, service
from wyoming_rosie.metrics import Metrics, work
from wyoming_rosie.service import Service
from wyoming_rosie.tasks import until_one_ends
from wyoming_rosie_intent import answers, parts, templates
from wyoming_rosie_intent.audit import Audit
from wyoming_rosie_intent.confirmation import Confirmations
from wyoming_rosie_intent.conversation import IntentConversation
from wyoming_rosie_intent.dialogue import Dialogue, Waiting, is_conductors
from wyoming_rosie_intent.engines import hassil
from wyoming_rosie_intent.household import Household, forget
from wyoming_rosie_intent.info import info
from wyoming_rosie_intent.models.spoken_commands import SpokenCommands
from wyoming_rosie_intent.models.toolbox import Toolbox
from wyoming_rosie_intent.models.tools import HomeTools
from wyoming_rosie_intent.moving import Moving
from wyoming_rosie_intent.settings import IntentConfig


async def serve(settings: IntentConfig) -> None:
    """Understand sentences about the home until told to stop. Raises ConfigError, EngineError."""
    own, house = home.load(settings.home), parts.pretence(settings)
    if settings.phrases is not None:
        answers.use(settings.phrases)
    policy = parts.policy(settings)
    recogniser = hassil.load(settings.hassil, own, policy)
    moving = Moving()
    actors = parts.actors(settings, own, moving.to)
    ask_weather = parts.weather(settings, own, time.monotonic)
    audit = Audit(settings.audit_file, _clock) if settings.audit_file else None
    note = audit.note if audit else forget
    household = Household(own, actors.actor, policy, note, ask_weather)
    plugins, mcp = parts.plugins(settings), parts.mcp(settings)
    boxes: list[Toolbox] = [HomeTools(household), *([mcp] if mcp else [])]
    async with AsyncExitStack() as stack:
        commands = SpokenCommands(household, recogniser, is_conductors)
        stack.callback(commands.close)
        mind = await stack.enter_async_context(parts.thinking(settings, household, boxes, commands))
        dialogue = Dialogue(recogniser, household, _confirmations(), plugins, mind)
        stack.callback(dialogue.close)
        metrics = Metrics()
        answered = work(metrics, lambda: dialogue.waiting, is_wanted=settings.has_monitor)
        peers = Service(
            "intent",
            info(recogniser, handles=household.acts, thinks=mind is not None, house=house),
            lambda send: IntentConversation(dialogue, household.states, _clock, send, answered, actors.area_of, house),
            metrics=metrics,
        )
        parts.watch(peers.health, actors, plugins)
        await until_one_ends(
            service.run(peers, settings),
            moving.run(recogniser, household),
            parts.follow(settings.home, actors.changed),
            *([parts.look_after(plugins)] if plugins else []),
            *(part.run() for part in (actors.distant, audit, mcp) if part is not None),
        )


def _confirmations() -> Confirmations[Waiting]:
    languages = templates.own_languages()
    return Confirmations(*templates.replies(languages), templates.softeners(languages))


def _clock() -> datetime:
    return datetime.now().astimezone()


def main() -> None:
    """Run the daemon."""
    config.main("intent", IntentConfig, serve)


if __name__ == "__main__":
    main()
