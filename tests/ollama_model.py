"""A scripted model: answers by rules at a given speed, and caches the beginning of prompts."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tests.ollama_lines import SentCalls, SentCut, SentEnd, SentError, SentEvent, SentGarbage, SentText
from tests.ollama_script import Fault, Rule

HANG_SECONDS = 600.0
CHARACTERS_PER_TOKEN = 4
MAX_WAITING = 512
"""Queued requests of one model; like OLLAMA_MAX_QUEUE."""
_WORDS_BEFORE_A_FAULT = 2


@dataclass(frozen=True)
class ModelSpeed:
    """Tokens per second for reading and writing, and the seconds to load the model."""

    read_rate: float = 1_000_000.0
    write_rate: float = 1_000_000.0
    load_seconds: float = 0.0


FAST = ModelSpeed()


class ServerBusyError(Exception): ...


@dataclass
class _Slot:
    """A slot that serves one request at a time; `known` is its prompt cache."""

    known: str = ""
    busy: bool = False


class ScriptedModel:
    """A model with its slots."""

    def __init__(self, pace: ModelSpeed, slots: int) -> None:
        self.pace = pace
        self.loaded = asyncio.Event()
        self.characters_read: list[int] = []
        """Characters read of each prompt, without the cached beginning."""
        self._waiting = 0
        self._slots = [_Slot() for _ in range(slots)]
        self._free = asyncio.Condition()

    @asynccontextmanager
    async def _slot(self, prompt: str) -> AsyncIterator[_Slot]:
        """Wait for a free slot; take the one with most of the prompt cached."""
        self._waiting += 1
        try:
            async with self._free:
                await self._free.wait_for(lambda: any(not slot.busy for slot in self._slots))
                free = [slot for slot in self._slots if not slot.busy]
                chosen = max(free, key=lambda slot: _count_common_prefix(slot.known, prompt))
                chosen.busy = True
        finally:
            self._waiting -= 1
        try:
            yield chosen
        finally:
            chosen.busy = False
            async with self._free:
                self._free.notify_all()

    def unload(self) -> None:
        self.loaded.clear()
        for slot in self._slots:
            slot.known = ""

    async def answer(self, prompt: str, rule: Rule, max_tokens: int | None) -> AsyncGenerator[SentEvent, None]:
        """Yield the events of an answer. Raises ServerBusyError."""
        if rule.fault is Fault.BUSY or self._waiting >= MAX_WAITING:
            raise ServerBusyError
        now = asyncio.get_running_loop().time
        began = now()
        async with self._slot(prompt) as slot:
            await self._load()
            loaded = now()
            read_seconds = await self._read(slot, prompt)
            read = now()
            await asyncio.sleep(HANG_SECONDS if rule.fault is Fault.SLOW else rule.wait_seconds)
            words = 0
            async for piece in self._words(rule, max_tokens):
                if isinstance(piece, SentText):
                    words += 1
                    slot.known += piece.text
                yield piece
                if isinstance(piece, SentCut | SentGarbage | SentError):
                    return
            if rule.fault is Fault.NOT_DONE:
                return
            said = now()
            reason = "length" if max_tokens and words >= max_tokens else "stop"
            read_tokens, said_tokens = count_tokens(prompt), max(words, 1)
            yield SentEnd(
                _to_nanoseconds(loaded - began),
                _to_nanoseconds(read_seconds),
                read_tokens,
                _to_nanoseconds(said - read),
                said_tokens,
                reason,
            )

    async def _load(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.pace.load_seconds):
                await self.loaded.wait()
        self.loaded.set()

    async def _read(self, slot: _Slot, prompt: str) -> float:
        """Wait as long as reading the new part takes; return the seconds. A cancelled request leaves what it has read in the cache."""
        loop = asyncio.get_running_loop()
        began, known = loop.time(), _count_common_prefix(slot.known, prompt)
        per_second = self.pace.read_rate * CHARACTERS_PER_TOKEN
        slot.known = prompt
        self.characters_read.append(len(prompt) - known)
        try:
            await asyncio.sleep((len(prompt) - known) / per_second)
        except asyncio.CancelledError:
            slot.known = prompt[: known + int((loop.time() - began) * per_second)]
            raise
        return (len(prompt) - known) / per_second

    async def _words(self, rule: Rule, max_tokens: int | None) -> AsyncIterator[SentEvent]:
        words = re.findall(r"\S+\s*", rule.say)[: max_tokens or None]
        has_room = not max_tokens or max_tokens > max(rule.words_before_calls, 1)
        for number, word in enumerate(words):
            if number == _WORDS_BEFORE_A_FAULT and rule.fault:
                async for piece in _send_fault(rule.fault):
                    yield piece
            if rule.calls and number == rule.words_before_calls and has_room:
                yield SentCalls(rule.calls)
            await asyncio.sleep(1 / self.pace.write_rate)
            yield SentText(word)
        if rule.calls and len(words) <= rule.words_before_calls and has_room:
            yield SentCalls(rule.calls)


async def _send_fault(fault: Fault) -> AsyncIterator[SentEvent]:
    match fault:
        case Fault.STALL:
            await asyncio.sleep(HANG_SECONDS)
        case Fault.CUT:
            yield SentCut()
        case Fault.GARBLED:
            yield SentGarbage()
        case Fault.ERROR:
            yield SentError()
        case Fault.UNPARSED:
            yield SentError('error parsing tool call: raw=\'{"name": "La\', err=unexpected end of JSON input')
        case _:
            return


def _count_common_prefix(known: str, prompt: str) -> int:
    """Return the length of the common prefix."""
    low, high = 0, min(len(known), len(prompt))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if known[:middle] == prompt[:middle] else (low, middle - 1)
    return low


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text."""
    return len(text) // CHARACTERS_PER_TOKEN + 1


def _to_nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
