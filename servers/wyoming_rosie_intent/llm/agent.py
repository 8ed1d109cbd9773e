"""What the daemon does beyond rules: a model that was warmed at the wake word answers, with tools, clause by clause."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from traceback import walk_tb
from typing import Protocol

import structlog

from wyoming_rosie.home.model import Area
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm import messages
from wyoming_rosie_intent.llm.complexity import classify
from wyoming_rosie_intent.llm.events import Asked, Failed, Filler, Finished, Part, Passed
from wyoming_rosie_intent.llm.filler import FillerGenerator, FirstTokenLatency, is_command
from wyoming_rosie_intent.llm.model import (
    ChatMessage,
    ChatRole,
    ModelError,
    ModelOutputError,
    ModelTimeoutError,
    Prompt,
    Tool,
    ToolCall,
)
from wyoming_rosie_intent.llm.output import language_markers
from wyoming_rosie_intent.llm.output.action_claims import ClaimChecker
from wyoming_rosie_intent.llm.prompts import snapshots
from wyoming_rosie_intent.llm.prompts.context_window import SENTENCE_TOKENS, ResultBudget
from wyoming_rosie_intent.llm.prompts.history import ConversationHistory
from wyoming_rosie_intent.llm.prompts.prompt import PromptContext, PromptTemplates, escape_tokens, quote
from wyoming_rosie_intent.llm.prompts.snapshots import PromptSnapshots
from wyoming_rosie_intent.llm.prompts.warmer import PromptWarmer
from wyoming_rosie_intent.llm.router import RoutingRequest
from wyoming_rosie_intent.llm.tool_loop import ChatModel, ToolLoop
from wyoming_rosie_intent.llm.toolset import ToolContext, ToolOutcome, ToolResult, Toolset

_LOG = structlog.get_logger()
TOTAL_SECONDS = 60.0
SILENCE_SECONDS = 15.0
"""Until something of the answer is heard, whatever the tiers and tools do; a conductor waits little longer."""
MOST_USED = 32
"""Things that are told because they were used, if only once."""
MOST_WAITING = 16
"""Parts that nobody has taken yet; then the model waits."""


@dataclass(frozen=True)
class Request:
    """What somebody said to the model, where, and in which conversation and turn."""

    text: str = field(repr=False)
    conversation_id: str
    language: str | None = None
    area: str | None = None  # id or name
    turn_id: str | None = None
    speaker: str | None = None
    continues: bool = False  # they want the rest of the last answer


class RoutedChatModel(ChatModel, Protocol):
    @property
    def tier(self) -> str | None: ...


class ModelRouter(Protocol):
    """All that answers: see `tiers.Tiers`."""

    def route(self, wish: RoutingRequest) -> RoutedChatModel: ...

    async def warm_up(self, prompt: Prompt, wish: RoutingRequest) -> object: ...


class LlmAgent:
    """All conversations of one household with its models."""

    def __init__(
        self,
        router: ModelRouter,
        household: ActionExecutor,
        prompts: PromptTemplates,
        toolsets: Sequence[Toolset],
        fillers: FillerGenerator | None = None,
        history: ConversationHistory | None = None,
        total_seconds: float = TOTAL_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        commands: Toolset | None = None,
    ) -> None:
        self._router = router
        self._household = household
        self._prompts = prompts
        self._toolset = CombinedToolset(toolsets, commands)
        self._fillers = fillers
        self._history = history or ConversationHistory(count=prompts.context_window.count_tokens)
        self._total_seconds = total_seconds
        self._silence_seconds = min(silence_seconds, total_seconds)
        self._snapshots = PromptSnapshots()
        self._warmer = PromptWarmer(router.warm_up)
        self._used_entities: dict[str, None] = {}  # ids of things, the last used last
        self._latency = FirstTokenLatency()
        self._last_conversation: dict[str | None, str] = {}  # the conversation that was last held in an area

    def warm_up(self, moment: datetime, now: float) -> None:
        """Have the model loaded, and what is the same in all prompts read, before anybody speaks.

        A server that tells how many tokens it has read may leave room for more of the home: then that is read at once.
        """
        written = self._render_prompt(None, None, moment, now)
        self._warmer.start(
            written, self._create_routing_request("", None), now, lambda: self._render_prompt(None, None, moment, now)
        )

    def prepare_turn(
        self, turn_id: str, area: str | None, conversation: str | None, moment: datetime, now: float
    ) -> None:
        """Keep the prompt as it is now, at the wake word, and have a model read it while the person speaks.

        Without a conversation it is the one that was last held in the area, or in no known one.
        """
        here = self._find_area(area)
        key = here.id if here else None
        talk = conversation or self._last_conversation.get(key) or self._last_conversation.get(None)
        prompt = self._render_prompt(here, talk, moment, now)
        self._snapshots.add(turn_id, key, prompt, now)
        self._warmer.start(prompt, self._create_routing_request("", here), now)

    def record_turn(
        self,
        conversation: str,
        said: str,
        answered: str,
        now: float,
        matches: Sequence[Match] = (),
        area: str | None = None,
    ) -> None:
        """Remember what rules did, so that the model's next turn knows it."""
        self._record_conversation(conversation, self._find_area(area))
        self._record_entities(matches)
        known = {tool.name for tool in self._toolset.list_tools()}
        calls = [
            ToolCall(f"rule{number}", match.intent, dict(match.slots))
            for number, match in enumerate(matches)
            if match.intent in known
        ]
        called = (ChatMessage(ChatRole.ASSISTANT, calls=tuple(calls)),) if calls else ()
        results = (ChatMessage(ChatRole.TOOL, answered, tool_call=call) for call in calls)
        exchange = (
            ChatMessage(ChatRole.USER, escape_tokens(said)),
            *called,
            *results,
            ChatMessage(ChatRole.ASSISTANT, answered),
        )
        self._history.add(conversation, exchange, now)

    async def answer(self, request: Request, moment: datetime, now: float) -> AsyncGenerator[Part, None]:
        """Yield the answer as it comes; closing the generator stops the model. `moment` is the wall clock.

        The last part is one of Finished, Asked, Passed and Failed.
        """
        turn = self._create_turn(request, moment, now)
        tasks = [asyncio.create_task(one) for one in self._create_jobs(turn)]
        try:
            while True:
                part = await turn.parts.get()
                yield part
                if isinstance(part, (Finished, Asked, Passed, Failed)):
                    return
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._record_entities(turn.tool_loop.matches)
            if turn.tool_loop.has_acted:
                turn.remember(self._history)

    async def close(self) -> None:
        await self._warmer.close()

    def _create_turn(self, request: Request, moment: datetime, now: float) -> "_AgentTurn":
        here = self._find_area(request.area)
        self._record_conversation(request.conversation_id, here)
        prompt, is_warm = self._take_prompt(request, here, moment, now)
        sentence = (
            self._prompts.render_go_on()
            if request.continues
            else ChatMessage(ChatRole.USER, escape_tokens(request.text))
        )
        wish = self._create_routing_request(request.text, here)
        attempt = self._router.route(wish)
        language = request.language or self._household.home.preferences.language or "en"
        own = messages.get_messages(language)
        setting = ToolContext(here, moment, request.speaker, language, request.text)
        asked = self._fit_prompt(prompt.append(sentence))
        allowance, household = self._create_result_budget(sentence), self._household

        def witness() -> ClaimChecker:
            return ClaimChecker(request.text, language_markers.load_markers(language), household.home, household.states)

        reply = ToolLoop(attempt, asked, self._toolset, setting, own, self._prompts.render_not_done, witness, allowance)
        return _AgentTurn(
            replace(request, language=language), _TurnStart(prompt, wish, is_warm, now), attempt, reply, own
        )

    def _fit_prompt(self, prompt: Prompt) -> Prompt:
        """Leave out what was said before where a long sentence leaves no room for it."""
        room = self._prompts.context_window
        if room.counter.count_prompt(prompt) <= room.prompt:
            return prompt
        return replace(prompt, messages=(prompt.messages[0], *prompt.messages[-2:]))

    def _create_result_budget(self, sentence: ChatMessage) -> ResultBudget:
        tokens = self._prompts.context_window.count_tokens
        results = self._prompts.allocate_tokens(self._household.home, self._toolset.list_tools()).results
        return ResultBudget(results - max(0, tokens(sentence.text) - SENTENCE_TOKENS), tokens)

    def _record_entities(self, matches: Sequence[Match]) -> None:
        """Remember which things people use."""
        named = (
            self._household.home.get_entity(str(match.slots["name"])) for match in matches if "name" in match.slots
        )
        for entity in filter(None, named):
            self._used_entities.pop(entity.id, None)
            self._used_entities[entity.id] = None
        self._used_entities = dict.fromkeys(list(self._used_entities)[-MOST_USED:])

    def _record_conversation(self, conversation: str, here: Area | None) -> None:
        self._last_conversation[here.id if here else None] = conversation

    def _take_prompt(self, request: Request, here: Area | None, moment: datetime, now: float) -> tuple[Prompt, bool]:
        """Return the prompt that was frozen for the turn, if it tells of the same conversation, else a new one."""
        kept = self._snapshots.pop(request.turn_id, here.id if here else None, now)
        if kept is not None and snapshots.get_history(kept) == self._history.messages(request.conversation_id, now):
            return kept, True
        return self._render_prompt(here, request.conversation_id, moment, now), False

    def _render_prompt(self, here: Area | None, conversation: str | None, moment: datetime, now: float) -> Prompt:
        home, tools = self._household.home, self._toolset.list_tools()
        self._history.most_tokens = self._prompts.allocate_tokens(home, tools).history
        history = self._history.messages(conversation, now) if conversation else ()
        situation = PromptContext(here, moment, self._household.states())
        return self._prompts.render(home, situation, history, tools, tuple(self._used_entities))

    def _create_routing_request(self, text: str, here: Area | None) -> RoutingRequest:
        home = self._household.home
        room = home.rooms.get(here.id) if here else None
        private = room.private if room else here is None and any(room.private for room in home.rooms.values())
        likes = home.preferences
        route = classify(text)
        _LOG.debug("how hard a request is", complexity=route.complexity.value, reasons=route.reasons)
        return RoutingRequest(route.complexity, private, likes.always_local, likes.never_cloud)

    def _find_area(self, given: str | None) -> Area | None:
        return self._household.home.get_area(given) if given else None

    def _create_jobs(self, turn: "_AgentTurn") -> "list[Coroutine[None, None, None]]":
        wants_filler = self._fillers is not None and not is_command(turn.request.text)
        return [
            self._run_turn(turn),
            *([self._send_filler(turn, self._fillers)] if wants_filler and self._fillers else []),
        ]

    async def _run_turn(self, turn: "_AgentTurn") -> None:
        """Put the answer, and how it ends, into the turn's queue."""
        end: Part
        try:
            async with asyncio.timeout(self._silence_seconds) as limit:
                end = await self._stream_answer(turn, limit)
        except (ModelTimeoutError, TimeoutError) as err:
            _LOG.warning("no model has answered in time", reason=str(err))
            end = turn.fail(self._on_timeout(turn))
        except ModelOutputError as err:
            _LOG.warning("no model has answered in words that can be read", reason=str(err))
            end = turn.fail(turn.messages.no_answer)
        except ModelError as err:
            _LOG.warning("no model has answered", reason=str(err))
            end = turn.fail(turn.messages.no_model)
        except Exception as err:  # noqa: BLE001 - silence is a failure: whatever it was, the person is told
            _LOG.error(
                "an answer failed", reason=type(err).__name__, at=_error_location(err)
            )  # its text may be what was said
            _LOG.debug("an answer failed", exc_info=err)
            end = turn.fail(turn.messages.no_answer)
        if not isinstance(end, (Failed, Passed)):
            turn.remember(self._history)
        await turn.parts.put(end)

    def _on_timeout(self, turn: "_AgentTurn") -> str:
        """Have the model loaded and the prompt read after all, so that the next sentence is not late too."""
        is_loading = self._warmer.is_busy
        self._warmer.start(turn.start.prompt, turn.start.routing, turn.start.at)
        return turn.messages.not_ready if is_loading else turn.messages.too_long

    async def _stream_answer(self, turn: "_AgentTurn", limit: asyncio.Timeout) -> Finished | Asked | Passed:
        """Put what is said into the turn's queue and return the end; from the first clause on `limit` is that of it all."""
        tier, began = turn.attempt.tier, asyncio.get_running_loop().time()
        async with aclosing(turn.tool_loop.run()) as parts:
            async for part in parts:
                if isinstance(part, (Asked, Passed)):
                    return part
                if not turn.has_spoken:
                    limit.reschedule(began + self._total_seconds)
                turn.has_spoken = True
                await turn.parts.put(part)
        if tier is not None and turn.tool_loop.first_output_at is not None:
            self._latency.record(tier, turn.tool_loop.first_output_at - began, warm=turn.start.is_warm)
        text = turn.tool_loop.text
        return Finished(text, turn.tool_loop.matches, text.endswith(("?", "\uff1f")), turn.tool_loop.offer)

    async def _send_filler(self, turn: "_AgentTurn", fillers: FillerGenerator) -> None:
        """Say something when nothing has been said in time."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._latency.get_filler_delay(turn.attempt.tier, warm=turn.start.is_warm)
        said = await fillers.generate(turn.request.text, turn.request.language)
        await asyncio.sleep(max(0.0, due - loop.time()))
        if said and not turn.has_spoken and turn.tool_loop.first_output_at is None:
            await turn.parts.put(Filler(said))


@dataclass(frozen=True)
class _TurnStart:
    """What a turn begins with: the prompt before the sentence, who is asked, and when (seconds of any clock)."""

    prompt: Prompt
    routing: RoutingRequest
    is_warm: bool
    at: float


class _AgentTurn:
    """One sentence on its way."""

    def __init__(
        self,
        request: Request,
        beginning: _TurnStart,
        attempt: RoutedChatModel,
        reply: ToolLoop,
        own: messages.LlmMessages,
    ) -> None:
        self.request = request
        self.start = beginning
        self.attempt = attempt
        self.tool_loop = reply
        self.messages = own
        self.parts: asyncio.Queue[Part] = asyncio.Queue(MOST_WAITING)
        self.has_spoken = False
        self._is_remembered = False

    def fail(self, why: str) -> Failed:
        """Say what went wrong, and what was done all the same if nobody has been told."""
        return Failed(" ".join((*(() if self.has_spoken else self.tool_loop.action_texts), why)))

    def remember(self, history: ConversationHistory) -> None:
        """Let the conversation's next turn know of this one."""
        if not self._is_remembered and (exchange := self.tool_loop.new_messages):
            self._is_remembered = True
            sentence = ChatMessage(ChatRole.USER, escape_tokens(self.request.text))
            history.add(self.request.conversation_id, (sentence, *exchange), self.start.at)


def _error_location(err: Exception) -> str:
    *_, (frame, line) = walk_tb(err.__traceback__)
    return f"{frame.f_code.co_filename}:{line}"


class CombinedToolset:
    """Several toolboxes as one; the first that has a tool of a name is asked. Those of `hidden` are not offered."""

    def __init__(self, toolboxes: Sequence[Toolset], hidden: Toolset | None = None) -> None:
        self._toolboxes = toolboxes
        self._all = (*toolboxes, *([hidden] if hidden else []))

    def list_tools(self) -> Sequence[Tool]:
        return [tool for toolbox in self._toolboxes for tool in toolbox.list_tools()]

    async def call_tool(self, call: ToolCall, setting: ToolContext) -> ToolOutcome:
        for toolbox in self._all:
            if any(tool.name == call.name for tool in toolbox.list_tools()):
                return await toolbox.call_tool(call, setting)
        names = ", ".join(tool.name for tool in self.list_tools())
        return ToolResult(f"Error: there is no tool {quote(call.name)}; there are: {names}")
