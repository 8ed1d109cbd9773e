"""One sentence's way through a model: its answer, the tools that it calls, and its answer to what came of them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.llm import home_tools
from wyoming_rosie_intent.llm.action_claims import Deeds, Stake, Witness
from wyoming_rosie_intent.llm.answer_length import Length
from wyoming_rosie_intent.llm.claim_guard import Guard
from wyoming_rosie_intent.llm.clause_splitter import Spoken
from wyoming_rosie_intent.llm.context_budget import MOST_RESULTS, Allowance
from wyoming_rosie_intent.llm.events import Asked, Passed, Said
from wyoming_rosie_intent.llm.messages import Words
from wyoming_rosie_intent.llm.model import Again, Done, Ending, Message, Piece, Prompt, Role, Text, ToolCall
from wyoming_rosie_intent.llm.token_counter import Counter
from wyoming_rosie_intent.llm.tools import ForConductor, NeedsYes, Outcome, Result, Setting, Toolbox
from wyoming_rosie_intent.responses import responses

MOST_ROUNDS = 5
"""How often a model is asked for one sentence."""
MOST_CALLS = 10
"""Of one round; those beyond are refused."""


class Answering(Protocol):
    """Whoever answers the rounds of one turn."""

    def answer(self, prompt: Prompt) -> AsyncGenerator[Piece | Again, None]: ...


class Reply:
    """What is said to one sentence, and what was done for it."""

    def __init__(
        self,
        model: Answering,
        prompt: Prompt,
        toolbox: Toolbox,
        setting: Setting,
        own: Words,
        not_done: Callable[[], Message],
        witness: Callable[[], Witness],
        allowance: Allowance | None = None,
    ) -> None:
        self._model = model
        self._prompt = prompt
        self._toolbox = toolbox
        self._setting = setting
        self._words = own
        self._not_done = not_done
        self._begin = witness
        self._allowance = allowance or Allowance(MOST_RESULTS, Counter().tokens)
        self._used: dict[str, Result] = {}
        self._spoken: list[str] = []
        self._needs_space = False
        self._failure = ""  # the end of what was said, which is not remembered
        self._calls: list[Message] = []
        self.matches: tuple[Match, ...] = ()
        self.deeds: list[str] = []
        self._done: Deeds | None = None  # all that was done, for comparison
        self._refused: list[str] = []
        self.acted = False
        self._is_answered = False
        self._length = Length()
        self.offer = ""
        self.begun_at: float | None = None  # seconds of the event loop's clock

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self._spoken).strip()

    @property
    def exchange(self) -> tuple[Message, ...]:
        """What is to be remembered: what was called, what came of it, and what was said; nothing where all failed."""
        said = self.text.removesuffix(self._failure).rstrip() or " ".join(self.deeds)
        if not said and not self.acted:
            return ()
        return (*self._calls, *((Message(Role.ASSISTANT, said),) if said else ()))

    async def parts(self) -> AsyncGenerator[Said | Asked | Passed, None]:
        """Yield the answer, clause by clause. Raises ModelError."""
        was_warned = False
        witness = await asyncio.to_thread(self._begin)  # it may have to read a language's words
        for _ in range(MOST_ROUNDS):
            round_ = _Round(witness, self._done)
            async with aclosing(self._clauses(round_)) as clauses:
                async for clause in clauses:
                    for now in self._length.hear(clause):
                        yield self._say(now)
                    if self._length.is_over:
                        yield self._offer()
                        return
            for clause in self._length.finish():
                yield self._say(clause)
            if round_.ending is Ending.LENGTH and self.text and not round_.is_held:
                yield self._offer()
                return
            if round_.calls:
                if (end := await self._use(round_)) is not None:
                    yield end
                    return
                if self._is_answered:
                    yield self._say(" ".join((*self.deeds, *self._refused)))
                    return
                continue
            if not round_.is_held:
                if not self.text:
                    yield self._own_words(self._words.no_answer)
                return
            if self.deeds:
                yield self._say(" ".join((*self.deeds, *self._refused)))
                return
            if was_warned:
                own = self._words.no_answer if witness.stake is Stake.QUESTION else self._words.not_done
                yield self._say(" ".join((own, *self._refused)))
                return
            was_warned = True
            self._prompt = self._prompt.followed_by(Message(Role.ASSISTANT, round_.text), self._not_done())
        self._failure = "" if self._refused else self._words.unfinished
        yield self._say(" ".join((*self.deeds, *(self._refused or (self._failure,)))))

    def _offer(self) -> Said:
        """Ask whether to go on; what was not said is left for the model to say again."""
        self.offer = self._words.go_on
        return self._say(self.offer)

    def _own_words(self, failure: str) -> Said:
        """Say what was done and what was refused for a model that says nothing itself."""
        known = " ".join((*self.deeds, *self._refused))
        self._failure = "" if known else failure
        return self._say(known or failure)

    def _say(self, clause: str) -> Said:
        text = f" {clause}" if self._needs_space else clause if self._spoken else clause.lstrip()
        self._needs_space = not clause[-1:].isspace()
        self._spoken.append(text)
        return Said(text)

    async def _clauses(self, round_: "_Round") -> AsyncGenerator[str, None]:
        """Yield what one round says as far as it may be spoken; its calls are kept."""
        async with aclosing(self._model.answer(self._prompt)) as pieces:
            async for piece in pieces:
                if self.begun_at is None:
                    self.begun_at = asyncio.get_running_loop().time()
                match piece:
                    case Text():
                        for clause in round_.hear(piece.text):
                            yield clause
                    case ToolCall():
                        round_.calls.append(piece)
                    case Done():
                        round_.ending = piece.ending
                    case Again():
                        round_.begin_again()
                        if self._spoken:
                            yield self._words.again
                            self._spoken.clear()
        if round_.ending is Ending.WHOLE:  # else what is left is half a clause
            for clause in round_.finish():
                yield clause

    async def _use(self, round_: "_Round") -> Asked | Passed | None:
        """Do what a round asks for and let the model know; return what ends the answer, if something does."""
        asked: list[Command] = []
        results = []
        for number, call in enumerate(round_.calls):
            outcome = await self._outcome(call) if number < MOST_CALLS else Result("Error: too many calls at once")
            if isinstance(outcome, ForConductor) and len(round_.calls) == 1 and not (self.text or self.acted):
                return Passed((outcome.match,))
            result = self._result(outcome, asked)
            results.append(Message(Role.TOOL, self._allowance.take(result.text), answers=call))
        messages = (Message(Role.ASSISTANT, calls=tuple(round_.calls)), *results)
        self._calls.extend(messages)
        self._prompt = self._prompt.followed_by(*messages)
        if not asked:
            return None
        question = " ".join((*self.deeds, responses.question(asked)))
        return Asked(self._say(question).text, tuple(asked))

    async def _outcome(self, call: ToolCall) -> Outcome:
        """Use a tool, but never twice for the same."""
        key = f"{call.name} {json.dumps(call.arguments and dict(call.arguments), sort_keys=True, default=str)}".lower()
        if key in self._used:
            return Result(f"This call was made before in this turn and was not made again. {self._used[key].text}")
        outcome = await self._toolbox.use(call, self._setting)
        if isinstance(outcome, Result):
            self._used[key] = outcome
        return outcome

    def _result(self, outcome: Outcome, asked: list[Command]) -> Result:
        match outcome:
            case NeedsYes(commands, said, targets):
                asked.extend(command for command in commands if command not in asked)
                self._note(Result(said, bool(said), said, targets=targets))
                return Result("The person is asked first.")
            case ForConductor(match):
                return Result(home_tools.timer(match))
            case Result():
                self._note(outcome)
                self.matches = (*self.matches, *outcome.matches)
                self._is_answered = self._is_answered or outcome.ends
                if outcome.refused and outcome.refused not in self._refused:
                    self._refused.append(outcome.refused)
                return outcome

    def _note(self, result: Result) -> None:
        if result.said:
            self.deeds.append(result.said)
        if result.acted:
            self.acted = True
            before = self._done or Deeds()
            self._done = Deeds((*before.targets, *result.targets), (*before.texts, result.text))


class _Round:
    """One answer of the model as it comes."""

    def __init__(self, witness: Witness, deeds: Deeds | None) -> None:
        self._witness = witness
        self._deeds = deeds
        self.begin_again()

    def begin_again(self) -> None:
        self.calls: list[ToolCall] = []
        self.text = ""
        self.ending = Ending.WHOLE
        self._spoken = Spoken()
        self._guard = Guard(self._witness, self._deeds)

    @property
    def is_held(self) -> bool:
        """Whether something was claimed that nothing has done."""
        return bool(self._guard.held)

    def hear(self, text: str) -> Sequence[str]:
        """Return the clauses that may be spoken now."""
        self.text += text
        return self._allowed(self._spoken.feed(text))

    def finish(self) -> Sequence[str]:
        return [*self._allowed(self._spoken.finish()), *self._guard.finish()]

    def _allowed(self, clauses: Sequence[str]) -> list[str]:
        return [one for clause in clauses for one in self._guard.hear(clause)]
