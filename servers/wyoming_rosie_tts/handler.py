"""One peer's texts to speak: whole, or streamed while they are still being written."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Sequence
from typing import TypeAlias

import structlog
from wyoming.error import Error
from wyoming.event import Event
from wyoming.tts import SynthesizeStopped

from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.protocol.server import Send
from wyoming_rosie_tts.reply_audio import Answer, Studio
from wyoming_rosie_tts.request import reader_of, text_of, wish_of
from wyoming_rosie_tts.text.script import Reader
from wyoming_rosie_tts.text.segments import Piece, Wish, Words

_LOG = structlog.get_logger()
Line: TypeAlias = tuple[Piece, bool]
"""A piece, and whether it is separated from the next."""


class TtsHandler:
    """`synthesize`, or `synthesize-start`, `-chunk` and `-stop`, which is answered however the stream went."""

    def __init__(self, studio: Studio, most_characters: int, send: Send) -> None:
        self._studio = studio
        self._most_characters = most_characters
        self._send = send
        self._stream: _Stream | None = None

    @property
    def is_busy(self) -> bool:
        return self._stream is not None

    async def on_event(self, event: Event) -> None:
        match event.type:
            # Inside a stream Home Assistant sends the whole text once more, for servers that cannot stream.
            case "synthesize" if self._stream is None:
                await self._speak(event)
            case "synthesize-start":
                self._begin(event)
            case "synthesize-chunk":
                self._continue(event)
            case "synthesize-stop":
                await self._finish()

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.drop()

    async def _speak(self, event: Event) -> None:
        lines = Text(reader_of(event), self._most_characters).all(text_of(event))
        await self._perform(self._answer(event), _each(lines))

    def _begin(self, event: Event) -> None:
        if self._stream is not None:
            raise BadEventError("synthesize-start came inside a stream; synthesize-stop ends it", "bad-request")
        self._stream = _Stream(None)  # even when it is refused: synthesize-stop must be answered
        text, answer = Text(reader_of(event), self._most_characters), self._answer(event)
        self._stream = _Stream(text)
        self._stream.begin(self._perform(answer, self._stream.lines()))

    def _continue(self, event: Event) -> None:
        if self._stream is None:
            raise BadEventError("synthesize-chunk came without synthesize-start", "no-synthesize-start")
        self._stream.feed(text_of(event))

    async def _finish(self) -> None:
        if self._stream is None:
            raise BadEventError("synthesize-stop came without synthesize-start", "no-synthesize-start")
        try:
            await self._stream.finish()
        finally:
            self._stream = None
        await self._send(SynthesizeStopped().event())

    async def _perform(self, answer: Answer, lines: AsyncIterable[Line]) -> None:
        """Speak; when that fails tell the peer, before the event that ends what it reads."""
        try:
            with self._studio.work.turn("whole") as spoken:
                async for piece, pause in lines:
                    await answer.say(piece, pause=pause)
                await answer.finish()
                spoken.outcome = "spoken"
        except RosieError as err:
            _LOG.info("request refused", code=err.code, reason=str(err))
            await self._send(Error(str(err), err.code).event())
            await answer.break_off()

    def _answer(self, event: Event) -> Answer:
        return Answer(self._studio, wish_of(event), self._send)


async def rehearse(studio: Studio, phrases: Sequence[str]) -> None:
    """Have the phrases made as they would be for a peer, and kept."""
    for phrase in phrases:
        try:
            answer = Answer(studio, Wish(), _to_nobody, is_rehearsal=True)
            for piece, pause in Text(reader_of(Event("synthesize")), len(phrase)).all(phrase):
                await answer.say(piece, pause=pause)
        except RosieError as err:
            _LOG.warning("a phrase could not be spoken ahead", code=err.code, reason=str(err))


class Text:
    """A text of at most so many characters, as lines."""

    def __init__(self, reader: Reader, most_characters: int) -> None:
        self._reader = reader
        self._most_characters = most_characters
        self._characters = 0

    def all(self, text: str) -> list[Line]:
        """Return what is to be said when this is the whole text. Raises BadEventError."""
        return _ended([*self.feed(text), *self.finish()])

    def feed(self, text: str) -> list[Line]:
        """Return what can be said now. Raises BadEventError."""
        self._characters += len(text)
        if self._characters > self._most_characters:
            raise BadEventError(
                f"a text may have {self._most_characters} characters, this one has more", "text-too-long"
            )
        return _lines(self._reader.feed(text))

    def finish(self) -> list[Line]:
        """Return what is left, which nothing follows. Raises BadEventError."""
        return _ended(_lines(self._reader.finish()))


class _Stream:
    """A text that is still being written, and the task that speaks it; without a text it only waits for its end."""

    def __init__(self, text: Text | None) -> None:
        self._text = text
        self._lines: asyncio.Queue[Line | RosieError | None] = asyncio.Queue()  # no longer than the text may be
        self._task: asyncio.Task[None] | None = None

    def begin(self, performance: Coroutine[None, None, None]) -> None:
        self._task = asyncio.create_task(performance)

    def feed(self, text: str) -> None:
        self._read(lambda one: one.feed(text))

    async def finish(self) -> None:
        """Wait until everything has been said."""
        self._read(Text.finish)
        self._lines.put_nowait(None)
        if self._task is not None:
            await self._task

    async def drop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def lines(self) -> AsyncIterator[Line]:
        """Yield the lines as they come. Raises what was wrong with the text, in its place."""
        while (line := await self._lines.get()) is not None:
            if isinstance(line, RosieError):
                raise line
            yield line

    def _read(self, read: Callable[[Text], list[Line]]) -> None:
        """Take the lines; of a text that is refused nothing more is read."""
        if self._text is None:
            return
        try:
            lines: Sequence[Line | RosieError] = read(self._text)
        except RosieError as err:
            lines, self._text = [err], None
        for line in lines:
            self._lines.put_nowait(line)


def _lines(pieces: Sequence[Piece]) -> list[Line]:
    return [(piece, not (isinstance(piece, Words) and piece.flows_on)) for piece in pieces]


def _ended(lines: list[Line]) -> list[Line]:
    """Return the lines without the silence that nothing follows."""
    return [*lines[:-1], *((piece, False) for piece, _ in lines[-1:])]


async def _to_nobody(event: Event) -> None: ...


async def _each(lines: Sequence[Line]) -> AsyncIterator[Line]:
    for line in lines:
        yield line
