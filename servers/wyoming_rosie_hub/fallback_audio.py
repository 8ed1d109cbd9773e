"""Words for failures and fillers, kept as sound so that they can be said when the voice itself is down."""

import asyncio
import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice

from wyoming_rosie.audio.formats import AudioFormat, format_of, read_wav, write_wav
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_hub import sentences
from wyoming_rosie_hub.messages import Failure
from wyoming_rosie_hub.voice_selection import VoiceSelector

_LOG = structlog.get_logger()
FILLER = "filler"
CLIP_NAMES = (*(failure.value for failure in Failure), FILLER)
SYNTHESIS_TIMEOUT_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 60.0
TONE_FORMAT = AudioFormat(rate=16_000, width=2, channels=1)


@dataclass(frozen=True)
class AudioClip:
    """A phrase as samples."""

    format: AudioFormat
    pcm: bytes


class FallbackAudio:
    """The phrases as sound, in each language that is spoken: from disk at once, from the voice as soon as it answers."""

    def __init__(self, folder: Path, tts_uri: Callable[[], str], voices: VoiceSelector) -> None:
        self._folder = folder
        self._tts_uri = tts_uri
        self._voices = voices
        self._clips: dict[tuple[str, str], AudioClip] = {}
        self._language_queue: asyncio.Queue[str] = asyncio.Queue()
        self._requested: set[str] = set()

    def request_language(self, language: str) -> None:
        """Have the phrases of a language ready soon."""
        if (known := sentences.supported_language(language)) not in self._requested:
            self._requested.add(known)
            self._language_queue.put_nowait(known)

    def get_clip(self, name: str, language: str) -> AudioClip:
        """Return the phrase's sound; before the voice has ever answered, two falling tones."""
        return self._clips.get((sentences.supported_language(language), name)) or _fallback_tones()

    async def run(self) -> None:
        """Fill the store with each language that is wanted, until cancelled."""
        while True:
            await self._synthesize_all(await self._language_queue.get())

    async def _synthesize_all(self, language: str) -> None:
        """Try again with growing pauses until the voice has spoken every phrase."""
        await asyncio.to_thread(self._load_clips, language)
        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        while True:
            try:
                await self._voices.refresh()
                for name in CLIP_NAMES:
                    words, voice = (
                        sentences.format_sentence(f"failures.{name}", language),
                        self._voices.select(language),
                    )
                    self._clips[language, name] = await synthesize(self._tts_uri(), words, voice)
                await asyncio.to_thread(self._save_clips, language)
            except (RosieError, OSError) as err:
                _LOG.debug("phrases not spoken yet", language=language, reason=str(err))
            else:
                return
            await backoff.sleep()

    def _load_clips(self, language: str) -> None:
        for name in CLIP_NAMES:
            path = self._folder / language / f"{name}.wav"
            if path.is_file():
                try:
                    self._clips.setdefault((language, name), AudioClip(*read_wav(path)))
                except RosieError as err:
                    _LOG.warning("a stored phrase is unusable", reason=str(err))

    def _save_clips(self, language: str) -> None:
        (self._folder / language).mkdir(parents=True, exist_ok=True)
        for name in CLIP_NAMES:
            sound = self._clips[language, name]
            write_wav(self._folder / language / f"{name}.wav", sound.format, sound.pcm)


async def synthesize(uri: str, text: str, voice: SynthesizeVoice | None = None) -> AudioClip:
    """Return the text as the tts daemon at `uri` speaks it. Raises UnreachableError, PeerError."""
    async with connect(uri) as peer:
        await peer.send(Synthesize(text=text, voice=voice).event())
        start = await peer.wait_for("audio-start", seconds=SYNTHESIS_TIMEOUT_SECONDS)
        pcm = bytearray()
        while (event := await _next_chunk(peer)) is not None:
            pcm += event.payload or b""
        return AudioClip(format_of(start), bytes(pcm))


async def _next_chunk(peer: Client) -> Event | None:
    event = await peer.wait_for("audio-chunk", "audio-stop", seconds=SYNTHESIS_TIMEOUT_SECONDS)
    return event if event.type == "audio-chunk" else None


def _fallback_tones() -> AudioClip:
    """Return 0.5 s of two falling tones (660 Hz, then 440 Hz)."""
    rate, half = TONE_FORMAT.rate, TONE_FORMAT.rate // 4
    wave = array("h")
    for hertz in (660, 440):
        for sample in range(half):
            fade = min(1.0, sample / 400, (half - sample) / 400)  # no clicks
            wave.append(round(8_000 * fade * math.sin(2 * math.pi * hertz * sample / rate)))
    return AudioClip(TONE_FORMAT, wave.tobytes())
