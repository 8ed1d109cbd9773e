"""One peer's texts to speak: whole, or streamed while they are still being written."""

import asyncio

import structlog
from wyoming.audio import AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.tts import SynthesizeStopped

from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.service import Send
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_tts.engine import Take, TtsEngine, Voice
from wyoming_rosie_tts.relay import relay
from wyoming_rosie_tts.request import text_of, wish_of
from wyoming_rosie_tts.sentence import Sentences
from wyoming_rosie_tts.speakable import speakable

_LOG = structlog.get_logger()


class TtsConversation:
    """`synthesize`, or `synthesize-start`, `-chunk` and `-stop`: one audio-start to audio-stop for each answer.

    Clients that write one WAV header, or stop at the first audio-stop, so get it all. Peers take turns at the engine
    sentence by sentence: the worker runs calls in order, and each peer has at most one waiting.
    """

    def __init__(self, engine: TtsEngine, worker: ThreadWorker, most_characters: int, send: Send) -> None:
        self._engine = engine
        self._worker = worker
        self._most_characters = most_characters
        self._send = send
        self._answer: _Answer | None = None
        self._is_streaming = False

    @property
    def busy(self) -> bool:
        return self._is_streaming

    async def on_event(self, event: Event) -> None:
        match event.type:
            # Inside a stream Home Assistant sends the whole text once more, for servers that cannot stream.
            case "synthesize" if not self._is_streaming:
                await self._speak(event)
            case "synthesize-start":
                self._begin(event)
            case "synthesize-chunk":
                await self._continue(event)
            case "synthesize-stop":
                await self._finish()

    async def close(self) -> None:
        self._answer = None

    async def _speak(self, event: Event) -> None:
        await self._say(self._new_answer(event), text_of(event), is_last=True)

    def _begin(self, event: Event) -> None:
        if self._is_streaming:
            raise BadEventError("synthesize-start came inside a stream; synthesize-stop ends it", "bad-request")
        self._is_streaming = True  # even when it is refused: synthesize-stop must be answered
        self._answer = self._new_answer(event)

    async def _continue(self, event: Event) -> None:
        if not self._is_streaming:
            raise BadEventError("synthesize-chunk came without synthesize-start", "no-synthesize-start")
        text = text_of(event)
        if self._answer is not None and not await self._say(self._answer, text, is_last=False):
            self._answer = None  # the peer has been told; nothing more is spoken

    async def _finish(self) -> None:
        if not self._is_streaming:
            raise BadEventError("synthesize-stop came without synthesize-start", "no-synthesize-start")
        if self._answer is not None:
            await self._say(self._answer, "", is_last=True)
        self._answer = None
        self._is_streaming = False
        await self._send(SynthesizeStopped().event())

    async def _say(self, answer: "_Answer", text: str, *, is_last: bool) -> bool:
        """Speak; when that fails tell the peer, before the event that ends what it reads. Return whether it went well."""
        try:
            await answer.add(text)
            if is_last:
                await answer.finish()
        except RosieError as err:
            _LOG.info("request refused", code=err.code, reason=str(err))
            await self._send(Error(str(err), err.code).event())
            await answer.break_off()
            return False
        return True

    def _new_answer(self, event: Event) -> "_Answer":
        return _Answer(self._engine.voice(wish_of(event)), self._worker, self._most_characters, self._send)


class _Answer:
    """The sound of one answer, from its text as it comes."""

    def __init__(self, voice: Voice, worker: ThreadWorker, most_characters: int, send: Send) -> None:
        self._voice = voice
        self._worker = worker
        self._most_characters = most_characters
        self._send = send
        self._sentences = Sentences()
        self._characters = 0
        self._asked_at: float | None = None  # when the first text came, in seconds of the loop's clock
        self._first_ms: int | None = None  # from then to the first sound
        self._started = False
        self._sent_bytes = 0

    async def add(self, text: str) -> None:
        """Speak the sentences that are complete with this text. Raises BadEventError, EngineError."""
        self._asked_at = self._asked_at or _now()
        self._characters += len(text)
        if self._characters > self._most_characters:
            raise BadEventError(
                f"a text may have {self._most_characters} characters, this one has more", "text-too-long"
            )
        for sentence in self._sentences.feed(text):
            await self._say(sentence, pause=True)

    async def finish(self) -> None:
        """Speak what is left and end the audio, which begins even when there is nothing to say. Raises EngineError."""
        *most, last = self._sentences.finish() or [""]
        for sentence in most:
            await self._say(sentence, pause=True)
        await self._say(last, pause=False)
        await self._start()
        await self.break_off()
        _LOG.info("spoken", characters=self._characters, first_ms=self._first_ms, audio_ms=self._milliseconds)

    async def break_off(self) -> None:
        """End the audio if it has begun."""
        if self._started:
            await self._send(AudioStop(timestamp=self._milliseconds).event())

    async def _say(self, sentence: str, *, pause: bool) -> None:
        text = speakable(sentence).strip()
        if not text:
            return

        def make(take: Take) -> None:
            self._voice.speak(text, take, pause=pause)

        await relay(self._worker, make, self._give)

    async def _give(self, pcm: bytes) -> None:
        await self._start()
        audio = self._voice.audio
        data = {"rate": audio.rate, "width": audio.width, "channels": audio.channels, "timestamp": self._milliseconds}
        await self._send(Event("audio-chunk", data, pcm))
        self._sent_bytes += len(pcm)
        if self._first_ms is None and self._asked_at is not None:
            self._first_ms = round(1000 * (_now() - self._asked_at))

    async def _start(self) -> None:
        if not self._started:
            self._started = True
            audio = self._voice.audio
            await self._send(AudioStart(audio.rate, audio.width, audio.channels, timestamp=0).event())

    @property
    def _milliseconds(self) -> int:
        return round(1000 * self._voice.audio.seconds(self._sent_bytes))


def _now() -> float:
    return asyncio.get_running_loop().time()
