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
from wyoming_rosie.text import numbers
from wyoming_rosie_tts.reply_audio import ReplyAudio, TtsContext
from wyoming_rosie_tts.request import create_parser, is_ssml, parse_text, parse_voice_request
from wyoming_rosie_tts.text.segment_builder import SegmentParser
from wyoming_rosie_tts.text.segments import Segment, TextSegment, VoiceRequest

_LOG = structlog.get_logger()
SegmentWithPause: TypeAlias = tuple[Segment, bool]
"""A piece, and whether it is separated from the next."""


class TtsHandler:
    """`synthesize`, or `synthesize-start`, `-chunk` and `-stop`, which is answered however the stream went."""

    def __init__(self, context: TtsContext, max_characters: int, send: Send) -> None:
        self._context = context
        self._max_characters = max_characters
        self._send = send
        self._stream: _TextStream | None = None

    @property
    def is_busy(self) -> bool:
        return self._stream is not None

    async def on_event(self, event: Event) -> None:
        match event.type:
            # Inside a stream Home Assistant sends the whole text once more, for servers that cannot stream.
            case "synthesize" if self._stream is None:
                await self._synthesize(event)
            case "synthesize-start":
                await self._start_stream(event)
            case "synthesize-chunk":
                self._feed_stream(event)
            case "synthesize-stop":
                await self._finish_stream()

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.cancel()

    async def _synthesize(self, event: Event) -> None:
        parser = await self._create_parser(event)
        segments = parser.parse(parse_text(event))
        await self._speak_segments(self._create_reply(event), _iterate(segments))

    async def _start_stream(self, event: Event) -> None:
        if self._stream is not None:
            raise BadEventError("synthesize-start came inside a stream; synthesize-stop ends it", "bad-request")
        self._stream = _TextStream(None)  # even when it is refused: synthesize-stop must be answered
        parser, reply = await self._create_parser(event), self._create_reply(event)
        self._stream = _TextStream(parser)
        self._stream.start(self._speak_segments(reply, self._stream.segments()))

    def _feed_stream(self, event: Event) -> None:
        if self._stream is None:
            raise BadEventError("synthesize-chunk came without synthesize-start", "no-synthesize-start")
        self._stream.feed(parse_text(event))

    async def _finish_stream(self) -> None:
        if self._stream is None:
            raise BadEventError("synthesize-stop came without synthesize-start", "no-synthesize-start")
        try:
            await self._stream.finish()
        finally:
            self._stream = None
        await self._send(SynthesizeStopped().event())

    async def _speak_segments(self, reply: ReplyAudio, segments: AsyncIterable[SegmentWithPause]) -> None:
        """Speak; when that fails tell the peer, before the event that ends what it reads."""
        try:
            with self._context.metrics.turn("whole") as turn:
                async for segment, pause in segments:
                    await reply.send_segment(segment, pause=pause)
                await reply.finish()
                turn.outcome = "spoken"
        except RosieError as err:
            _LOG.info("request refused", code=err.code, reason=str(err))
            await self._send(Error(str(err), err.code).event())
            await reply.stop()

    async def _create_parser(self, event: Event) -> "LimitedParser":
        parser = create_parser(event)
        if is_ssml(event):
            await asyncio.to_thread(numbers.load)  # for say-as
        return LimitedParser(parser, self._max_characters)

    def _create_reply(self, event: Event) -> ReplyAudio:
        return ReplyAudio(self._context, parse_voice_request(event), self._send)


async def prewarm(context: TtsContext, phrases: Sequence[str]) -> None:
    """Have the phrases made as they would be for a peer, and kept."""
    for phrase in phrases:
        try:
            reply = ReplyAudio(context, VoiceRequest(), _discard, is_prewarm=True)
            for segment, pause in LimitedParser(create_parser(Event("synthesize")), len(phrase)).parse(phrase):
                await reply.send_segment(segment, pause=pause)
        except RosieError as err:
            _LOG.warning("a phrase could not be spoken ahead", code=err.code, reason=str(err))


class LimitedParser:
    """A text of at most so many characters, as lines."""

    def __init__(self, parser: SegmentParser, max_characters: int) -> None:
        self._parser = parser
        self._max_characters = max_characters
        self._characters = 0

    def parse(self, text: str) -> list[SegmentWithPause]:
        """Return what is to be said when this is the whole text. Raises BadEventError."""
        return _without_last_pause([*self.feed(text), *self.finish()])

    def feed(self, text: str) -> list[SegmentWithPause]:
        """Return what can be said now. Raises BadEventError."""
        self._characters += len(text)
        if self._characters > self._max_characters:
            raise BadEventError(
                f"a text may have {self._max_characters} characters, this one has more", "text-too-long"
            )
        return _with_pauses(self._parser.feed(text))

    def finish(self) -> list[SegmentWithPause]:
        """Return what is left, which nothing follows. Raises BadEventError."""
        return _without_last_pause(_with_pauses(self._parser.finish()))


class _TextStream:
    """A text that is still being written, and the task that speaks it; without a text it only waits for its end."""

    def __init__(self, parser: LimitedParser | None) -> None:
        self._parser = parser
        self._segments: asyncio.Queue[SegmentWithPause | RosieError | None] = (
            asyncio.Queue()
        )  # no longer than the text may be
        self._task: asyncio.Task[None] | None = None

    def start(self, speaking: Coroutine[None, None, None]) -> None:
        self._task = asyncio.create_task(speaking)

    def feed(self, text: str) -> None:
        self._parse(lambda one: one.feed(text))

    async def finish(self) -> None:
        """Wait until everything has been said."""
        self._parse(LimitedParser.finish)
        self._segments.put_nowait(None)
        if self._task is not None:
            await self._task

    async def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def segments(self) -> AsyncIterator[SegmentWithPause]:
        """Yield the lines as they come. Raises what was wrong with the text, in its place."""
        while (line := await self._segments.get()) is not None:
            if isinstance(line, RosieError):
                raise line
            yield line

    def _parse(self, parse: Callable[[LimitedParser], list[SegmentWithPause]]) -> None:
        """Take the lines; of a text that is refused nothing more is read."""
        if self._parser is None:
            return
        try:
            lines: Sequence[SegmentWithPause | RosieError] = parse(self._parser)
        except RosieError as err:
            lines, self._parser = [err], None
        for line in lines:
            self._segments.put_nowait(line)


def _with_pauses(segments: Sequence[Segment]) -> list[SegmentWithPause]:
    return [(piece, not (isinstance(piece, TextSegment) and piece.joins_next)) for piece in segments]


def _without_last_pause(segments: list[SegmentWithPause]) -> list[SegmentWithPause]:
    """Return the lines without the silence that nothing follows."""
    return [*segments[:-1], *((piece, False) for piece, _ in segments[-1:])]


async def _discard(event: Event) -> None: ...


async def _iterate(segments: Sequence[SegmentWithPause]) -> AsyncIterator[SegmentWithPause]:
    for line in segments:
        yield line
