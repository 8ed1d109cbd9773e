"""The extractor: has a language model look at talk while nobody speaks, and stores the facts that rules accept."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf, nextafter
from pathlib import Path
from typing import Protocol

import structlog

from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime import json_store
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory
from wyoming_rosie_intent.memory.extraction.candidates import ExtractionError, parse_candidates
from wyoming_rosie_intent.memory.extraction.grounding import ground, may_have_facts
from wyoming_rosie_intent.memory.extraction.schedule import ExtractionSchedule
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryStoreError,
    SpeakerRole,
)
from wyoming_rosie_intent.memory.service import MemoryService

_LOG = structlog.get_logger()
FILE = "fact-extraction.json"
BATCH = 10
"""Sentences of one request."""
MAX_TALK = 2_000
"""Sentences that are looked through for a batch; of more, the oldest are left out."""
MAX_KNOWN = 5_000
"""Facts that new ones are compared with, the newest."""
ASK_SECONDS = 300.0
MAX_UNREADABLE = 3
"""Answers that cannot be read, after which the sentences of a batch are left out."""


class FactModel(Protocol):
    """A language model of the home that nobody waits for."""

    async def find_facts(self, sentences: Sequence[str]) -> str:
        """Return what the model takes for facts, as JSON of `candidates.SCHEMA`. Raises ModelError."""
        ...

    def restore_prompt(self) -> None:
        """Have the model read again what the next turn begins with."""
        ...


class FactExtractor:
    """Extracts facts from talk, one request at a time; a wake word or a turn ends it at once."""

    def __init__(
        self,
        service: MemoryService,
        memory: DialogueMemory,
        model: FactModel,
        file: Path,
        idle_seconds: float,
        schedule: ExtractionSchedule | None = None,
    ) -> None:
        self._service = service
        self._memory = memory
        self._model = model
        self._file = file
        self._schedule = schedule or ExtractionSchedule(idle_seconds, loop_time())
        self._changed = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._looked_until: float | None = None  # time of the talk that was looked at, as in the file
        self._is_prompt_lost = False
        self._unreadable = 0
        self._problem: str | None = None

    def on_wake_word(self) -> None:
        """Leave the model to the turn that is about to begin."""
        self._schedule.on_wake_word(loop_time())
        self._interrupt()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Leave the model to a turn, during the block."""
        self._schedule.on_turn_start()
        self._interrupt()
        try:
            yield
        finally:
            self._schedule.on_turn_end(loop_time())
            self._changed.set()

    async def run(self) -> None:
        """Extract facts whenever nobody has spoken for a while, until cancelled."""
        while True:
            await self._wait_until_due()
            self._work = asyncio.create_task(self._extract())
            try:
                await asyncio.wait((self._work,))
            finally:
                self._work.cancel()
                await asyncio.gather(self._work, return_exceptions=True)

    def _interrupt(self) -> None:
        self._is_prompt_lost = False  # the turn has its own read
        if self._work is not None:
            self._work.cancel()
        self._changed.set()

    async def _wait_until_due(self) -> None:
        while (wait := self._schedule.get_wait(loop_time())) != 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _extract(self) -> None:
        """Look at the next sentences; failures are retried later, and never spoken of."""
        try:
            has_more = await self._look_at_batch()
        except (RosieError, TimeoutError) as err:
            self._on_failure(str(err) or "the language model takes too long")
            return
        self._problem, self._unreadable = None, 0
        self._schedule.on_success(has_more=has_more)
        if not has_more and self._is_prompt_lost:
            self._is_prompt_lost = False
            self._model.restore_prompt()

    def _on_failure(self, reason: str) -> None:
        if reason != self._problem:
            _LOG.info("facts not extracted", reason=reason)
        self._problem = reason
        self._schedule.on_failure(loop_time())

    async def _look_at_batch(self) -> bool:
        """Store the facts in the oldest sentences that were not looked at; return whether there are more.

        Raises RosieError, TimeoutError.
        """
        said = await self._find_said()
        talk = await asyncio.to_thread(self._select_talk, said)
        batch, has_more = talk[:BATCH], len(talk) > BATCH
        if batch:
            await self._ask(batch)
        if said:
            await self._save_progress((batch if has_more else said)[-1].at)
        return has_more

    async def _find_said(self) -> Sequence[MemoryRecord]:
        """Return what persons said since the last look, oldest first."""
        if self._looked_until is None:
            self._looked_until = await asyncio.to_thread(_read_progress, self._file)
        since = nextafter(self._looked_until, inf)
        where = MemoryFilter(kinds=(MemoryKind.CONVERSATION,), speaker=SpeakerRole.PERSON, since=since)
        return (await self._service.find(ADMIN, where, MAX_TALK))[::-1]

    def _select_talk(self, said: Sequence[MemoryRecord]) -> Sequence[MemoryRecord]:
        return [record for record in said if may_have_facts(record) and not self._memory.is_kept_out(record)]

    async def _ask(self, batch: Sequence[MemoryRecord]) -> None:
        """Store the facts in some sentences; leave them out when no answer about them can be read."""
        try:
            await self._store_facts(batch)
        except ExtractionError:
            self._unreadable += 1
            if self._unreadable < MAX_UNREADABLE:
                raise
            _LOG.info("sentences left out", reason="no answer about their facts could be read", sentences=len(batch))

    async def _store_facts(self, batch: Sequence[MemoryRecord]) -> None:
        self._is_prompt_lost = True
        async with asyncio.timeout(ASK_SECONDS):
            answer = await self._model.find_facts([record.text for record in batch])
        candidates = parse_candidates(answer)
        known = await self._service.find(ADMIN, MemoryFilter(kinds=(MemoryKind.FACT,)), MAX_KNOWN)
        facts, rejections = await asyncio.to_thread(ground, candidates, batch, known)
        stored = await self._service.add_derived(facts)
        _LOG.info("talk looked at for facts", sentences=len(batch), facts=stored, rejected=len(rejections))
        _LOG.debug("candidates rejected", reasons=[reason.value for reason in rejections])

    async def _save_progress(self, looked_until: float) -> None:
        """Remember the time of the last sentence that was looked at. Raises MemoryStoreError."""
        self._looked_until = looked_until
        try:
            await asyncio.to_thread(json_store.write, self._file, {"looked_until": looked_until})
        except OSError as err:
            raise MemoryStoreError(f"{self._file} cannot be written: {err.strerror}") from err


def _read_progress(file: Path) -> float:
    """Return the time of the last sentence that was looked at; that of the first one if it is not known."""
    try:
        return Fields(json_store.read(file) or {}).optional_number("looked_until") or 0.0
    except (OSError, ValueError) as err:
        json_store.quarantine(file, err)
        return 0.0
