"""The language model agent: answers what the rules do not understand, with a model that was warmed up at the wake word."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from traceback import walk_tb
from typing import Protocol

import structlog

from wyoming_rosie.home.model import Area
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie_intent.answer import (
    AnswerChunk,
    AnswerEvent,
    ConversationInput,
    DelegateToConductor,
    Filler,
    Handled,
    NotHandled,
)
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm import messages
from wyoming_rosie_intent.llm.filler import FillerGenerator, FirstTokenLatency, is_command
from wyoming_rosie_intent.llm.model import (
    ChatMessage,
    ChatRole,
    ModelError,
    ModelOutputError,
    ModelTimeoutError,
    Prompt,
    ToolCall,
)
from wyoming_rosie_intent.llm.output import language_markers
from wyoming_rosie_intent.llm.output.action_claims import ClaimChecker
from wyoming_rosie_intent.llm.prompts import snapshots
from wyoming_rosie_intent.llm.prompts.context_window import SENTENCE_TOKENS, ResultBudget
from wyoming_rosie_intent.llm.prompts.history import ConversationHistory
from wyoming_rosie_intent.llm.prompts.memories import create_message, has_untrusted_text
from wyoming_rosie_intent.llm.prompts.prompt import PromptContext, PromptTemplates
from wyoming_rosie_intent.llm.prompts.quoting import escape_tokens
from wyoming_rosie_intent.llm.prompts.snapshots import PromptSnapshots
from wyoming_rosie_intent.llm.prompts.warmer import PromptWarmer
from wyoming_rosie_intent.llm.router import RoutingRequest, Tier, create_request
from wyoming_rosie_intent.llm.tool_loop import ChatModel, ToolLoop
from wyoming_rosie_intent.llm.toolset import CombinedToolset, ToolContext, Toolset
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory, RecalledMemories
from wyoming_rosie_intent.memory.model import MemoryKind

_LOG = structlog.get_logger()
TOTAL_SECONDS = 60.0
SILENCE_SECONDS = 15.0
"""Until the first clause of an answer, all tiers and tools included; a conductor waits little longer."""
NO_TOOLS = CombinedToolset(())
MAX_USED = 32
"""Entities that a prompt lists because they were used lately."""
MAX_WAITING = 16
"""Answer events that have not been sent yet; then the model waits."""


class RoutedChatModel(ChatModel, Protocol):
    @property
    def tier(self) -> str | None: ...

    def keep_private(self) -> bool:
        """Ask no cloud from now on; return False if one answers already."""
        ...


class ModelRouter(Protocol):
    """Chooses the model of a turn; see `router.TierRouter`."""

    def route(self, request: RoutingRequest) -> RoutedChatModel: ...

    async def warm_up(self, prompt: Prompt, request: RoutingRequest) -> object: ...

    async def complete(self, prompt: Prompt, request: RoutingRequest) -> str: ...

    @property
    def problem(self) -> str | None: ...


class LlmAgent:
    """Answers the conversations of one home by language models."""

    def __init__(
        self,
        router: ModelRouter,
        executor: ActionExecutor,
        prompts: PromptTemplates,
        toolsets: Sequence[Toolset],
        fillers: FillerGenerator | None = None,
        history: ConversationHistory | None = None,
        total_seconds: float = TOTAL_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        commands: Toolset | None = None,
        memory: DialogueMemory | None = None,
    ) -> None:
        self._memory = memory
        self._router = router
        self._executor = executor
        self._prompts = prompts
        self._toolset = CombinedToolset(toolsets, commands)
        self._fillers = fillers
        self._history = history or ConversationHistory(count=prompts.context_window.count_tokens)
        self._total_seconds = total_seconds
        self._silence_seconds = min(silence_seconds, total_seconds)
        self._snapshots = PromptSnapshots()
        self._warmer = PromptWarmer(router.warm_up)
        self._used_entities: dict[str, None] = {}  # ids, the most recently used last
        self._latency = FirstTokenLatency()
        self._last_conversation: dict[str | None, str] = {}  # by area

    @property
    def problem(self) -> str | None:
        """The reason why no language model answers; None while one may."""
        return self._router.problem

    def warm_up(self, moment: datetime, now: float) -> None:
        """Load the model and have it read the prompt's constant part, before anybody speaks.

        A server that counts the tokens it has read may leave room for more of the home, which is then read at once.
        """

        def render() -> Prompt:
            return self._render_prompt(None, None, moment, now)

        self._warmer.start(render(), create_request("", self._executor.home, None), now, render)

    async def find_facts(self, sentences: Sequence[str]) -> str:
        """Return what a model of the home takes for facts in sentences, as JSON; it gets no tools. Raises ModelError."""
        request = RoutingRequest(always_local=self._executor.home.preferences.always_local)
        return await self._router.complete(self._prompts.render_facts(sentences), request)

    def restore_prompt(self) -> None:
        """Have the model read the constant part of the prompt again, after it has read another one."""
        self.warm_up(datetime.now().astimezone(), loop_time())

    def prepare_turn(
        self, turn_id: str, area: str | None, conversation_id: str | None, moment: datetime, now: float
    ) -> None:
        """Take a snapshot of the prompt at the wake word and have a model read it while the person speaks.

        Without a conversation it is the area's last one, or the last one without a known area.
        """
        here = self._find_area(area)
        key = here.id if here else None
        conversation_id = conversation_id or self._last_conversation.get(key) or self._last_conversation.get(None)
        prompt = self._render_prompt(here, conversation_id, moment, now)
        self._snapshots.add(turn_id, key, prompt, now)
        self._warmer.start(prompt, create_request("", self._executor.home, here), now)

    def record_turn(self, user_input: ConversationInput, outcome: Handled, now: float) -> None:
        """Add a turn that the rules answered to the history."""
        self._record_conversation(user_input.conversation_id, self._find_area(user_input.area))
        self._record_entities(outcome.matches)
        known = {tool.name for tool in self._toolset.list_tools()}
        calls = tuple(
            ToolCall(f"rule{number}", match.intent, dict(match.slots))
            for number, match in enumerate(outcome.matches)
            if match.intent in known
        )
        turn = (
            ChatMessage(ChatRole.USER, escape_tokens(user_input.text)),
            *((ChatMessage(ChatRole.ASSISTANT, calls=calls),) if calls else ()),
            *(ChatMessage(ChatRole.TOOL, outcome.text, tool_call=call) for call in calls),
            ChatMessage(ChatRole.ASSISTANT, outcome.text),
        )
        self._history.add(user_input.conversation_id, turn, now, is_private=outcome.is_private)

    async def answer(
        self, user_input: ConversationInput, moment: datetime, now: float
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the answer, its outcome last; closing the generator stops the model. `moment` is the wall clock."""
        recalled = await self._recall(user_input, moment, now)
        turn = self._create_turn(user_input, moment, now, recalled)
        tasks = [asyncio.create_task(job) for job in self._create_jobs(turn)]
        try:
            while True:
                event = await turn.events.get()
                yield event
                if not isinstance(event, AnswerChunk | Filler):
                    return
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._record_entities(turn.tool_loop.actions.matches)
            if turn.tool_loop.actions.has_acted:
                turn.record(self._history)

    def clear_history(self) -> None:
        """Forget all conversations, as one of them is to be forgotten."""
        self._history.clear()
        self._snapshots.clear()

    async def close(self) -> None:
        await self._warmer.close()

    async def _recall(self, user_input: ConversationInput, moment: datetime, now: float) -> RecalledMemories:
        """Return the memories for a sentence; the last messages only if the conversation has none in its history."""
        if self._memory is None or user_input.continues:
            return RecalledMemories()
        has_history = bool(self._history.messages(user_input.conversation_id, now))
        return await self._memory.recall(user_input, moment, with_messages=not has_history)

    def _create_turn(
        self, user_input: ConversationInput, moment: datetime, now: float, recalled: RecalledMemories
    ) -> "_AgentTurn":
        language = user_input.language or self._executor.home.preferences.language or "en"
        user_input = replace(user_input, language=language)
        here = self._find_area(user_input.area)
        self._record_conversation(user_input.conversation_id, here)
        prompt, is_warm = self._take_prompt(user_input, here, moment, now)
        allow_cloud = user_input.allow_cloud and not self._history.is_private(user_input.conversation_id, now)
        request = create_request(user_input.text, self._executor.home, here, allow_cloud=allow_cloud)
        model = self._router.route(request)
        phrases = messages.get_messages(language)
        context = ToolContext(
            here,
            moment,
            user_input.speaker,
            language,
            user_input.text,
            user_input.conversation_id,
            user_input.turn_id,
            self._history.has_untrusted_text(user_input.conversation_id, now) or has_untrusted_text(recalled),
            model.keep_private,
            must_stay_home=request.private or not user_input.allow_cloud,
        )
        remembered = self._render_memories(recalled, moment)
        loop = self._create_tool_loop(model, prompt, user_input, context, phrases, remembered)
        start = _TurnStart(
            prompt,
            request,
            is_warm,
            now,
            has_private_memories=any(one.is_private for one in remembered),
            may_quote_memories=any(record.kind is not MemoryKind.CONVERSATION for record in recalled.memories),
        )
        return _AgentTurn(user_input, start, model, loop, phrases)

    def _render_memories(self, recalled: RecalledMemories, moment: datetime) -> tuple[ChatMessage, ...]:
        """Return the message with the memories, if there are any; it takes half of the room for the results of tools."""
        if self._memory is None:
            return ()
        tokens = self._prompts.allocate_tokens(self._executor.home, self._toolset.list_tools()).results // 2
        count = self._prompts.context_window.count_tokens
        is_private = not self._memory.cloud_allowed
        message = create_message(
            recalled, moment.tzinfo, self._prompts.render_memories, count, tokens, is_private=is_private
        )
        return () if message is None else (message,)

    def _create_tool_loop(
        self,
        model: ChatModel,
        prompt: Prompt,
        user_input: ConversationInput,
        context: ToolContext,
        phrases: messages.LlmMessages,
        remembered: Sequence[ChatMessage] = (),
    ) -> ToolLoop:
        sentence = ChatMessage(ChatRole.USER, escape_tokens(user_input.text))
        if user_input.continues:
            sentence = self._prompts.render_go_on()

        def create_checker() -> ClaimChecker:
            markers = language_markers.load_markers(context.language)
            return ClaimChecker(user_input.text, markers, self._executor.home, self._executor.states)

        return ToolLoop(
            model,
            self._fit_prompt(prompt, remembered, sentence),
            self._toolset if user_input.allow_tools else NO_TOOLS,
            context,
            phrases,
            self._prompts.render_not_done,
            create_checker,
            self._create_result_budget(sentence, remembered),
        )

    def _fit_prompt(self, prompt: Prompt, remembered: Sequence[ChatMessage], sentence: ChatMessage) -> Prompt:
        """Append the memories and the sentence; drop the memories, then the history, if a long sentence leaves no room."""
        window = self._prompts.context_window
        for candidate in (prompt.append(*remembered, sentence), prompt.append(sentence)):
            if window.counter.count_prompt(candidate) <= window.prompt:
                return candidate
        return replace(prompt, messages=(prompt.messages[0], prompt.messages[-1], sentence))

    def _create_result_budget(self, sentence: ChatMessage, remembered: Sequence[ChatMessage]) -> ResultBudget:
        count = self._prompts.context_window.count_tokens
        tokens = self._prompts.allocate_tokens(self._executor.home, self._toolset.list_tools()).results
        used = max(0, count(sentence.text) - SENTENCE_TOKENS) + sum(count(message.text) for message in remembered)
        return ResultBudget(tokens - used, count)

    def _record_entities(self, matches: Sequence[Match]) -> None:
        """Remember which entities people use."""
        named = (self._executor.home.get_entity(str(match.slots["name"])) for match in matches if "name" in match.slots)
        for entity in filter(None, named):
            self._used_entities.pop(entity.id, None)
            self._used_entities[entity.id] = None
        self._used_entities = dict.fromkeys(list(self._used_entities)[-MAX_USED:])

    def _record_conversation(self, conversation_id: str, here: Area | None) -> None:
        self._last_conversation[here.id if here else None] = conversation_id

    def _take_prompt(
        self, user_input: ConversationInput, here: Area | None, moment: datetime, now: float
    ) -> tuple[Prompt, bool]:
        """Return the turn's snapshot and True if it has the same history, otherwise a new prompt and False."""
        if not user_input.allow_tools:
            prompt = self._render_prompt(here, user_input.conversation_id, moment, now)
            return replace(prompt, tools=(), without_tools=""), False
        snapshot = self._snapshots.pop(user_input.turn_id, here.id if here else None, now)
        history = self._history.messages(user_input.conversation_id, now)
        if snapshot is not None and snapshots.get_history(snapshot) == history:
            return snapshot, True
        return self._render_prompt(here, user_input.conversation_id, moment, now), False

    def _render_prompt(self, here: Area | None, conversation_id: str | None, moment: datetime, now: float) -> Prompt:
        home, tools = self._executor.home, self._toolset.list_tools()
        self._history.max_tokens = self._prompts.allocate_tokens(home, tools).history
        history = self._history.messages(conversation_id, now) if conversation_id else ()
        context = PromptContext(here, moment, self._executor.states())
        return self._prompts.render(home, context, history, tools, tuple(self._used_entities))

    def _find_area(self, name: str | None) -> Area | None:
        return self._executor.home.get_area(name) if name else None

    def _create_jobs(self, turn: "_AgentTurn") -> "list[Coroutine[None, None, None]]":
        if self._fillers is None or is_command(turn.user_input.text):
            return [self._run_turn(turn)]
        return [self._run_turn(turn), self._send_filler(turn, self._fillers)]

    async def _run_turn(self, turn: "_AgentTurn") -> None:
        """Put the answer and its outcome into the turn's queue."""
        outcome: Handled | NotHandled | DelegateToConductor
        try:
            async with asyncio.timeout(self._silence_seconds) as limit:
                outcome = await self._stream_answer(turn, limit)
        except (ModelTimeoutError, TimeoutError) as err:
            _LOG.warning("no model answered in time", reason=str(err))
            outcome = turn.fail(self._on_timeout(turn))
        except ModelOutputError as err:
            _LOG.warning("no model gave a readable answer", reason=str(err))
            outcome = turn.fail(turn.messages.no_answer)
        except ModelError as err:
            _LOG.warning("no model answered", reason=str(err))
            outcome = turn.fail(turn.messages.no_model)
        except Exception as err:  # noqa: BLE001 - silence is a failure: the person hears of any error
            # the error's text may quote the person
            _LOG.error("an answer failed", reason=type(err).__name__, at=_format_location(err))
            _LOG.debug("an answer failed", exc_info=err)
            outcome = turn.fail(turn.messages.no_answer)
        if isinstance(outcome, Handled):
            turn.record(self._history)
            outcome = replace(outcome, is_from_memory=turn.start.may_quote_memories)
        await turn.events.put(outcome)

    def _on_timeout(self, turn: "_AgentTurn") -> str:
        """Warm up the model after all, so that the next sentence is not late too; return what to say."""
        is_loading = self._warmer.is_busy
        self._warmer.start(turn.start.prompt, turn.start.request, turn.start.at)
        return turn.messages.not_ready if is_loading else turn.messages.too_long

    async def _stream_answer(self, turn: "_AgentTurn", limit: asyncio.Timeout) -> Handled | DelegateToConductor:
        """Put the clauses into the turn's queue and return the outcome; the first clause extends `limit` to the whole."""
        tier, started_at = turn.model.tier, asyncio.get_running_loop().time()
        outcome: Handled | DelegateToConductor | None = None
        async with aclosing(turn.tool_loop.run()) as events:
            async for event in events:
                if not isinstance(event, AnswerChunk):
                    outcome = event
                    break
                if not turn.has_spoken:
                    limit.reschedule(started_at + self._total_seconds)
                turn.has_spoken = True
                await turn.events.put(event)
        assert outcome is not None
        if tier is not None and (first_output_at := turn.tool_loop.first_output_at) is not None:
            self._latency.record(tier, first_output_at - started_at, warm=turn.start.is_warm)
        return outcome

    async def _send_filler(self, turn: "_AgentTurn", fillers: FillerGenerator) -> None:
        """Send a filler when no answer has begun in time."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._latency.get_filler_delay(turn.model.tier, warm=turn.start.is_warm)
        text = await fillers.generate(turn.user_input.text, turn.user_input.language)
        await asyncio.sleep(max(0.0, due - loop.time()))
        if text and not turn.has_spoken and turn.tool_loop.first_output_at is None:
            await turn.events.put(Filler(text))


@dataclass(frozen=True)
class _TurnStart:
    """State at the start of a turn; `at` is in seconds of the caller's clock."""

    prompt: Prompt  # without the sentence
    request: RoutingRequest
    is_warm: bool
    at: float
    has_private_memories: bool = False
    may_quote_memories: bool = False  # facts or documents, which may be forgotten before the answer


class _AgentTurn:
    """One sentence that a model answers."""

    def __init__(
        self,
        user_input: ConversationInput,
        start: _TurnStart,
        model: RoutedChatModel,
        tool_loop: ToolLoop,
        phrases: messages.LlmMessages,
    ) -> None:
        self.user_input = user_input
        self.start = start
        self.model = model
        self.tool_loop = tool_loop
        self.messages = phrases
        self.events: asyncio.Queue[AnswerEvent] = asyncio.Queue(MAX_WAITING)
        self.has_spoken = False
        self._is_recorded = False

    def fail(self, reason: str) -> NotHandled:
        """Return the failure in words, after the actions that the person has not been told of."""
        untold = () if self.has_spoken else self.tool_loop.actions.texts
        return NotHandled(" ".join((*untold, reason)))

    def record(self, history: ConversationHistory) -> None:
        """Add the turn to the history of its conversation, once."""
        if not self._is_recorded and (new_messages := self.tool_loop.new_messages):
            self._is_recorded = True
            sentence = ChatMessage(ChatRole.USER, escape_tokens(self.user_input.text))
            history.add(
                self.user_input.conversation_id,
                (sentence, *new_messages),
                self.start.at,
                is_private=self.tool_loop.actions.is_private or self._may_quote_private_memories(),
                has_untrusted_text=self.tool_loop.has_untrusted_text,
            )

    def _may_quote_private_memories(self) -> bool:
        """Return whether a model of the home, which reads private memories, gave the answer."""
        return self.start.has_private_memories and self.model.tier != Tier.CLOUD


def _format_location(err: Exception) -> str:
    *_, (frame, line) = walk_tb(err.__traceback__)
    return f"{frame.f_code.co_filename}:{line}"
