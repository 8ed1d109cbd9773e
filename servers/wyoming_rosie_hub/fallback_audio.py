"""Fallback audio: the phrases for failures and the hub's filler, stored so that they play while tts is down."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, format_of, read_wav, write_wav
from wyoming_rosie.audio.tones import synthesize_tones
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.text import sentences
from wyoming_rosie_hub.messages import Failure
from wyoming_rosie_hub.voice_selection import VoiceSelector

_LOG = structlog.get_logger()
FILLER = "filler"
CLIP_NAMES = (*(failure.value for failure in Failure), FILLER)
SYNTHESIS_TIMEOUT_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 60.0
FALLING_TONES = ((660.0, 0.0), (440.0, 0.15))
LAST_TONE_SECONDS = 0.35


@dataclass(frozen=True)
class AudioClip:
    """A phrase as samples."""

    format: AudioFormat
    pcm: bytes


class FallbackAudio:
    """The phrases of each requested language: read from disk at once, synthesized as soon as tts answers."""

    def __init__(self, folder: Path, tts_uri: Callable[[], str], voices: VoiceSelector) -> None:
        self._folder = folder
        self._tts_uri = tts_uri
        self._voices = voices
        self._clips: dict[tuple[str, str], AudioClip] = {}
        self._language_queue: asyncio.Queue[str] = asyncio.Queue()
        self._requested: set[str] = set()

    def request_language(self, language: str) -> None:
        """Queue the phrases of a language for synthesis."""
        if (supported := sentences.supported_language(language)) not in self._requested:
            self._requested.add(supported)
            self._language_queue.put_nowait(supported)

    def get_clip(self, name: str, language: str) -> AudioClip:
        """Return the phrase's audio; two falling tones if it was never synthesized."""
        return self._clips.get((sentences.supported_language(language), name)) or _create_tones()

    async def run(self) -> None:
        """Load and synthesize the phrases of each requested language, until cancelled."""
        while True:
            language = await self._language_queue.get()
            await asyncio.to_thread(self._load_clips, language)
            await self._synthesize_all(language)

    async def _synthesize_all(self, language: str) -> None:
        """Retry with growing pauses until every phrase is synthesized; store them."""
        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        while True:
            try:
                await self._voices.refresh()
                for name in CLIP_NAMES:
                    text, voice = sentences.format_sentence(f"failures.{name}", language), self._voices.select(language)
                    self._clips[language, name] = await synthesize(self._tts_uri(), text, voice)
            except (RosieError, OSError) as err:
                _LOG.debug("fallback phrases not synthesized yet", language=language, reason=str(err))
            else:
                break
            await backoff.sleep()
        try:
            await asyncio.to_thread(self._save_clips, language)
        except (RosieError, OSError) as err:
            _LOG.warning("fallback phrases could not be stored", reason=str(err))

    def _load_clips(self, language: str) -> None:
        for name in CLIP_NAMES:
            path = self._folder / language / f"{name}.wav"
            if path.is_file():
                try:
                    self._clips.setdefault((language, name), AudioClip(*read_wav(path)))
                except RosieError as err:
                    _LOG.warning("stored phrase cannot be read", reason=str(err))

    def _save_clips(self, language: str) -> None:
        (self._folder / language).mkdir(parents=True, exist_ok=True)
        for name in CLIP_NAMES:
            clip, path = self._clips[language, name], self._folder / language / f"{name}.wav"
            write_wav(path.with_suffix(".new"), clip.format, clip.pcm)
            path.with_suffix(".new").replace(path)  # a full disk leaves no half of a file


async def synthesize(uri: str, text: str, voice: SynthesizeVoice | None = None) -> AudioClip:
    """Return the audio that the tts daemon at `uri` synthesizes. Raises UnreachableError, PeerError."""
    async with connect(uri, role="tts") as peer:
        await peer.send(Synthesize(text=text, voice=voice).event())
        start = await peer.wait_for("audio-start", seconds=SYNTHESIS_TIMEOUT_SECONDS)
        pcm = bytearray()
        while (event := await _next_chunk(peer)) is not None:
            pcm += event.payload or b""
        return AudioClip(format_of(start), bytes(pcm))


async def _next_chunk(peer: Client) -> Event | None:
    event = await peer.wait_for("audio-chunk", "audio-stop", seconds=SYNTHESIS_TIMEOUT_SECONDS)
    return event if event.type == "audio-chunk" else None


def _create_tones() -> AudioClip:
    return AudioClip(SPEECH, synthesize_tones(FALLING_TONES, SPEECH, LAST_TONE_SECONDS))
