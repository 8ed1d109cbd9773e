"""Test support: speaks sentences in a family's home and returns their results."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.unit.intent.outcomes import get_outcome
from wyoming_rosie.home import loader
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, DelegateToConductor, Handled
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.policy import Policy
from wyoming_rosie_intent.rules import hassil, templates

Changes = dict[str, dict[str, object]]


@dataclass(frozen=True)
class Came:
    """Result of a sentence: the answer, the changed entities, and the intents for the conductor."""

    text: str = ""
    changes: Changes | None = None
    asks: bool = False
    done: bool = False
    intents: tuple[tuple[str, Mapping[str, object]], ...] = ()


@cache
def family() -> Home:
    return loader.load_home(Path(__file__).parent / "homes" / "family.toml")


@cache
def recognizer(language: str) -> IntentRecognizer:
    return hassil.load(hassil.Settings((language,)), family())


class Room:
    """One conversation in a room of the home."""

    def __init__(self, area: str | None = "kitchen", language: str = "en", at: Home | None = None) -> None:
        self._area, self._language = area, language
        self.actor = DemoActor(at or family())
        policy, own = Policy(), templates.custom_languages()
        self._dialogue = Dialogue(
            recognizer(language) if at is None else hassil.load(hassil.Settings((language,)), at),
            ActionExecutor(at or family(), self.actor, policy),
            Confirmations(*templates.load_replies(own), templates.load_polite_phrases(own)),
        )

    async def say(self, text: str) -> Came:
        before = {entity: dict(state) for entity, state in self.actor.states().items()}
        outcome = await get_outcome(self._dialogue, ConversationInput(text, "one", self._language, self._area))
        if isinstance(outcome, DelegateToConductor):
            return Came(intents=tuple((match.intent, match.slots) for match in outcome.matches))
        asks = isinstance(outcome, Handled) and outcome.expects_reply
        return Came(outcome.text, self._changes(before), asks, isinstance(outcome, Handled))

    def _changes(self, before: Mapping[str, Mapping[str, object]]) -> Changes:
        now = self.actor.states()
        changes = {
            entity: {key: value for key, value in now[entity].items() if value != before[entity][key]} for entity in now
        }
        return {entity: change for entity, change in changes.items() if change}


async def room(area: str | None = "kitchen", language: str = "en", at: Home | None = None) -> Room:
    """Return a room of a home in its initial state. Loads a language at first use, which takes a while."""
    return await asyncio.to_thread(Room, area, language, at)


async def said(text: str, area: str | None = "kitchen", language: str = "en") -> Came:
    """Speak one sentence in a home in its initial state."""
    return await (await room(area, language)).say(text)


async def changed(text: str, area: str | None = "kitchen", language: str = "en") -> set[str]:
    """Return the entities that a sentence changed."""
    return set((await said(text, area, language)).changes or ())
