"""Which model answers: local, network or cloud, and the next one when it fails."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import structlog

from wyoming_rosie_intent.llm import tier_config
from wyoming_rosie_intent.llm.circuit_breaker import CircuitBreaker
from wyoming_rosie_intent.llm.complexity import Complexity
from wyoming_rosie_intent.llm.model import (
    ModelError,
    ModelEvent,
    ModelOutputError,
    ModelTimeoutError,
    Prompt,
    Restarted,
    StreamEnd,
    TextDelta,
    ToolCall,
    ToolsUnsupportedError,
)
from wyoming_rosie_intent.llm.output.output_filter import ReasoningStyle, filter_output
from wyoming_rosie_intent.llm.output.textual_commands import ToolSupport, extract_commands
from wyoming_rosie_intent.llm.prompts.context_window import ContextWindow
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
class RoutingRequest:
    """What a turn asks for. Without a known room it is as private as the most private one."""

    complexity: Complexity = Complexity.SIMPLE
    private: bool = True
    always_local: bool = False
    never_cloud: bool = False


def order_tiers(wish: RoutingRequest) -> tuple[Tier, ...]:
    """Return the tiers that may answer, the best first."""
    return tuple(tier for tier in _ORDER[wish.complexity] if _is_allowed(tier, wish))


def _is_allowed(tier: Tier, wish: RoutingRequest) -> bool:
    match tier:
        case Tier.LOCAL:
            return True
        case Tier.NETWORK:
            return not wish.always_local
        case Tier.CLOUD:
            return not (wish.always_local or wish.never_cloud or wish.private)


def load(local: TierSettings, network: NetworkSettings, cloud: CloudSettings) -> "TierRouter | None":
    """Return the tiers that have a model, None when none has. Slow: imports clients. Raises ConfigError."""
    outside = cloud if cloud.allowed else CloudSettings()
    given: dict[Tier, TierSettings] = {Tier.LOCAL: local, Tier.NETWORK: network, Tier.CLOUD: outside}
    loaded = {name: tier_config.load(name, settings) for name, settings in given.items()}
    models = {name: model for name, model in loaded.items() if model is not None}
    rooms = {name: tier_config.create_context_window(given[name]) for name in models}
    return TierRouter(models, context_windows=rooms) if models else None


@dataclass(frozen=True)
class _TierState:
    """A tier's model and how it has done lately."""

    tier: Tier
    model: ServedModel
    breaker: CircuitBreaker
    reasoning: ReasoningStyle = field(default_factory=ReasoningStyle)
    tool_support: ToolSupport = field(default_factory=ToolSupport)
    calibrate: Callable[[Prompt, int], None] = lambda _prompt, _tokens: None  # of how many tokens a prompt has


class TierRouter:
    """The models of all tiers, which all turns share."""

    def __init__(
        self,
        models: Mapping[Tier, ServedModel],
        clock: Clock | None = None,
        context_windows: Mapping[Tier, ContextWindow] | None = None,
    ) -> None:
        self._context_windows = context_windows or {}
        self._tiers = {
            name: _TierState(
                name,
                model,
                CircuitBreaker(),
                calibrate=self._context_windows.get(name, ContextWindow()).counter.calibrate,
            )
            for name, model in models.items()
        }
        self._clock = clock or (lambda: asyncio.get_running_loop().time())

    @property
    def context_window(self) -> ContextWindow:
        """What every prompt has to fit into: the smallest context of all, as whichever tier is asked reads the same."""
        return min(self._context_windows.values(), key=lambda room: room.prompt, default=ContextWindow())

    def route(self, wish: RoutingRequest) -> "TierAttempt":
        """Begin a turn."""
        return TierAttempt([self._tiers[name] for name in order_tiers(wish) if name in self._tiers], self._clock)

    def find_tier(self, wish: RoutingRequest) -> Tier | None:
        """Return the tier that would be asked now."""
        now = self._clock()
        return next(
            (
                name
                for name in order_tiers(wish)
                if name in self._tiers and self._tiers[name].breaker.allows_attempt(now)
            ),
            None,
        )

    async def warm_up(self, prompt: Prompt, wish: RoutingRequest) -> Tier | None:
        """Have the tier that would be asked read the prompt; return it. Raises ModelError.

        The cloud is never warmed: nothing leaves the home, or costs, before somebody has said something.
        """
        name = self.find_tier(wish)
        if name is None or name is Tier.CLOUD:
            return None
        seat = self._tiers[name]
        try:
            await _warm_up(seat, prompt)
        except ModelOutputError:
            raise
        except ModelError:
            seat.breaker.record_failure(self._clock())
            raise
        seat.breaker.record_success()
        return name

    async def close(self) -> None:
        """Let go of all connections."""
        for seat in self._tiers.values():
            await seat.model.close()


class TierAttempt:
    """One turn's way through the tiers: none is asked again whose server failed, the one that answers is kept."""

    def __init__(self, seats: list[_TierState], clock: Clock) -> None:
        self._tiers = seats
        self._clock = clock
        self._active: _TierState | None = None
        self._retried: list[_TierState] = []  # those whose output could not be read; they are asked twice
        self._errors: list[ModelError] = []

    @property
    def tier(self) -> Tier | None:
        """The tier that answers, or is asked next."""
        return self._tiers[0].tier if self._tiers else None

    async def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]:
        """Yield one round's answer: its tool calls when it is whole, `Done` last. Raises ModelError when no tier is left.

        It is LateError when one was late, OutputError when what they wrote could not be read. `Again` makes void what
        was said so far. Closing the generator stops the model.
        """
        said = is_void = False
        while (seat := self._next_tier()) is not None:
            async with aclosing(_monitor(seat, prompt, self._clock)) as pieces:
                try:
                    async for piece in pieces:
                        if is_void:
                            yield Restarted()
                            said = is_void = False
                        self._active = seat
                        said = said or isinstance(piece, TextDelta)
                        yield piece
                except ModelError as err:
                    is_void = said
                    self._on_failure(seat, err)
                else:
                    return
        raise _error_type(self._errors)("no language model answers at the moment")

    def _on_failure(self, seat: _TierState, error: ModelError) -> None:
        """Ask the next tier; the same one again, once, when only what its model wrote was at fault."""
        _LOG.warning("a model failed", tier=seat.tier, reason=str(error))
        self._errors.append(error)
        if isinstance(error, ModelOutputError) and seat not in self._retried:
            self._retried.append(seat)
            return
        self._tiers.remove(seat)

    def _next_tier(self) -> _TierState | None:
        """Return the seat that answers; those before it that are left alone for now are so for the whole turn."""
        now = self._clock()
        while self._tiers and self._tiers[0] is not self._active and not self._tiers[0].breaker.allows_attempt(now):
            self._tiers.pop(0)
        return self._tiers[0] if self._tiers else None


def _error_type(errors: list[ModelError]) -> type[ModelError]:
    """Return what kind of failure a person is told of."""
    if any(isinstance(error, ModelTimeoutError) for error in errors):
        return ModelTimeoutError
    return ModelOutputError if errors and all(isinstance(error, ModelOutputError) for error in errors) else ModelError


async def _warm_up(seat: _TierState, prompt: Prompt) -> None:
    """Have a model read the prompt as it will be asked."""
    given = seat.tool_support.adapt_prompt(prompt)
    try:
        counted = await seat.model.warm_up(given)
    except ToolsUnsupportedError as err:
        seat.tool_support.on_refused(str(err))
        given = seat.tool_support.adapt_prompt(prompt)
        counted = await seat.model.warm_up(given)
    if counted is not None:
        seat.calibrate(given, counted)


async def _monitor(seat: _TierState, prompt: Prompt, clock: Clock) -> AsyncGenerator[ModelEvent | Restarted, None]:
    """Yield a model's answer and tell the breaker how its server did."""
    is_trial = seat.breaker.start_attempt()
    try:
        async with aclosing(_answer_with_tool_fallback(seat, prompt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, StreamEnd):
                    seat.breaker.record_success()
                yield piece
    except ModelOutputError:
        raise  # what one turn made of a model says nothing about the next turn's
    except ModelError:
        seat.breaker.record_failure(clock())
        raise
    finally:
        seat.breaker.end_attempt(is_trial)


async def _answer_with_tool_fallback(seat: _TierState, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]:
    """Yield a model's answer; one that takes no tools is asked again at once."""
    try:
        async with aclosing(_defer_tool_calls(seat, seat.tool_support.adapt_prompt(prompt))) as pieces:
            async for piece in pieces:
                yield piece
    except ToolsUnsupportedError as err:
        seat.tool_support.on_refused(str(err))
        async with aclosing(_defer_tool_calls(seat, seat.tool_support.adapt_prompt(prompt))) as pieces:
            async for piece in pieces:
                yield piece


async def _defer_tool_calls(seat: _TierState, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]:
    """Yield the answer with its tool calls at the end, so that nothing is done for an answer that breaks off."""
    calls: list[ToolCall] = []
    pieces: AsyncGenerator[ModelEvent | Restarted, None] = filter_output(
        seat.model.answer(prompt), [tool.name for tool in prompt.tools], seat.reasoning
    )
    async with aclosing(extract_commands(pieces) if seat.tool_support.are_refused else pieces) as given:
        async for piece in given:
            match piece:
                case ToolCall():
                    calls.append(piece)
                case TextDelta() | Restarted():
                    yield piece
                case StreamEnd():
                    if piece.prompt_tokens is not None:
                        seat.calibrate(prompt, piece.prompt_tokens)
                    for call in calls:
                        yield call
                    yield piece
                    return
    raise ModelError(f"{seat.model.name}: the answer broke off before its end")
