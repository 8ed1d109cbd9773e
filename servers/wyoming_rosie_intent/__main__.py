"""wyoming-rosie-intent: text to action and answer over the Wyoming protocol."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from wyoming.info import Attribution, HandleModel, HandleProgram, Info, IntentModel, IntentProgram

from wyoming_rosie import __version__, config, home
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.metrics import Metrics, work
from wyoming_rosie.service import Service, ServiceConfig, run
from wyoming_rosie_intent.actors.demo import DemoActor
from wyoming_rosie_intent.confirmation import Confirmations
from wyoming_rosie_intent.conversation import IntentConversation
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import Actor, Recogniser
from wyoming_rosie_intent.engines import hassil as hassil_engine
from wyoming_rosie_intent.household import Household


@dataclass(frozen=True)
class IntentConfig(ServiceConfig):
    """Text to action and answer over the Wyoming protocol."""

    uri: str = option("tcp://127.0.0.1:10550", "where to listen: tcp://HOST:PORT, unix:///PATH or stdio://")
    home: Path = option(home.DEMO_HOME, "TOML file with the areas and entities that people speak about")
    engine: Literal["hassil"] = option("hassil", "which engine understands sentences")
    hassil: hassil_engine.Settings = option(hassil_engine.Settings, "")
    actor: Literal["demo", "none"] = option("demo", "who acts: demo, a house in memory; none, whoever asked")
    confirm: tuple[str, ...] = option(("lock", "cover"), "domains that are acted on only after a yes")


async def serve(settings: IntentConfig) -> None:
    """Understand sentences about the home until told to stop. Raises ConfigError, EngineError."""
    of_home = home.load(settings.home)
    recogniser = hassil_engine.load(settings.hassil, of_home)
    actor = DemoActor(of_home) if settings.actor == "demo" else None
    own = hassil_engine.own_sentences("en")
    household = Household(of_home, actor, _domains(settings))
    dialogue = Dialogue(recogniser, household, Confirmations(own["yes"], own["no"]))
    metrics = Metrics()
    answers = work(metrics, lambda: dialogue.waiting, is_wanted=settings.has_monitor)
    service = Service(
        "intent",
        info(recogniser, actor),
        lambda send: IntentConversation(dialogue, household.states, _clock, send, answers),
        metrics=metrics,
    )
    try:
        await run(service, settings)
    finally:
        dialogue.close()


def info(recogniser: Recogniser, actor: Actor | None) -> Info:
    """Describe the daemon; with an actor it also handles what it understood."""
    name = "wyoming-rosie-intent"
    credit = Attribution("hassil and home-assistant-intents", "https://github.com/OHF-Voice/intents")
    rules = "Commands and questions about a home, by sentence templates, without a network"
    languages = list(recogniser.languages)
    intent_model = IntentModel("hassil", credit, True, rules, __version__, languages)
    handle_model = HandleModel("hassil", credit, True, rules, __version__, languages)
    intent = IntentProgram(name, credit, True, rules, __version__, [intent_model])
    handle = HandleProgram(name, credit, True, rules, __version__, [handle_model], supports_home_control=True)
    return Info(intent=[intent], handle=[handle] if actor else [])


def _domains(settings: IntentConfig) -> frozenset[str]:
    for domain in settings.confirm:
        if domain not in home.DOMAINS:
            raise ConfigError(f"--confirm: no domain '{domain}'; there are: {', '.join(sorted(home.DOMAINS))}")
    return frozenset(settings.confirm)


def _clock() -> datetime:
    return datetime.now().astimezone()


def main() -> None:
    """Run the daemon."""
    config.main("intent", IntentConfig, serve)


if __name__ == "__main__":
    main()
