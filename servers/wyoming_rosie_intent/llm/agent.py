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
from wyoming_rosie_intent.execution.executor import Household
from wyoming_rosie_intent.llm import language_markers, messages, prompt_cache
from wyoming_rosie_intent.llm.action_claims import Witness
from wyoming_rosie_intent.llm.complexity import classify
from wyoming_rosie_intent.llm.context_budget import SENTENCE_TOKENS, Allowance
from wyoming_rosie_intent.llm.events import Asked, Failed, Filler, Finished, Part, Passed
from wyoming_rosie_intent.llm.filler import Fillers, FirstWords, is_control
from wyoming_rosie_intent.llm.history import History
from wyoming_rosie_intent.llm.model import (
    LateError,
    Message,
    ModelError,
    OutputError,
    Prompt,
    Role,
    Tool,
    ToolCall,
)
from wyoming_rosie_intent.llm.prompt import Prompts, Situation, harmless, quoted
from wyoming_rosie_intent.llm.prompt_cache import FrozenPrompts
from wyoming_rosie_intent.llm.router import Wish
from wyoming_rosie_intent.llm.tool_loop import Answering, Reply
from wyoming_rosie_intent.llm.tools import Outcome, Result, Setting, Toolbox
from wyoming_rosie_intent.llm.warm_up import Warming

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
    conversation: str
    language: str | None = None
    area: str | None = None  # id or name
    turn_id: str | None = None
    speaker: str | None = None
    goes_on: bool = False  # they want the rest of the last answer


class Attempt(Answering, Protocol):
    @property
    def tier(self) -> str | None: ...


class Models(Protocol):
    """All that answers: see `tiers.Tiers`."""

    def attempt(self, wish: Wish) -> Attempt: ...

    async def warm(self, prompt: Prompt, wish: Wish) -> object: ...


class Mind:
    """All conversations of one household with its models."""

    def __init__(
        self,
        models: Models,
        household: Household,
        prompts: Prompts,
        toolboxes: Sequence[Toolbox],
        fillers: Fillers | None = None,
        history: History | None = None,
        total_seconds: float = TOTAL_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        commands: Toolbox | None = None,
    ) -> None:
        self._models = models
        self._household = household
        self._prompts = prompts
        self._toolbox = Toolboxes(toolboxes, commands)
        self._fillers = fillers
        self._history = history or History(count=prompts.room.tokens)
        self._total_seconds = total_seconds
        self._silence_seconds = min(silence_seconds, total_seconds)
        self._frozen = FrozenPrompts()
        self._warming = Warming(models.warm)
        self._used: dict[str, None] = {}  # ids of things, the last used last
        self._first_words = FirstWords()
        self._last_talk: dict[str | None, str] = {}  # the conversation that was last held in an area

    def get_ready(self, moment: datetime, now: float) -> None:
        """Have the model loaded, and what is the same in all prompts read, before anybody speaks.

        A server that tells how many tokens it has read may leave room for more of the home: then that is read at once.
        """
        written = self._written(None, None, moment, now)
        self._warming.begin(written, self._wish("", None), now, lambda: self._written(None, None, moment, now))

    def freeze(self, turn_id: str, area: str | None, conversation: str | None, moment: datetime, now: float) -> None:
        """Keep the prompt as it is now, at the wake word, and have a model read it while the person speaks.

        Without a conversation it is the one that was last held in the area, or in no known one.
        """
        here = self._area(area)
        key = here.id if here else None
        talk = conversation or self._last_talk.get(key) or self._last_talk.get(None)
        prompt = self._written(here, talk, moment, now)
        self._frozen.freeze(turn_id, key, prompt, now)
        self._warming.begin(prompt, self._wish("", here), now)

    def note(
        self,
        conversation: str,
        said: str,
        answered: str,
        now: float,
        matches: Sequence[Match] = (),
        area: str | None = None,
    ) -> None:
        """Remember what rules did, so that the model's next turn knows it."""
        self._hold(conversation, self._area(area))
        self._use(matches)
        known = {tool.name for tool in self._toolbox.tools()}
        calls = [
            ToolCall(f"rule{number}", match.intent, dict(match.slots))
            for number, match in enumerate(matches)
            if match.intent in known
        ]
        called = (Message(Role.ASSISTANT, calls=tuple(calls)),) if calls else ()
        results = (Message(Role.TOOL, answered, answers=call) for call in calls)
        exchange = (Message(Role.USER, harmless(said)), *called, *results, Message(Role.ASSISTANT, answered))
        self._history.add(conversation, exchange, now)

    async def answer(self, request: Request, moment: datetime, now: float) -> AsyncGenerator[Part, None]:
        """Yield the answer as it comes; closing the generator stops the model. `moment` is the wall clock.

        The last part is one of Finished, Asked, Passed and Failed.
        """
        turn = self._turn(request, moment, now)
        tasks = [asyncio.create_task(one) for one in self._work(turn)]
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
            self._use(turn.reply.matches)
            if turn.reply.acted:
                turn.remember(self._history)

    async def close(self) -> None:
        await self._warming.close()

    def _turn(self, request: Request, moment: datetime, now: float) -> "_Turn":
        here = self._area(request.area)
        self._hold(request.conversation, here)
        prompt, is_warm = self._prompt(request, here, moment, now)
        sentence = self._prompts.go_on() if request.goes_on else Message(Role.USER, harmless(request.text))
        wish = self._wish(request.text, here)
        attempt = self._models.attempt(wish)
        language = request.language or self._household.home.preferences.language or "en"
        own = messages.of(language)
        setting = Setting(here, moment, request.speaker, language, request.text)
        asked = self._fitting(prompt.followed_by(sentence))
        allowance, household = self._allowance(sentence), self._household

        def witness() -> Witness:
            return Witness(request.text, language_markers.of(language), household.home, household.states)

        reply = Reply(attempt, asked, self._toolbox, setting, own, self._prompts.not_done, witness, allowance)
        return _Turn(replace(request, language=language), _Beginning(prompt, wish, is_warm, now), attempt, reply, own)

    def _fitting(self, prompt: Prompt) -> Prompt:
        """Leave out what was said before where a long sentence leaves no room for it."""
        room = self._prompts.room
        if room.counter.of(prompt) <= room.prompt:
            return prompt
        return replace(prompt, messages=(prompt.messages[0], *prompt.messages[-2:]))

    def _allowance(self, sentence: Message) -> Allowance:
        tokens = self._prompts.room.tokens
        results = self._prompts.shares(self._household.home, self._toolbox.tools()).results
        return Allowance(results - max(0, tokens(sentence.text) - SENTENCE_TOKENS), tokens)

    def _use(self, matches: Sequence[Match]) -> None:
        """Remember which things people use."""
        named = (self._household.home.entity(str(match.slots["name"])) for match in matches if "name" in match.slots)
        for entity in filter(None, named):
            self._used.pop(entity.id, None)
            self._used[entity.id] = None
        self._used = dict.fromkeys(list(self._used)[-MOST_USED:])

    def _hold(self, conversation: str, here: Area | None) -> None:
        self._last_talk[here.id if here else None] = conversation

    def _prompt(self, request: Request, here: Area | None, moment: datetime, now: float) -> tuple[Prompt, bool]:
        """Return the prompt that was frozen for the turn, if it tells of the same conversation, else a new one."""
        kept = self._frozen.take(request.turn_id, here.id if here else None, now)
        if kept is not None and prompt_cache.history(kept) == self._history.messages(request.conversation, now):
            return kept, True
        return self._written(here, request.conversation, moment, now), False

    def _written(self, here: Area | None, conversation: str | None, moment: datetime, now: float) -> Prompt:
        home, tools = self._household.home, self._toolbox.tools()
        self._history.most_tokens = self._prompts.shares(home, tools).history
        history = self._history.messages(conversation, now) if conversation else ()
        situation = Situation(here, moment, self._household.states())
        return self._prompts.write(home, situation, history, tools, tuple(self._used))

    def _wish(self, text: str, here: Area | None) -> Wish:
        home = self._household.home
        room = home.rooms.get(here.id) if here else None
        private = room.private if room else here is None and any(room.private for room in home.rooms.values())
        likes = home.preferences
        route = classify(text)
        _LOG.debug("how hard a request is", complexity=route.complexity.value, reasons=route.reasons)
        return Wish(route.complexity, private, likes.always_local, likes.never_cloud)

    def _area(self, given: str | None) -> Area | None:
        return self._household.home.area(given) if given else None

    def _work(self, turn: "_Turn") -> "list[Coroutine[None, None, None]]":
        wants_filler = self._fillers is not None and not is_control(turn.request.text)
        return [self._think(turn), *([self._fill(turn, self._fillers)] if wants_filler and self._fillers else [])]

    async def _think(self, turn: "_Turn") -> None:
        """Put the answer, and how it ends, into the turn's queue."""
        end: Part
        try:
            async with asyncio.timeout(self._silence_seconds) as limit:
                end = await self._said(turn, limit)
        except (LateError, TimeoutError) as err:
            _LOG.warning("no model has answered in time", reason=str(err))
            end = turn.failed(self._late(turn))
        except OutputError as err:
            _LOG.warning("no model has answered in words that can be read", reason=str(err))
            end = turn.failed(turn.own.no_answer)
        except ModelError as err:
            _LOG.warning("no model has answered", reason=str(err))
            end = turn.failed(turn.own.no_model)
        except Exception as err:  # noqa: BLE001 - silence is a failure: whatever it was, the person is told
            _LOG.error("an answer failed", reason=type(err).__name__, at=_place(err))  # its text may be what was said
            _LOG.debug("an answer failed", exc_info=err)
            end = turn.failed(turn.own.no_answer)
        if not isinstance(end, (Failed, Passed)):
            turn.remember(self._history)
        await turn.parts.put(end)

    def _late(self, turn: "_Turn") -> str:
        """Have the model loaded and the prompt read after all, so that the next sentence is not late too."""
        is_loading = self._warming.busy
        self._warming.begin(turn.beginning.prompt, turn.beginning.wish, turn.beginning.at)
        return turn.own.not_ready if is_loading else turn.own.too_long

    async def _said(self, turn: "_Turn", limit: asyncio.Timeout) -> Finished | Asked | Passed:
        """Put what is said into the turn's queue and return the end; from the first clause on `limit` is that of it all."""
        tier, began = turn.attempt.tier, asyncio.get_running_loop().time()
        async with aclosing(turn.reply.parts()) as parts:
            async for part in parts:
                if isinstance(part, (Asked, Passed)):
                    return part
                if not turn.has_spoken:
                    limit.reschedule(began + self._total_seconds)
                turn.has_spoken = True
                await turn.parts.put(part)
        if tier is not None and turn.reply.begun_at is not None:
            self._first_words.add(tier, turn.reply.begun_at - began, warm=turn.beginning.is_warm)
        text = turn.reply.text
        return Finished(text, turn.reply.matches, text.endswith(("?", "\uff1f")), turn.reply.offer)

    async def _fill(self, turn: "_Turn", fillers: Fillers) -> None:
        """Say something when nothing has been said in time."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._first_words.due(turn.attempt.tier, warm=turn.beginning.is_warm)
        said = await fillers.words(turn.request.text, turn.request.language)
        await asyncio.sleep(max(0.0, due - loop.time()))
        if said and not turn.has_spoken and turn.reply.begun_at is None:
            await turn.parts.put(Filler(said))


@dataclass(frozen=True)
class _Beginning:
    """What a turn begins with: the prompt before the sentence, who is asked, and when (seconds of any clock)."""

    prompt: Prompt
    wish: Wish
    is_warm: bool
    at: float


class _Turn:
    """One sentence on its way."""

    def __init__(
        self, request: Request, beginning: _Beginning, attempt: Attempt, reply: Reply, own: messages.Words
    ) -> None:
        self.request = request
        self.beginning = beginning
        self.attempt = attempt
        self.reply = reply
        self.own = own
        self.parts: asyncio.Queue[Part] = asyncio.Queue(MOST_WAITING)
        self.has_spoken = False
        self._is_remembered = False

    def failed(self, why: str) -> Failed:
        """Say what went wrong, and what was done all the same if nobody has been told."""
        return Failed(" ".join((*(() if self.has_spoken else self.reply.deeds), why)))

    def remember(self, history: History) -> None:
        """Let the conversation's next turn know of this one."""
        if not self._is_remembered and (exchange := self.reply.exchange):
            self._is_remembered = True
            sentence = Message(Role.USER, harmless(self.request.text))
            history.add(self.request.conversation, (sentence, *exchange), self.beginning.at)


def _place(err: Exception) -> str:
    *_, (frame, line) = walk_tb(err.__traceback__)
    return f"{frame.f_code.co_filename}:{line}"


class Toolboxes:
    """Several toolboxes as one; the first that has a tool of a name is asked. Those of `hidden` are not offered."""

    def __init__(self, toolboxes: Sequence[Toolbox], hidden: Toolbox | None = None) -> None:
        self._toolboxes = toolboxes
        self._all = (*toolboxes, *([hidden] if hidden else []))

    def tools(self) -> Sequence[Tool]:
        return [tool for toolbox in self._toolboxes for tool in toolbox.tools()]

    async def use(self, call: ToolCall, setting: Setting) -> Outcome:
        for toolbox in self._all:
            if any(tool.name == call.name for tool in toolbox.tools()):
                return await toolbox.use(call, setting)
        names = ", ".join(tool.name for tool in self.tools())
        return Result(f"Error: there is no tool {quoted(call.name)}; there are: {names}")
