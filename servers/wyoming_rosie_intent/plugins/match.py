"""Commands for plugins: what a sentence or a program means, and the question that a plugin asks in return."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins.plugin import HouseReminder


@dataclass(frozen=True)
class PluginMatch:
    """A command for a plugin."""

    plugin: str
    intent: str
    entities: Mapping[str, Any] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)
    language: str = "en"
    key: str = ""  # of `CommandContext`; empty before the first attempt
    is_confirmed: bool = False


@dataclass(frozen=True)
class PluginQuestion(Answer):
    """A question of a plugin: the command for a yes, or one for each option."""

    question: str = field(default="", repr=False)  # the end of `text`
    confirmed: PluginMatch | None = None
    options: Mapping[str, PluginMatch] = field(default_factory=dict)


@dataclass(frozen=True)
class DeclinedAnswer(Answer):
    """The answer of a plugin that leaves the sentence to a language model; `text` is for a home without one."""


@dataclass(frozen=True)
class ReminderAnswer(Answer):
    """The answer of a plugin by which the house is to set a reminder."""

    reminder: HouseReminder | None = None


@dataclass(frozen=True)
class LateAnswer(Answer):
    """An answer that is not there in time; `text` promises it, `pending` returns it. Whoever gets it cancels it."""

    pending: "asyncio.Future[Answer] | None" = None
