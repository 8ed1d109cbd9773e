"""Which model answers: local, network or cloud, and the next one when it fails."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import structlog

from wyoming_rosie_intent.llm import tier_config
from wyoming_rosie_intent.llm.circuit_breaker import Breaker
from wyoming_rosie_intent.llm.complexity import Complexity
from wyoming_rosie_intent.llm.context_budget import Room
from wyoming_rosie_intent.llm.model import (
    Again,
    Done,
    LateError,
    ModelError,
    NoToolsError,
    OutputError,
    Piece,
    Prompt,
    Text,
    ToolCall,
)
from wyoming_rosie_intent.llm.output_filter import Habit, heard
from wyoming_rosie_intent.llm.textual_tools import ToolUse, with_commands
from wyoming_rosie_intent.llm.tier_config import CloudSettings, NetworkSettings, ServedModel, TierSettings

_LOG = structlog.get_logger()
Clock: TypeAlias = Callable[[], float]


class Tier(StrEnum):
    LOCAL = "local"
    NETWORK = "network"
    CLOUD = "cloud"


_ORDER = {
    Complexity.SIMPLE: (Tier.LOCAL, Tier.NETWORK, Tier.CLOUD),
    Complexity.MEDIUM: (Tier.NETWORK, Tier.LOCAL, Tier.CLOUD),
    Complexity.COMPLEX: (Tier.CLOUD, Tier.NETWORK, Tier.LOCAL),
}


@dataclass(frozen=True)
class Wish:
    """What a turn asks for. Without a known room it is as private as the most private one."""

    complexity: Complexity = Complexity.SIMPLE
    private: bool = True
    always_local: bool = False
    never_cloud: bool = False


def order(wish: Wish) -> tuple[Tier, ...]:
    """Return the tiers that may answer, the best first."""
    return tuple(tier for tier in _ORDER[wish.complexity] if _may(tier, wish))


def _may(tier: Tier, wish: Wish) -> bool:
    match tier:
        case Tier.LOCAL:
            return True
        case Tier.NETWORK:
            return not wish.always_local
        case Tier.CLOUD:
            return not (wish.always_local or wish.never_cloud or wish.private)


def load(local: TierSettings, network: NetworkSettings, cloud: CloudSettings) -> "Tiers | None":
    """Return the tiers that have a model, None when none has. Slow: imports clients. Raises ConfigError."""
    outside = cloud if cloud.allowed else CloudSettings()
    given: dict[Tier, TierSettings] = {Tier.LOCAL: local, Tier.NETWORK: network, Tier.CLOUD: outside}
    loaded = {name: tier_config.load(name, settings) for name, settings in given.items()}
    models = {name: model for name, model in loaded.items() if model is not None}
    rooms = {name: tier_config.room(given[name]) for name in models}
    return Tiers(models, rooms=rooms) if models else None


@dataclass(frozen=True)
class _Seat:
    """A tier's model and how it has done lately."""

    tier: Tier
    model: ServedModel
    breaker: Breaker
    habit: Habit = field(default_factory=Habit)
    tools: ToolUse = field(default_factory=ToolUse)
    learn: Callable[[Prompt, int], None] = lambda _prompt, _tokens: None  # of how many tokens a prompt has


class Tiers:
    """The models of all tiers, which all turns share."""

    def __init__(
        self, models: Mapping[Tier, ServedModel], clock: Clock | None = None, rooms: Mapping[Tier, Room] | None = None
    ) -> None:
        self._rooms = rooms or {}
        self._seats = {
            name: _Seat(name, model, Breaker(), learn=self._rooms.get(name, Room()).counter.learn)
            for name, model in models.items()
        }
        self._clock = clock or (lambda: asyncio.get_running_loop().time())

    @property
    def room(self) -> Room:
        """What every prompt has to fit into: the smallest context of all, as whichever tier is asked reads the same."""
        return min(self._rooms.values(), key=lambda room: room.prompt, default=Room())

    def attempt(self, wish: Wish) -> "Attempt":
        """Begin a turn."""
        return Attempt([self._seats[name] for name in order(wish) if name in self._seats], self._clock)

    def first(self, wish: Wish) -> Tier | None:
        """Return the tier that would be asked now."""
        now = self._clock()
        return next(
            (name for name in order(wish) if name in self._seats and self._seats[name].breaker.allows(now)), None
        )

    async def warm(self, prompt: Prompt, wish: Wish) -> Tier | None:
        """Have the tier that would be asked read the prompt; return it. Raises ModelError.

        The cloud is never warmed: nothing leaves the home, or costs, before somebody has said something.
        """
        name = self.first(wish)
        if name is None or name is Tier.CLOUD:
            return None
        seat = self._seats[name]
        try:
            await _warmed(seat, prompt)
        except OutputError:
            raise
        except ModelError:
            seat.breaker.failed(self._clock())
            raise
        seat.breaker.succeeded()
        return name

    async def close(self) -> None:
        """Let go of all connections."""
        for seat in self._seats.values():
            await seat.model.close()


class Attempt:
    """One turn's way through the tiers: none is asked again whose server failed, the one that answers is kept."""

    def __init__(self, seats: list[_Seat], clock: Clock) -> None:
        self._seats = seats
        self._clock = clock
        self._kept: _Seat | None = None
        self._unread: list[_Seat] = []  # those whose output could not be read; they are asked twice
        self._reasons: list[ModelError] = []

    @property
    def tier(self) -> Tier | None:
        """The tier that answers, or is asked next."""
        return self._seats[0].tier if self._seats else None

    async def answer(self, prompt: Prompt) -> AsyncGenerator[Piece | Again, None]:
        """Yield one round's answer: its tool calls when it is whole, `Done` last. Raises ModelError when no tier is left.

        It is LateError when one was late, OutputError when what they wrote could not be read. `Again` makes void what
        was said so far. Closing the generator stops the model.
        """
        said = is_void = False
        while (seat := self._next()) is not None:
            async with aclosing(_watched(seat, prompt, self._clock)) as pieces:
                try:
                    async for piece in pieces:
                        if is_void:
                            yield Again()
                            said = is_void = False
                        self._kept = seat
                        said = said or isinstance(piece, Text)
                        yield piece
                except ModelError as err:
                    is_void = said
                    self._give_up(seat, err)
                else:
                    return
        raise _reason(self._reasons)("no language model answers at the moment")

    def _give_up(self, seat: _Seat, error: ModelError) -> None:
        """Ask the next tier; the same one again, once, when only what its model wrote was at fault."""
        _LOG.warning("a model failed", tier=seat.tier, reason=str(error))
        self._reasons.append(error)
        if isinstance(error, OutputError) and seat not in self._unread:
            self._unread.append(seat)
            return
        self._seats.remove(seat)

    def _next(self) -> _Seat | None:
        """Return the seat that answers; those before it that are left alone for now are so for the whole turn."""
        now = self._clock()
        while self._seats and self._seats[0] is not self._kept and not self._seats[0].breaker.allows(now):
            self._seats.pop(0)
        return self._seats[0] if self._seats else None


def _reason(errors: list[ModelError]) -> type[ModelError]:
    """Return what kind of failure a person is told of."""
    if any(isinstance(error, LateError) for error in errors):
        return LateError
    return OutputError if errors and all(isinstance(error, OutputError) for error in errors) else ModelError


async def _warmed(seat: _Seat, prompt: Prompt) -> None:
    """Have a model read the prompt as it will be asked."""
    given = seat.tools.of(prompt)
    try:
        counted = await seat.model.warm(given)
    except NoToolsError as err:
        seat.tools.refused(str(err))
        given = seat.tools.of(prompt)
        counted = await seat.model.warm(given)
    if counted is not None:
        seat.learn(given, counted)


async def _watched(seat: _Seat, prompt: Prompt, clock: Clock) -> AsyncGenerator[Piece | Again, None]:
    """Yield a model's answer and tell the breaker how its server did."""
    is_trial = seat.breaker.begin()
    try:
        async with aclosing(_with_tools_or_without(seat, prompt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Done):
                    seat.breaker.succeeded()
                yield piece
    except OutputError:
        raise  # what one turn made of a model says nothing about the next turn's
    except ModelError:
        seat.breaker.failed(clock())
        raise
    finally:
        seat.breaker.ended(is_trial)


async def _with_tools_or_without(seat: _Seat, prompt: Prompt) -> AsyncGenerator[Piece | Again, None]:
    """Yield a model's answer; one that takes no tools is asked again at once."""
    try:
        async with aclosing(_calls_last(seat, seat.tools.of(prompt))) as pieces:
            async for piece in pieces:
                yield piece
    except NoToolsError as err:
        seat.tools.refused(str(err))
        async with aclosing(_calls_last(seat, seat.tools.of(prompt))) as pieces:
            async for piece in pieces:
                yield piece


async def _calls_last(seat: _Seat, prompt: Prompt) -> AsyncGenerator[Piece | Again, None]:
    """Yield the answer with its tool calls at the end, so that nothing is done for an answer that breaks off."""
    calls: list[ToolCall] = []
    pieces: AsyncGenerator[Piece | Again, None] = heard(
        seat.model.answer(prompt), [tool.name for tool in prompt.tools], seat.habit
    )
    async with aclosing(with_commands(pieces) if seat.tools.are_refused else pieces) as given:
        async for piece in given:
            match piece:
                case ToolCall():
                    calls.append(piece)
                case Text() | Again():
                    yield piece
                case Done():
                    if piece.prompt_tokens is not None:
                        seat.learn(prompt, piece.prompt_tokens)
                    for call in calls:
                        yield call
                    yield piece
                    return
    raise ModelError(f"{seat.model.name}: the answer broke off before its end")
