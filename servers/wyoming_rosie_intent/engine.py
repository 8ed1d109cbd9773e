"""What understanding and acting must offer; the conversation knows no more than this."""

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
"""The value of a slot whose word stands for several kinds of things."""
TARGET_SLOTS = frozenset({"name", "area", "floor", "domain", "device_class"})
"""Slots that say which things are meant."""


class AreaScope(StrEnum):
    """How a sentence says which area it is about."""

    ANYWHERE = "anywhere"  # about no area: it names a thing, or means the whole home
    SAID = "said"
    HERE = "here"  # the area that the speaker is in
    UNKNOWN = "unknown"  # it means the speaker's area, which nobody knows


@dataclass(frozen=True)
class Match:
    """What a sentence means, in Home Assistant's names for intents and slots."""

    intent: str
    slots: Mapping[str, SlotValue | SlotAlternatives] = field(default_factory=dict)
    text: str = ""  # the sentence, as it was said
    domain: str | None = None  # of the things it is about
    question: str = ""  # of HassGetState: one, one_yesno, any, all, which, how_many
    area_scope: AreaScope = AreaScope.ANYWHERE
    language: str = "en"  # that it was said in, and is to be answered in
    mentioned_area: str | None = None  # the area that it names, or else an earlier part of the same sentence

    @property
    def slot_values(self) -> Mapping[str, SlotValue]:
        """The slots that have one value."""
        return {slot: value for slot, value in self.slots.items() if not isinstance(value, tuple)}

    def slot_text(self, slot: str) -> str | None:
        """Return the slot as text, or None; of several texts the first."""
        return next(iter(self.slot_texts(slot)), None)

    def slot_texts(self, slot: str) -> tuple[str, ...]:
        """Return the texts of which a thing is to have one; none where nothing is said."""
        value = self.slots.get(slot, ())
        return tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)


@dataclass(frozen=True)
class Command:
    """A sentence's meaning and the things in this home that it is about."""

    match: Match
    targets: tuple[Entity, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What to say about a command; `done` is False when it was understood but cannot be."""

    text: str
    done: bool = True


@dataclass(frozen=True)
class TargetChoice(Answer):
    """A question which of several things is meant."""

    options: tuple[Entity, ...] = ()


class UnknownLanguageError(RosieError):
    code = "unknown-language"


class IntentRecognizer(Protocol):
    """Understands sentences by rules. Runs in a worker thread."""

    @property
    def languages(self) -> Sequence[str]: ...

    def recognize(self, text: str, language: str | None = None, area: str | None = None) -> Match | None:
        """Return what one command or question means, said in `area` (its id or name). Raises UnknownLanguageError."""
        ...

    def set_home(self, home: Home) -> None:
        """Speak about another home from the next sentence on, or about this one as it has become."""
        ...


class Actor(Protocol):
    """Acts on the home and answers questions about it."""

    async def act(self, command: Command, now: datetime) -> Answer: ...

    def states(self) -> Mapping[str, Mapping[str, object]]:
        """Return what is known of each entity, by its id; `state` is always there."""
        ...


class ServedActor(Actor, Protocol):
    """An actor as the daemon runs it. A new one derives from this class and overrides what it does otherwise."""

    @property
    def is_simulated(self) -> bool:
        """Whether nothing real moves."""
        return False

    @property
    def reports_home(self) -> bool:
        """Whether it calls `on_home` of its context itself, instead of the home being read from the file alone."""
        return False

    @property
    def is_remote(self) -> bool:
        """Whether it depends on another program, so that `problem` belongs into the daemon's health."""
        return False

    @property
    def problem(self) -> str | None:
        """The sentence that says why it cannot act now; None when it can."""
        return None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await asyncio.Event().wait()

    def set_home(self, home: Home) -> None:
        """Act on a home whose file has changed."""
        return

    def get_device_area(self, device: str) -> str | None:
        """Return the id of the area of a Home Assistant device, None when it is unknown."""
        return None


@dataclass(frozen=True)
class ActorContext:
    """What an actor's `load` gets beside its settings."""

    home: Home
    on_home: Callable[[Home], None]
    """Called with the home whenever an actor that reports it finds another one."""
