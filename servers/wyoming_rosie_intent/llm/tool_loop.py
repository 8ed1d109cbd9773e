"""The tool loop of one turn: asks the model, calls the tools it wants, and asks again with their results."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from wyoming_rosie_intent.answer import AnswerChunk, DelegateToConductor, Handled, PendingQuestion
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.llm import home_tools
from wyoming_rosie_intent.llm.messages import LlmMessages
from wyoming_rosie_intent.llm.model import (
    ChatMessage,
    ChatRole,
    FinishReason,
    ModelEvent,
    Prompt,
    Restarted,
    StreamEnd,
    TextDelta,
    ToolCall,
)
from wyoming_rosie_intent.llm.output.action_claims import ClaimChecker, ExecutedActions, RequestType
from wyoming_rosie_intent.llm.output.answer_length import AnswerLimiter
from wyoming_rosie_intent.llm.output.claim_guard import ActionClaimGuard
from wyoming_rosie_intent.llm.output.clause_splitter import SpeechSplitter
from wyoming_rosie_intent.llm.prompts.context_window import MAX_RESULT_TOKENS, ResultBudget
from wyoming_rosie_intent.llm.prompts.token_counter import TokenCounter
from wyoming_rosie_intent.llm.toolset import (
    NeedsConductor,
    NeedsConfirmation,
    NeedsReply,
    ToolContext,
    ToolOutcome,
    ToolResult,
    Toolset,
)
from wyoming_rosie_intent.responses import responses

MAX_ROUNDS = 5
"""Requests to the model for one sentence."""
MAX_CALLS = 10
"""Tool calls in one round; further ones are refused."""
_QUESTION_MARKS = ("?", "\uff1f")


class ChatModel(Protocol):
    """Answers the rounds of one turn."""

    def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]: ...


class ActionLog:
    """Results of the tool calls of one turn, for the person, the claim checker and the history."""

    def __init__(self) -> None:
        self.matches: tuple[Match, ...] = ()
        self.texts: list[str] = []  # executed actions, in words for the person
        self.refusals: list[str] = []  # the same for what was refused or failed
        self.executed: ExecutedActions | None = None
        self.has_acted = False
        self.is_final = False  # the results answer the person; the model is not asked again
        self.is_private = False  # a result must not reach a cloud

    @property
    def summary(self) -> str:
        return " ".join((*self.texts, *self.refusals))

    def add(self, result: ToolResult) -> None:
        self.matches = (*self.matches, *result.matches)
        self.is_final = self.is_final or result.is_final
        self.is_private = self.is_private or result.is_private
        if result.spoken:
            self.texts.append(result.spoken)
        if result.refusal and result.refusal not in self.refusals:
            self.refusals.append(result.refusal)
        if result.has_acted:
            self.has_acted = True
            before = self.executed or ExecutedActions()
            self.executed = ExecutedActions((*before.targets, *result.targets), (*before.texts, result.text))


class ToolLoop:
    """The answer to one sentence and the actions taken for it."""

    def __init__(
        self,
        model: ChatModel,
        prompt: Prompt,
        toolset: Toolset,
        context: ToolContext,
        messages: LlmMessages,
        create_correction: Callable[[], ChatMessage],
        create_checker: Callable[[], ClaimChecker],
        result_budget: ResultBudget | None = None,
    ) -> None:
        self._model = model
        self._prompt = prompt
        self._toolset = toolset
        self._context = context
        self._messages = messages
        self._create_correction = create_correction
        self._create_checker = create_checker
        self._result_budget = result_budget or ResultBudget(MAX_RESULT_TOKENS, TokenCounter().count)
        self._results: dict[str, ToolResult] = {}
        self._call_messages: list[ChatMessage] = []
        self._emitted: list[str] = []
        self._needs_space = False
        self._failure = ""  # last words of the answer that stay out of the history
        self._has_corrected = False
        self._limiter = AnswerLimiter()
        self._offer = ""
        self.actions = ActionLog()
        self.first_output_at: float | None = None  # seconds of the event loop's clock

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._emitted).strip()

    @property
    def has_untrusted_text(self) -> bool:
        """Whether strangers may have written a part of what the model has read."""
        return self._context.has_untrusted_text

    @property
    def new_messages(self) -> tuple[ChatMessage, ...]:
        """The turn's messages for the history: tool calls, their results and the answer; none when everything failed."""
        answer = self.text.removesuffix(self._failure).rstrip() or " ".join(self.actions.texts)
        if not answer and not self.actions.has_acted:
            return ()
        return (*self._call_messages, *((ChatMessage(ChatRole.ASSISTANT, answer),) if answer else ()))

    async def run(self) -> AsyncGenerator[AnswerChunk | Handled | DelegateToConductor, None]:
        """Yield the answer clause by clause, its outcome last. Raises ModelError."""
        checker = await asyncio.to_thread(self._create_checker)  # may read the words of a language
        for _ in range(MAX_ROUNDS):
            round_ = ModelRound(checker, self.actions.executed)
            async with aclosing(self._stream_round(round_)) as chunks:
                async for chunk in chunks:
                    yield chunk
            if round_.calls and not round_.is_cut and (outcome := await self._call_tools(round_)) is not None:
                yield outcome
                return
            last_words = self._conclude(round_, checker.request_type)
            if last_words is not None:
                break
        else:
            last_words = self._conclude_unfinished()
        if last_words:
            yield self._say(last_words)
        question = PendingQuestion(self._offer) if self._offer else None
        expects_reply = self.text.endswith(_QUESTION_MARKS)
        yield Handled(self.text, self.actions.matches, expects_reply, question, self.actions.is_private)

    async def _stream_round(self, round_: "ModelRound") -> AsyncGenerator[AnswerChunk, None]:
        """Yield one answer of the model as far as it may be spoken now."""
        async with aclosing(self._stream_clauses(round_)) as clauses:
            async for clause in clauses:
                for allowed in self._limiter.feed(clause):
                    yield self._say(allowed)
                if self._limiter.has_more:
                    round_.is_cut = True
                    return
        for clause in self._limiter.flush():
            yield self._say(clause)
        has_said_all = round_.finish_reason is not FinishReason.LENGTH or round_.has_false_claim
        round_.is_cut = bool(self.text) and not has_said_all

    async def _stream_clauses(self, round_: "ModelRound") -> AsyncGenerator[str, None]:
        async with aclosing(self._model.answer(self._prompt)) as events:
            async for event in events:
                if self.first_output_at is None:
                    self.first_output_at = asyncio.get_running_loop().time()
                match event:
                    case TextDelta(text):
                        for clause in round_.feed(text):
                            yield clause
                    case ToolCall():
                        round_.calls.append(event)
                    case StreamEnd():
                        round_.finish_reason = event.finish_reason
                    case Restarted():
                        round_.restart()
                        if self._emitted:
                            yield self._messages.restarted
                            self._emitted.clear()
        if round_.finish_reason is FinishReason.STOP:  # otherwise the rest is half a clause
            for clause in round_.flush():
                yield clause

    def _conclude(self, round_: "ModelRound", request_type: RequestType) -> str | None:
        """Return the last words of the answer, which may be empty; None when the model is to be asked again."""
        if round_.is_cut:
            self._offer = self._messages.go_on
            return self._offer
        if round_.calls:
            return self.actions.summary if self.actions.is_final else None
        if not round_.has_false_claim:
            return "" if self.text else self._summarize(self._messages.no_answer)
        if self.actions.texts:
            return self.actions.summary
        if self._has_corrected:
            is_question = request_type is RequestType.QUESTION
            failure = self._messages.no_answer if is_question else self._messages.not_done
            return " ".join((failure, *self.actions.refusals))
        self._has_corrected = True
        self._prompt = self._prompt.append(ChatMessage(ChatRole.ASSISTANT, round_.text), self._create_correction())
        return None

    def _conclude_unfinished(self) -> str:
        """Return the closing sentence for a model that does not stop calling tools."""
        self._failure = "" if self.actions.refusals else self._messages.unfinished
        return " ".join((self.actions.summary, self._failure)).strip()

    def _summarize(self, failure: str) -> str:
        """Return the results of the tools for a model that says nothing, or the failure when there are none."""
        self._failure = "" if self.actions.summary else failure
        return self.actions.summary or failure

    def _say(self, clause: str) -> AnswerChunk:
        text = f" {clause}" if self._needs_space else clause if self._emitted else clause.lstrip()
        self._needs_space = not clause[-1:].isspace()
        self._emitted.append(text)
        return AnswerChunk(text)

    async def _call_tools(self, round_: "ModelRound") -> Handled | DelegateToConductor | None:
        """Call the tools of a round and add the results to the prompt; return the outcome if that ends the answer."""
        unconfirmed: list[Command] = []
        replies: list[NeedsReply] = []
        results = []
        for number, call in enumerate(round_.calls):
            outcome = await self._call_tool(call) if number < MAX_CALLS else _TOO_MANY_CALLS
            if isinstance(outcome, NeedsConductor) and len(round_.calls) == 1 and not self._has_answered:
                return DelegateToConductor((outcome.match,))
            result = self._record(outcome, unconfirmed, replies)
            results.append(ChatMessage(ChatRole.TOOL, self._result_budget.truncate(result.text), tool_call=call))
        messages = (ChatMessage(ChatRole.ASSISTANT, calls=tuple(round_.calls)), *results)
        self._call_messages.extend(messages)
        self._prompt = self._prompt.append(*messages)
        if unconfirmed:
            return self._ask(unconfirmed)
        return self._ask_reply(replies[0]) if replies else None

    @property
    def _has_answered(self) -> bool:
        return bool(self.text) or self.actions.has_acted

    def _ask(self, commands: Sequence[Command]) -> Handled:
        text = self._say(" ".join((*self.actions.texts, responses.render_question(commands)))).text
        return Handled(text, expects_reply=True, question=PendingQuestion(text, tuple(commands)))

    def _ask_reply(self, reply: NeedsReply) -> Handled:
        """Ask a tool's question; what else the tools asked is dropped, as only one question can be answered."""
        text = self._say(" ".join((*self.actions.texts, reply.text))).text
        return Handled(text, expects_reply=True, question=reply.question, is_private=reply.is_private)

    async def _call_tool(self, call: ToolCall) -> ToolOutcome:
        """Call a tool, but never twice with the same arguments."""
        key = f"{call.name} {json.dumps(call.arguments and dict(call.arguments), sort_keys=True, default=str)}".lower()
        if key in self._results:
            known = self._results[key].text
            return ToolResult(f"This call was made before in this turn and was not made again. {known}")
        outcome = await self._toolset.call_tool(call, self._context)
        if isinstance(outcome, ToolResult):
            self._results[key] = outcome
            self._context = replace(
                self._context, has_untrusted_text=self._context.has_untrusted_text or outcome.is_untrusted
            )
        return outcome

    def _record(self, outcome: ToolOutcome, unconfirmed: list[Command], replies: list[NeedsReply]) -> ToolResult:
        """Return the result for the model; add what needs an answer of the person to `unconfirmed` and `replies`."""
        match outcome:
            case NeedsConfirmation(commands, spoken, targets):
                unconfirmed.extend(command for command in commands if command not in unconfirmed)
                self.actions.add(ToolResult(spoken, bool(spoken), spoken, targets=targets))
                return ToolResult("The person is asked first.")
            case NeedsReply():
                replies.append(outcome)
                self.actions.is_private = self.actions.is_private or outcome.is_private
                return ToolResult("The person is asked first.")
            case NeedsConductor(match):
                return ToolResult(home_tools.create_timer_error(match))
            case ToolResult():
                self.actions.add(outcome)
                return outcome


_TOO_MANY_CALLS = ToolResult("Error: too many calls at once")


class ModelRound:
    """One answer of the model within a tool loop."""

    def __init__(self, checker: ClaimChecker, executed: ExecutedActions | None) -> None:
        self._checker = checker
        self._executed = executed
        self.restart()

    def restart(self) -> None:
        """Drop what was received: another model begins anew."""
        self.calls: list[ToolCall] = []
        self.text = ""
        self.finish_reason = FinishReason.STOP
        self.is_cut = False  # there is more to say than may be said at once
        self._splitter = SpeechSplitter()
        self._guard = ActionClaimGuard(self._checker, self._executed)

    @property
    def has_false_claim(self) -> bool:
        """Whether the model claimed an action that no tool executed."""
        return bool(self._guard.withheld)

    def feed(self, text: str) -> Sequence[str]:
        """Return the clauses that may be spoken now."""
        self.text += text
        return self._filter_claims(self._splitter.feed(text))

    def flush(self) -> Sequence[str]:
        return [*self._filter_claims(self._splitter.flush()), *self._guard.flush()]

    def _filter_claims(self, clauses: Sequence[str]) -> list[str]:
        return [allowed for clause in clauses for allowed in self._guard.feed(clause)]
