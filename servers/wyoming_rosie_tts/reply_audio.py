"""The sound of one answer, from what is to be said."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

import structlog
from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event

from wyoming_rosie.audio.formats import Converter
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie.protocol.server import Send
from wyoming_rosie_tts import phrase_cache
from wyoming_rosie_tts.cancellation import Interruption
from wyoming_rosie_tts.engine import TtsEngine, Voice
from wyoming_rosie_tts.phrase_cache import PhraseCache
from wyoming_rosie_tts.synthesis_scheduler import Desk, Playback
from wyoming_rosie_tts.text.segments import Mark, Pause, Piece, Wish, Words

_LOG = structlog.get_logger()
CHUNK_SECONDS = 0.2
NOBODY_WAITS_SECONDS = 3600.0
"""Of sound in hand, as it were, so that everybody goes before a rehearsal."""


@dataclass(frozen=True)
class Studio:
    """What all answers share."""

    engine: TtsEngine
    desk: Desk
    phrases: PhraseCache
    work: TurnMetrics = NULL_TURN_METRICS


class Answer:
    """One audio-start to audio-stop in one format, whatever is said in it: clients that write one WAV header get it all."""

    def __init__(self, studio: Studio, wish: Wish, send: Send, *, is_rehearsal: bool = False) -> None:
        self._studio = studio
        self._voice = studio.engine.voice(wish)
        self._send = send
        self._is_rehearsal = is_rehearsal
        self._playback = Playback()
        if is_rehearsal:
            self._playback.add(NOBODY_WAITS_SECONDS, _now())
        self._characters = 0
        self._asked_at: float | None = None  # when the first piece came, in seconds of the loop's clock
        self._first_ms: int | None = None  # from then to the first sound
        self._has_begun = False
        self._sent_bytes = 0

    async def say(self, piece: Piece, *, pause: bool) -> None:
        """Send the sound of a piece, with the silence that separates words from the next. Raises EngineError, BadEventError."""
        self._asked_at = self._asked_at or _now()
        match piece:
            case Words():
                await self._say(piece, pause=pause)
            case Pause(milliseconds):
                self._playback.add(milliseconds / 1000, _now())
                await self._give(bytes(self._voice.audio.bytes_in(milliseconds / 1000)))
            case Mark(name):
                data = {"name": name, "timestamp": self._milliseconds}
                await self._send(Event("user-event", {"name": "mark", "data": data}))

    async def finish(self) -> None:
        """End the audio, which begins even when there was nothing to say."""
        await self._begin()
        await self.break_off()
        if self._first_ms is not None:
            self._studio.work.observe_stage("first-sound", self._first_ms)
        _LOG.info("spoken", characters=self._characters, first_ms=self._first_ms, audio_ms=self._milliseconds)

    async def break_off(self) -> None:
        """End the audio if it has begun."""
        if self._has_begun:
            await self._send(AudioStop(timestamp=self._milliseconds).event())

    async def _say(self, words: Words, *, pause: bool) -> None:
        self._characters += len(words.text)
        voice = self._voice if words.wish is None else self._nearest(words.wish)
        converter = Converter(voice.audio, self._voice.audio)
        async with aclosing(self._sound(voice, words, pause=pause)) as pieces:
            async for pcm in pieces:
                await self._give(converter.convert(pcm))
        await self._give(converter.finish())

    def _nearest(self, wish: Wish) -> Voice:
        """Return the voice that a text asks for in its midst, else one of that language, else the answer's own."""
        wishes = [wish, Wish(language=wish.language)] if wish.language else [wish]
        for one in wishes:
            with suppress(BadEventError):
                return self._studio.engine.voice(one)
        _LOG.info("the answer's own voice speaks: there is none such", voice=wish.name, language=wish.language)
        return self._voice

    async def _sound(self, voice: Voice, words: Words, *, pause: bool) -> AsyncGenerator[bytes, None]:
        """Yield the sound that is kept, else the sound that the engine makes, and keep it."""
        key = phrase_cache.key(voice, words, pause=pause)
        if (kept := await self._studio.phrases.find(key)) is not None:
            if self._is_rehearsal:
                self._studio.phrases.add(key, kept, always=True)
            self._playback.add(voice.audio.seconds(len(kept)), _now())
            yield kept
            return
        made = bytearray()
        interruption = Interruption()
        steps = voice.speak(words, pause=pause, interruption=interruption)
        async with aclosing(self._studio.desk.speak(steps, voice.audio, self._playback, interruption)) as pieces:
            async for pcm in pieces:
                made += pcm
                yield pcm
        self._studio.phrases.add(key, bytes(made), always=self._is_rehearsal)

    async def _give(self, pcm: bytes) -> None:
        audio = self._voice.audio
        size = audio.bytes_in(CHUNK_SECONDS)
        for at in range(0, len(pcm), size):
            await self._begin()
            data = {
                "rate": audio.rate,
                "width": audio.width,
                "channels": audio.channels,
                "timestamp": self._milliseconds,
            }
            chunk = pcm[at : at + size]
            await self._send(Event("audio-chunk", data, chunk))
            self._sent_bytes += len(chunk)
            if self._first_ms is None and self._asked_at is not None:
                self._first_ms = round(1000 * (_now() - self._asked_at))

    async def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            audio = self._voice.audio
            await self._send(AudioStart(audio.rate, audio.width, audio.channels, timestamp=0).event())

    @property
    def _milliseconds(self) -> int:
        return round(1000 * self._voice.audio.seconds(self._sent_bytes))


def _now() -> float:
    return asyncio.get_running_loop().time()
