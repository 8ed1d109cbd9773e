"""Interfaces of the intent daemon: recognizer and actor, and the values they exchange."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from wyoming_rosie.errors import RosieError
from wyoming_rosie.home.model import Entity, Home

SlotValue: TypeAlias = str | int | float
SlotAlternatives: TypeAlias = tuple[str, ...]
"""Slot value of an ambiguous word: a target has any one of these."""
EXCEPTION_SLOTS = frozenset({"except_area", "except_floor", "except_name"})
"""Slots that leave out some of the targets."""
TARGET_SLOTS = EXCEPTION_SLOTS | {"name", "area", "floor", "domain", "device_class", "amount"}
"""Slots that select targets, as opposed to those that say what to set."""

OWN_SLOTS = EXCEPTION_SLOTS | {
    "action",
    "amount",
    "arm_mode",
    "brightness_step",
    "humidity_step",
    "hvac_mode",
    "percentage_step",
    "position_step",
    "preset_mode",
    "temperature_step",
}
"""Slots that Home Assistant's intents lack: without them a command would do something else."""
TRIGGER = "trigger"
"""Value of the slot `action` of HassTurnOn that runs an automation, instead of enabling it."""
REMARK = "remark"
"""Question of a match that is a remark on the speaker's room, such as "it's too dark in here"."""


class AreaScope(StrEnum):
    """How a sentence refers to an area."""

    ANYWHERE = "anywhere"  # no area: it names an entity or means the whole home
    NAMED = "said"
    HERE = "here"  # the speaker's area
    UNKNOWN = "unknown"  # the speaker's area, which is not known


@dataclass(frozen=True)
class Match:
    """The meaning of one command or question, in Home Assistant's intents and slots."""

    intent: str
    slots: Mapping[str, SlotValue | SlotAlternatives] = field(default_factory=dict)
    text: str = ""  # the sentence
    domain: str | None = None  # of the targets
    question: str = ""  # of HassGetState: one, one_yesno, any, all, which, how_many; or REMARK
    area_scope: AreaScope = AreaScope.ANYWHERE
    language: str = "en"  # of the sentence and of the answer
    mentioned_area: str | None = None  # named by the sentence, or by an earlier part of it

    @property
    def slot_values(self) -> Mapping[str, SlotValue]:
        """The slots with a single value."""
        return {slot: value for slot, value in self.slots.items() if not isinstance(value, tuple)}

    @property
    def is_remark(self) -> bool:
        return self.question == REMARK

    def slot_text(self, slot: str) -> str | None:
        """Return a slot as text, the first one of several; None without the slot."""
        return next(iter(self.slot_texts(slot)), None)

    def slot_texts(self, slot: str) -> tuple[str, ...]:
        """Return the alternatives of a slot as texts; empty without the slot."""
        value = self.slots.get(slot, ())
        return tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)


@dataclass(frozen=True)
class Command:
    """A match and the entities of this home that it targets."""

    match: Match
    targets: tuple[Entity, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The spoken answer to a command; `done` is False when it was understood but not carried out."""

    text: str
    done: bool = True


@dataclass(frozen=True)
class TargetChoice(Answer):
    """A question which of several targets is meant, and the commands for each reply."""

    options: Mapping[str, tuple[Command, ...]] = field(default_factory=dict)


class UnknownLanguageError(RosieError):
    code = "unknown-language"


class IntentRecognizer(Protocol):
    """Recognizes intents by rules. Runs in a worker thread."""

    @property
    def languages(self) -> Sequence[str]: ...

    def recognize(self, text: str, language: str | None = None, area: str | None = None) -> Match | None:
        """Recognize one command or question, spoken in `area` (id or name). Raises UnknownLanguageError."""
        ...

    def set_home(self, home: Home) -> None:
        """Use another home, or a changed one, from the next sentence on."""
        ...


class Actor(Protocol):
    """Executes commands in a home and answers questions about it."""

    async def act(self, command: Command, now: datetime) -> Answer: ...

    def states(self) -> Mapping[str, Mapping[str, object]]:
        """Return the attributes of each entity by its id; each has `state`."""
        ...


class SatelliteAnnouncer(Protocol):
    """Speaks at the satellites of another conductor."""

    def satellites(self) -> Mapping[str, bool]:
        """Return the ids of the satellites that can be reached, and whether each is idle."""
        ...

    async def announce(self, satellite: str, text: str) -> None:
        """Have a satellite say a text. A failure is logged."""
        ...


class ServedActor(Actor, Protocol):
    """An actor as the daemon runs it. Implementations derive from this class and override its defaults."""

    @property
    def is_simulated(self) -> bool:
        """Whether it controls no real devices."""
        return False

    @property
    def reports_home(self) -> bool:
        """Whether it reports homes through `on_home` of its context; otherwise the home file is the only source."""
        return False

    @property
    def is_remote(self) -> bool:
        """Whether it depends on another program, so that `problem` is part of the daemon's health."""
        return False

    @property
    def problem(self) -> str | None:
        """The reason why it cannot act now, as a sentence; None when it can."""
        return None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await asyncio.Event().wait()

    def set_home(self, home: Home) -> None:
        """Use the home of a changed home file."""
        return

    @property
    def announcer(self) -> SatelliteAnnouncer | None:
        """What speaks at the satellites of its home; None without such."""
        return None

    def get_device_area(self, device: str) -> str | None:
        """Return the id of the area of a Home Assistant device, None when it is unknown."""
        return None


@dataclass(frozen=True)
class ActorContext:
    """Arguments of an actor's `load` beside its settings."""

    home: Home
    on_home: Callable[[Home], None]
    """Called with each changed home by actors that report homes."""
