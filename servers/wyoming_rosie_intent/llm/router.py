"""Router: chooses the tier of a request (local, network or cloud) and falls back to the next when one fails."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

import structlog

from wyoming_rosie.home.model import Area, Home
from wyoming_rosie.runtime.circuit_breaker import CircuitBreaker
from wyoming_rosie_intent.llm import tier_config
from wyoming_rosie_intent.llm.complexity import Complexity, classify
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
    """The properties of a turn that decide on its tiers. Without a known room it is as private as the most private one."""

    complexity: Complexity = Complexity.SIMPLE
    private: bool = True
    always_local: bool = False
    never_cloud: bool = False


def create_request(text: str, home: Home, here: Area | None, *, allow_cloud: bool = True) -> RoutingRequest:
    """Return the request for a sentence that was spoken in an area, by its complexity and the home's preferences."""
    private = home.must_stay_home(here.id if here else None)
    result = classify(text)
    _LOG.debug("request classified", complexity=result.complexity.value, reasons=result.reasons)
    never_cloud = home.preferences.never_cloud or not allow_cloud
    return RoutingRequest(result.complexity, private, home.preferences.always_local, never_cloud)


def order_tiers(request: RoutingRequest) -> tuple[Tier, ...]:
    """Return the tiers that may answer, in order of preference."""
    return tuple(tier for tier in _ORDER[request.complexity] if _is_allowed(tier, request))


def _is_allowed(tier: Tier, request: RoutingRequest) -> bool:
    match tier:
        case Tier.LOCAL:
            return True
        case Tier.NETWORK:
            return not request.always_local
        case Tier.CLOUD:
            return not (request.always_local or request.never_cloud or request.private)


def load(local: TierSettings, network: NetworkSettings, cloud: CloudSettings) -> "TierRouter | None":
    """Return a router of the tiers that have a model, None without any. Slow: imports clients. Raises ConfigError."""
    outside = cloud if cloud.allowed else CloudSettings()
    tiers: dict[Tier, TierSettings] = {Tier.LOCAL: local, Tier.NETWORK: network, Tier.CLOUD: outside}
    loaded = {name: tier_config.load(name, settings) for name, settings in tiers.items()}
    models = {name: model for name, model in loaded.items() if model is not None}
    windows = {name: tier_config.create_context_window(tiers[name]) for name in models}
    return TierRouter(models, context_windows=windows) if models else None


@dataclass(frozen=True)
class _TierState:
    """A tier's model and what is known about it."""

    tier: Tier
    model: ServedModel
    breaker: CircuitBreaker
    reasoning: ReasoningStyle = field(default_factory=ReasoningStyle)
    tool_support: ToolSupport = field(default_factory=ToolSupport)
    calibrate: Callable[[Prompt, int], None] = lambda _prompt, _tokens: None  # by the tokens of a prompt


class TierRouter:
    """Routes the requests of all turns to the models of the tiers."""

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
        """The smallest context window of all tiers: a prompt is the same for whichever tier answers."""
        return min(self._context_windows.values(), key=lambda window: window.prompt, default=ContextWindow())

    def route(self, request: RoutingRequest) -> "TierAttempt":
        """Return the model of one turn."""
        return TierAttempt([self._tiers[name] for name in order_tiers(request) if name in self._tiers], self._clock)

    def find_tier(self, request: RoutingRequest) -> Tier | None:
        """Return the tier that the request would be sent to now."""
        now = self._clock()
        return next(
            (
                name
                for name in order_tiers(request)
                if name in self._tiers and self._tiers[name].breaker.allows_attempt(now)
            ),
            None,
        )

    @property
    def problem(self) -> str | None:
        """The reason why no language model answers, as far as the last attempts tell; None while one may."""
        if not all(state.breaker.has_failed for state in self._tiers.values()):
            return None
        return f"no language model answers: {', '.join(state.model.name for state in self._tiers.values())}"

    async def warm_up(self, prompt: Prompt, request: RoutingRequest) -> Tier | None:
        """Warm up the tier that the request would be sent to; return it. Raises ModelError.

        The cloud is never warmed up: nothing leaves the home, or costs money, before a person has spoken.
        """
        name = self.find_tier(request)
        if name is None or name is Tier.CLOUD:
            return None
        state = self._tiers[name]
        try:
            await _warm_up(state, prompt)
        except ModelOutputError:
            raise
        except ModelError:
            state.breaker.record_failure(self._clock())
            raise
        state.breaker.record_success()
        return name

    async def complete(self, prompt: Prompt, request: RoutingRequest) -> str:
        """Return the whole answer to a prompt that nobody waits for. Raises ModelError.

        The cloud is never asked: nothing leaves the home, or costs money, without a person who asks. A failure says nothing
        about the models that turns ask, since this prompt may be too much for them.
        """
        name = self.find_tier(replace(request, private=True))
        if name is None:
            raise ModelError("no language model of the home can be asked")
        return await self._tiers[name].model.complete(prompt)

    async def close(self) -> None:
        """Close all connections."""
        for state in self._tiers.values():
            await state.model.close()


class TierAttempt:
    """The tiers of one turn: one whose server failed is not asked again, the one that answered first stays."""

    def __init__(self, states: list[_TierState], clock: Clock) -> None:
        self._tiers = states
        self._clock = clock
        self._active: _TierState | None = None
        self._retried: list[_TierState] = []  # asked a second time after unreadable output
        self._errors: list[ModelError] = []

    @property
    def tier(self) -> Tier | None:
        """The tier that answers or is asked next."""
        return self._tiers[0].tier if self._tiers else None

    def keep_private(self) -> bool:
        """Ask no cloud from now on; return False if one answers already."""
        if self.tier is Tier.CLOUD:
            return False
        self._tiers = [state for state in self._tiers if state.tier is not Tier.CLOUD]
        return True

    async def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]:
        """Yield the answer of one round: tool calls at its end, then `StreamEnd`. Raises ModelError when no tier is left.

        That is a ModelTimeoutError when one timed out, a ModelOutputError when all wrote unreadable output. `Restarted`
        voids the text so far. Closing the generator stops the model.
        """
        has_text = is_void = False
        while (state := self._next_tier()) is not None:
            allowed = prompt.without_private() if state.tier is Tier.CLOUD else prompt
            async with aclosing(_monitor(state, allowed, self._clock)) as events:
                try:
                    async for event in events:
                        if is_void:
                            yield Restarted()
                            has_text = is_void = False
                        self._active = state
                        has_text = has_text or isinstance(event, TextDelta)
                        yield event
                except ModelError as err:
                    is_void = has_text
                    self._on_failure(state, err)
                else:
                    return
        raise _error_type(self._errors)("no language model answers at the moment")

    def _on_failure(self, state: _TierState, error: ModelError) -> None:
        """Go on to the next tier; after unreadable output try the same one once more."""
        _LOG.warning("model failed", tier=state.tier, reason=str(error))
        self._errors.append(error)
        if isinstance(error, ModelOutputError) and state not in self._retried:
            self._retried.append(state)
            return
        self._tiers.remove(state)

    def _next_tier(self) -> _TierState | None:
        """Return the tier to ask; those before it with an open breaker are skipped for the whole turn."""
        now = self._clock()
        while self._tiers and self._tiers[0] is not self._active and not self._tiers[0].breaker.allows_attempt(now):
            self._tiers.pop(0)
        return self._tiers[0] if self._tiers else None


def _error_type(errors: list[ModelError]) -> type[ModelError]:
    """Return the kind of failure that the person is told of."""
    if any(isinstance(error, ModelTimeoutError) for error in errors):
        return ModelTimeoutError
    return ModelOutputError if errors and all(isinstance(error, ModelOutputError) for error in errors) else ModelError


async def _warm_up(state: _TierState, prompt: Prompt) -> None:
    """Have a model read the prompt in the form in which it will be sent."""
    adapted = state.tool_support.adapt_prompt(prompt)
    try:
        counted = await state.model.warm_up(adapted)
    except ToolsUnsupportedError as err:
        state.tool_support.on_refused(str(err))
        adapted = state.tool_support.adapt_prompt(prompt)
        counted = await state.model.warm_up(adapted)
    if counted is not None:
        state.calibrate(adapted, counted)


async def _monitor(state: _TierState, prompt: Prompt, clock: Clock) -> AsyncGenerator[ModelEvent | Restarted, None]:
    """Yield a model's answer and record its server's success or failure in the breaker."""
    is_trial = state.breaker.start_attempt()
    try:
        async with aclosing(_answer_with_tool_fallback(state, prompt)) as events:
            async for event in events:
                if isinstance(event, StreamEnd):
                    state.breaker.record_success()
                yield event
    except ModelOutputError:
        raise  # unreadable output says nothing about the server
    except ModelError:
        state.breaker.record_failure(clock())
        raise
    finally:
        state.breaker.end_attempt(is_trial)


async def _answer_with_tool_fallback(state: _TierState, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]:
    """Yield a model's answer; ask again without tools when the model does not support them."""
    try:
        async with aclosing(_defer_tool_calls(state, state.tool_support.adapt_prompt(prompt))) as events:
            async for event in events:
                yield event
    except ToolsUnsupportedError as err:
        state.tool_support.on_refused(str(err))
        async with aclosing(_defer_tool_calls(state, state.tool_support.adapt_prompt(prompt))) as events:
            async for event in events:
                yield event


async def _defer_tool_calls(state: _TierState, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]:
    """Yield the answer with its tool calls at the end, so that no tool is called for an answer that breaks off."""
    calls: list[ToolCall] = []
    events: AsyncGenerator[ModelEvent | Restarted, None] = filter_output(
        state.model.answer(prompt), [tool.name for tool in prompt.tools], state.reasoning
    )
    async with aclosing(extract_commands(events) if state.tool_support.are_refused else events) as source:
        async for event in source:
            match event:
                case ToolCall():
                    calls.append(event)
                case TextDelta() | Restarted():
                    yield event
                case StreamEnd():
                    if event.prompt_tokens is not None:
                        state.calibrate(prompt, event.prompt_tokens)
                    for call in calls:
                        yield call
                    yield event
                    return
    raise ModelError(f"{state.model.name}: the answer broke off before its end")
