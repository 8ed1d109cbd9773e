"""One sentence's way through a model: its answer, the tools that it calls, and its answer to what came of them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.llm import home_tools
from wyoming_rosie_intent.llm.events import Asked, Passed, Said
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
from wyoming_rosie_intent.llm.prompts.context_window import MOST_RESULTS, ResultBudget
from wyoming_rosie_intent.llm.prompts.token_counter import TokenCounter
from wyoming_rosie_intent.llm.toolset import (
    NeedsConductor,
    NeedsConfirmation,
    ToolContext,
    ToolOutcome,
    ToolResult,
    Toolset,
)
from wyoming_rosie_intent.responses import responses

MOST_ROUNDS = 5
"""How often a model is asked for one sentence."""
MOST_CALLS = 10
"""Of one round; those beyond are refused."""


class ChatModel(Protocol):
    """Whoever answers the rounds of one turn."""

    def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]: ...


class ToolLoop:
    """What is said to one sentence, and what was done for it."""

    def __init__(
        self,
        model: ChatModel,
        prompt: Prompt,
        toolset: Toolset,
        context: ToolContext,
        messages: LlmMessages,
        not_done: Callable[[], ChatMessage],
        create_checker: Callable[[], ClaimChecker],
        result_budget: ResultBudget | None = None,
    ) -> None:
        self._model = model
        self._prompt = prompt
        self._toolset = toolset
        self._context = context
        self._messages = messages
        self._not_done = not_done
        self._create_checker = create_checker
        self._result_budget = result_budget or ResultBudget(MOST_RESULTS, TokenCounter().count)
        self._results: dict[str, ToolResult] = {}
        self._spoken: list[str] = []
        self._needs_space = False
        self._failure = ""  # the end of what was said, which is not remembered
        self._call_messages: list[ChatMessage] = []
        self.matches: tuple[Match, ...] = ()
        self.action_texts: list[str] = []
        self._executed: ExecutedActions | None = None  # all that was done, for comparison
        self._refusals: list[str] = []
        self.has_acted = False
        self._is_answered = False
        self._limiter = AnswerLimiter()
        self.offer = ""
        self.first_output_at: float | None = None  # seconds of the event loop's clock

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self._spoken).strip()

    @property
    def new_messages(self) -> tuple[ChatMessage, ...]:
        """What is to be remembered: what was called, what came of it, and what was said; nothing where all failed."""
        said = self.text.removesuffix(self._failure).rstrip() or " ".join(self.action_texts)
        if not said and not self.has_acted:
            return ()
        return (*self._call_messages, *((ChatMessage(ChatRole.ASSISTANT, said),) if said else ()))

    async def run(self) -> AsyncGenerator[Said | Asked | Passed, None]:
        """Yield the answer, clause by clause. Raises ModelError."""
        was_warned = False
        witness = await asyncio.to_thread(self._create_checker)  # it may have to read a language's words
        for _ in range(MOST_ROUNDS):
            round_ = ModelRound(witness, self._executed)
            async with aclosing(self._stream_round(round_)) as clauses:
                async for clause in clauses:
                    for now in self._limiter.feed(clause):
                        yield self._say(now)
                    if self._limiter.has_more:
                        yield self._offer_rest()
                        return
            for clause in self._limiter.flush():
                yield self._say(clause)
            if round_.ending is FinishReason.LENGTH and self.text and not round_.has_false_claim:
                yield self._offer_rest()
                return
            if round_.calls:
                if (end := await self._call_tools(round_)) is not None:
                    yield end
                    return
                if self._is_answered:
                    yield self._say(" ".join((*self.action_texts, *self._refusals)))
                    return
                continue
            if not round_.has_false_claim:
                if not self.text:
                    yield self._say_fallback(self._messages.no_answer)
                return
            if self.action_texts:
                yield self._say(" ".join((*self.action_texts, *self._refusals)))
                return
            if was_warned:
                own = (
                    self._messages.no_answer
                    if witness.request_type is RequestType.QUESTION
                    else self._messages.not_done
                )
                yield self._say(" ".join((own, *self._refusals)))
                return
            was_warned = True
            self._prompt = self._prompt.append(ChatMessage(ChatRole.ASSISTANT, round_.text), self._not_done())
        self._failure = "" if self._refusals else self._messages.unfinished
        yield self._say(" ".join((*self.action_texts, *(self._refusals or (self._failure,)))))

    def _offer_rest(self) -> Said:
        """Ask whether to go on; what was not said is left for the model to say again."""
        self.offer = self._messages.go_on
        return self._say(self.offer)

    def _say_fallback(self, failure: str) -> Said:
        """Say what was done and what was refused for a model that says nothing itself."""
        known = " ".join((*self.action_texts, *self._refusals))
        self._failure = "" if known else failure
        return self._say(known or failure)

    def _say(self, clause: str) -> Said:
        text = f" {clause}" if self._needs_space else clause if self._spoken else clause.lstrip()
        self._needs_space = not clause[-1:].isspace()
        self._spoken.append(text)
        return Said(text)

    async def _stream_round(self, round_: "ModelRound") -> AsyncGenerator[str, None]:
        """Yield what one round says as far as it may be spoken; its calls are kept."""
        async with aclosing(self._model.answer(self._prompt)) as pieces:
            async for piece in pieces:
                if self.first_output_at is None:
                    self.first_output_at = asyncio.get_running_loop().time()
                match piece:
                    case TextDelta():
                        for clause in round_.feed(piece.text):
                            yield clause
                    case ToolCall():
                        round_.calls.append(piece)
                    case StreamEnd():
                        round_.ending = piece.finish_reason
                    case Restarted():
                        round_.restart()
                        if self._spoken:
                            yield self._messages.restarted
                            self._spoken.clear()
        if round_.ending is FinishReason.STOP:  # else what is left is half a clause
            for clause in round_.flush():
                yield clause

    async def _call_tools(self, round_: "ModelRound") -> Asked | Passed | None:
        """Do what a round asks for and let the model know; return what ends the answer, if something does."""
        asked: list[Command] = []
        results = []
        for number, call in enumerate(round_.calls):
            outcome = (
                await self._call_tool(call) if number < MOST_CALLS else ToolResult("Error: too many calls at once")
            )
            if isinstance(outcome, NeedsConductor) and len(round_.calls) == 1 and not (self.text or self.has_acted):
                return Passed((outcome.match,))
            result = self._record_outcome(outcome, asked)
            results.append(ChatMessage(ChatRole.TOOL, self._result_budget.truncate(result.text), tool_call=call))
        messages = (ChatMessage(ChatRole.ASSISTANT, calls=tuple(round_.calls)), *results)
        self._call_messages.extend(messages)
        self._prompt = self._prompt.append(*messages)
        if not asked:
            return None
        question = " ".join((*self.action_texts, responses.render_question(asked)))
        return Asked(self._say(question).text, tuple(asked))

    async def _call_tool(self, call: ToolCall) -> ToolOutcome:
        """Use a tool, but never twice for the same."""
        key = f"{call.name} {json.dumps(call.arguments and dict(call.arguments), sort_keys=True, default=str)}".lower()
        if key in self._results:
            return ToolResult(
                f"This call was made before in this turn and was not made again. {self._results[key].text}"
            )
        outcome = await self._toolset.call_tool(call, self._context)
        if isinstance(outcome, ToolResult):
            self._results[key] = outcome
        return outcome

    def _record_outcome(self, outcome: ToolOutcome, asked: list[Command]) -> ToolResult:
        match outcome:
            case NeedsConfirmation(commands, said, targets):
                asked.extend(command for command in commands if command not in asked)
                self._record_result(ToolResult(said, bool(said), said, targets=targets))
                return ToolResult("The person is asked first.")
            case NeedsConductor(match):
                return ToolResult(home_tools.create_timer_error(match))
            case ToolResult():
                self._record_result(outcome)
                self.matches = (*self.matches, *outcome.matches)
                self._is_answered = self._is_answered or outcome.is_final
                if outcome.refusal and outcome.refusal not in self._refusals:
                    self._refusals.append(outcome.refusal)
                return outcome

    def _record_result(self, result: ToolResult) -> None:
        if result.spoken:
            self.action_texts.append(result.spoken)
        if result.has_acted:
            self.has_acted = True
            before = self._executed or ExecutedActions()
            self._executed = ExecutedActions((*before.targets, *result.targets), (*before.texts, result.text))


class ModelRound:
    """One answer of the model as it comes."""

    def __init__(self, witness: ClaimChecker, deeds: ExecutedActions | None) -> None:
        self._checker = witness
        self._executed = deeds
        self.restart()

    def restart(self) -> None:
        self.calls: list[ToolCall] = []
        self.text = ""
        self.ending = FinishReason.STOP
        self._splitter = SpeechSplitter()
        self._guard = ActionClaimGuard(self._checker, self._executed)

    @property
    def has_false_claim(self) -> bool:
        """Whether something was claimed that nothing has done."""
        return bool(self._guard.held)

    def feed(self, text: str) -> Sequence[str]:
        """Return the clauses that may be spoken now."""
        self.text += text
        return self._filter_claims(self._splitter.feed(text))

    def flush(self) -> Sequence[str]:
        return [*self._filter_claims(self._splitter.flush()), *self._guard.flush()]

    def _filter_claims(self, clauses: Sequence[str]) -> list[str]:
        return [one for clause in clauses for one in self._guard.feed(clause)]
