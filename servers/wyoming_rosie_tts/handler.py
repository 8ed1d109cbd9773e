"""Connection handler of the text-to-speech daemon."""

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
"""A segment, and whether the silence between sentences follows it."""


class TtsHandler:
    """Answers `synthesize` with speech, and `synthesize-start`, `-chunk` and `-stop` while the text is still written.

    A stop is answered even if the stream failed.
    """

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
            # Inside a stream, Home Assistant sends the whole text again for servers that cannot stream.
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
        self._stream = _TextStream(None)  # a refused stream must answer synthesize-stop too
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
        """Speak the segments; a failure is sent before the audio-stop, after which clients stop reading."""
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
            await asyncio.to_thread(numbers.load)  # say-as needs it, and the first import blocks
        return LimitedParser(parser, self._max_characters)

    def _create_reply(self, event: Event) -> ReplyAudio:
        return ReplyAudio(self._context, parse_voice_request(event), self._send)


async def prewarm(context: TtsContext, phrases: Sequence[str]) -> None:
    """Synthesize the phrases as for a client, and pin them in the cache."""
    for phrase in phrases:
        try:
            reply = ReplyAudio(context, VoiceRequest(), _discard, is_prewarm=True)
            for segment, pause in LimitedParser(create_parser(Event("synthesize")), len(phrase)).parse(phrase):
                await reply.send_segment(segment, pause=pause)
        except RosieError as err:
            _LOG.warning("cannot prewarm a phrase", code=err.code, reason=str(err))


class LimitedParser:
    """Parses a text of at most `max_characters`, and decides which segments are followed by silence."""

    def __init__(self, parser: SegmentParser, max_characters: int) -> None:
        self._parser = parser
        self._max_characters = max_characters
        self._characters = 0

    def parse(self, text: str) -> list[SegmentWithPause]:
        """Return the segments of a whole text. Raises BadEventError."""
        return _without_last_pause([*self.feed(text), *self.finish()])

    def feed(self, text: str) -> list[SegmentWithPause]:
        """Return the segments that are complete. Raises BadEventError."""
        self._characters += len(text)
        if self._characters > self._max_characters:
            raise BadEventError(
                f"a text may have {self._max_characters} characters, this one has more", "text-too-long"
            )
        return _with_pauses(self._parser.feed(text))

    def finish(self) -> list[SegmentWithPause]:
        """Return the remaining segments. Raises BadEventError."""
        return _without_last_pause(_with_pauses(self._parser.finish()))


class _TextStream:
    """A streamed text and the task that speaks it. Without a parser, it only waits for synthesize-stop."""

    def __init__(self, parser: LimitedParser | None) -> None:
        self._parser = parser
        # bounded by the parser's limit
        self._segments: asyncio.Queue[SegmentWithPause | RosieError | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self, speaking: Coroutine[None, None, None]) -> None:
        self._task = asyncio.create_task(speaking)

    def feed(self, text: str) -> None:
        self._parse(lambda parser: parser.feed(text))

    async def finish(self) -> None:
        """Wait until the whole text has been spoken."""
        self._parse(LimitedParser.finish)
        self._segments.put_nowait(None)
        if self._task is not None:
            await self._task

    async def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def segments(self) -> AsyncIterator[SegmentWithPause]:
        """Yield the segments as they come. Raises the error of a refused text after the segments before it."""
        while (item := await self._segments.get()) is not None:
            if isinstance(item, RosieError):
                raise item
            yield item

    def _parse(self, parse: Callable[[LimitedParser], list[SegmentWithPause]]) -> None:
        """Queue the segments, or the error of a refused text, of which nothing more is parsed."""
        if self._parser is None:
            return
        try:
            items: Sequence[SegmentWithPause | RosieError] = parse(self._parser)
        except RosieError as err:
            items, self._parser = [err], None
        for item in items:
            self._segments.put_nowait(item)


def _with_pauses(segments: Sequence[Segment]) -> list[SegmentWithPause]:
    return [(segment, not (isinstance(segment, TextSegment) and segment.joins_next)) for segment in segments]


def _without_last_pause(segments: list[SegmentWithPause]) -> list[SegmentWithPause]:
    return [*segments[:-1], *((segment, False) for segment, _ in segments[-1:])]


async def _discard(event: Event) -> None: ...


async def _iterate(segments: Sequence[SegmentWithPause]) -> AsyncIterator[SegmentWithPause]:
    for segment in segments:
        yield segment
