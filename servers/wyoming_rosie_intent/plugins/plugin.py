"""Base class of plugins, and the values that they exchange with the daemon."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeAlias

Sentences: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]
"""Templates in hassil's format, or such templates by language."""
Values: TypeAlias = Sequence[str] | range | Mapping[str, str | int]
"""Values of a {list} in a template: texts, numbers, or the words for each value, with that value."""


@dataclass(frozen=True)
class CommandContext:
    """The turn of a command: who speaks, where, when, and in which language the answer is expected."""

    moment: datetime  # the wall clock, in the time zone of the home
    language: str = "en"  # without a region
    area: str | None = None  # id of the speaker's area
    person: str | None = None  # None for a guest, and for a voice that is not known
    conversation_id: str = ""
    text: str = field(default="", repr=False)  # the sentence; empty for a call by a program
    key: str = ""  # the same for each attempt at one command, so that a service need not execute it twice
    is_confirmed: bool = False  # the person has said yes to the question of this command
    must_stay_home: bool = False  # what is said in this room is sent to no service outside the home


@dataclass(frozen=True)
class HouseReminder:
    """A reminder that the house keeps and speaks on a day, each week on the `days` (Monday is 0) if there are any."""

    text: str = field(repr=False)
    day: date
    days: tuple[int, ...] = ()


@dataclass(frozen=True)
class PluginResult:
    """The result of a command: an answer, or a question before anything was changed.

    After a yes, the intent is executed again, confirmed, with `entities` added to its own. With `options` the reply
    names one of them, and the intent is executed again with the entities of that option, but not confirmed.
    """

    message: str = field(default="", repr=False)
    success: bool = True
    question: str = field(default="", repr=False)
    entities: Mapping[str, Any] = field(default_factory=dict, repr=False)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    declines: bool = False  # the sentence is not about what the plugin knows: a language model may answer instead
    reminder: HouseReminder | None = None  # which the house is to set, instead of an answer


class ParameterType(StrEnum):
    """What a plugin gets: a date as `date`, a time of day as `time`, a duration as `timedelta`."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"


@dataclass(frozen=True)
class ToolParameter:
    """An entity of an intent, described for programs that call it: language models and the bus."""

    description: str
    type: ParameterType = ParameterType.TEXT
    is_required: bool = False
    choices: tuple[str, ...] = ()  # in lower case; empty if any text will do


@dataclass(frozen=True)
class PluginTool:
    """An intent that language models and other programs may call; `changes` if it does more than answer.

    A plugin asks (`PluginResult.question`) before it changes anything.
    """

    intent: str
    description: str
    parameters: Mapping[str, ToolParameter] = field(default_factory=dict)
    changes: bool = False


class IntegrationPlugin(ABC):
    """Integrates a service or device. Runs in a thread with its own event loop.

    Implements `handle_command`, or `execute` where it needs the context of a command.
    """

    name: str = ""  # used in answers; by default that of its folder
    version: str = ""
    is_private: bool = False
    """Whether its answers stay in the home: no model in a cloud reads them unless its settings say `cloud_allowed`."""

    @abstractmethod
    async def initialize(self, config: Mapping[str, Any]) -> None:
        """Connect and prepare. Called again later when it raises."""

    @abstractmethod
    async def get_status(self) -> Mapping[str, Any]:
        """Return `healthy` (true or false) and a `message` when it is false. Called every 30 s."""

    @abstractmethod
    def get_intents(self) -> Sequence[str] | Mapping[str, Sentences]:
        """Return the names of the intents, or the sentences of each. Called once, after `initialize`."""

    async def handle_command(self, intent: str, entities: Mapping[str, Any]) -> Mapping[str, Any]:
        """Execute an intent; return `success` (true or false) and `message`, the sentence to speak."""
        raise NotImplementedError

    async def execute(
        self, intent: str, entities: Mapping[str, Any], context: CommandContext
    ) -> PluginResult | Mapping[str, Any]:
        """Execute an intent of a turn; return a result, or the mapping of `handle_command`."""
        return await self.handle_command(intent, entities)

    async def follow_reminder(self, reminder: HouseReminder, context: CommandContext) -> str:
        """Write down a reminder that the house sets; return the sentence to add to its answer, empty for none."""
        return ""

    def get_lists(self) -> Mapping[str, Values | Mapping[str, Values]]:
        """Return the values of each {list} in the sentences, or those by language; any other {list} matches any words."""
        return {}

    def get_tools(self) -> Sequence[PluginTool]:
        """Return the intents that language models and other programs may call. Called once, after `initialize`."""
        return ()

    async def close(self) -> None:  # noqa: B027 - optional
        """Release the resources of `initialize`."""


def person_settings(config: Mapping[str, Any], person: str | None) -> dict[str, Any]:
    """Return the settings for a person: those of the table `persons.NAME` over the others; without `persons`."""
    persons = config.get("persons", {})
    name = (person or "").casefold()
    own: Mapping[str, Any] = next((table for key, table in persons.items() if key.casefold() == name), {})
    return {**{key: value for key, value in config.items() if key != "persons"}, **own}
