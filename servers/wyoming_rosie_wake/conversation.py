"""One peer's stream of audio, and the wake words that it asked for."""

import structlog
from wyoming.event import Event
from wyoming.wake import Detection, NotDetected

from wyoming_rosie import turn
from wyoming_rosie.audio import SpeechInput
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.service import Send
from wyoming_rosie.wake_words import Heard, WakeStream
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_wake.engine import WakeEngine

_LOG = structlog.get_logger()
MOST_NAMES = 100


class WakeConversation:
    """`detect` names the words, audio follows, each word heard is a `detection`; `not-detected` ends audio without one."""

    def __init__(self, engine: WakeEngine, worker: ThreadWorker, send: Send) -> None:
        self._engine = engine
        self._worker = worker
        self._send = send
        self._audio = SpeechInput()
        self._names: list[str] | None = []  # none: refused, nothing is listened for; empty: all words
        self._detect: Event | None = None
        self._stream: WakeStream | None = None
        self._detections = 0

    @property
    def busy(self) -> bool:
        return False  # a stream has no end that is worth waiting for

    async def on_event(self, event: Event) -> None:
        match event.type:
            case "detect":
                await self._choose(event)
            case "audio-start":
                self._audio.start(event)
                await self._begin()
            case "audio-chunk":
                await self._hear(self._audio.chunk(event))
            case "audio-stop":
                await self._hear(self._audio.stop(event))
                await self._finish(event)

    async def close(self) -> None:
        self._stream = None

    async def _choose(self, event: Event) -> None:
        self._detect = event
        self._names = self._stream = None
        names = _names(event)
        self._engine.check(names)
        self._names = names
        if self._audio.started:
            await self._begin()

    async def _begin(self) -> None:
        self._detections = 0
        if self._names is not None:
            self._stream = await self._worker.run(self._engine.listen, self._names)

    async def _hear(self, pcm: bytes) -> None:
        if self._stream is not None and pcm:
            for heard in await self._worker.run(self._stream.feed, pcm):
                await self._report(heard)

    async def _report(self, heard: Heard) -> None:
        self._detections += 1
        if self._detections > 1 and not self._turn_is_given:
            turn.begin(turn.new_id())
        _LOG.info("wake word", name=heard.name, score=heard.score, ms=heard.milliseconds)
        context = {**self._context(), "score": heard.score}
        await self._send(Detection(name=heard.name, timestamp=heard.milliseconds, context=context).event())

    async def _finish(self, event: Event) -> None:
        if self._stream is not None and not self._detections:
            await self._send(NotDetected(context=self._context()).event())
        self._stream = None

    @property
    def _turn_is_given(self) -> bool:
        return self._detect is not None and "turn_id" in turn.event_context(self._detect)

    def _context(self) -> dict[str, object]:
        return turn.context(self._detect or Event("detect"))


def _names(event: Event) -> list[str]:
    names = event.data.get("names") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(names) > MOST_NAMES:
        raise BadEventError(f"detect: names must be a list of at most {MOST_NAMES} texts")
    return names
