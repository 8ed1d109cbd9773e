"""Voices of the tts daemon: the list, and samples of them."""

import asyncio
from collections.abc import Callable, Sequence

from wyoming.event import Event
from wyoming.info import Info, TtsVoice
from wyoming.tts import Synthesize, SynthesizeVoice

from wyoming_rosie.audio.formats import AudioFormat, encode_wav, format_of
from wyoming_rosie.errors import BadEventError, RosieError, UnreachableError
from wyoming_rosie_hub.daemon_streams import DaemonStream
from wyoming_rosie_hub.voice_selection import select_voice
from wyoming_rosie_hub.web.house import HouseVoice, TooManySentencesError, VoiceTrial

TRIAL_SECONDS = 60.0
MAX_TRIALS = 2
"""Trials at a time: the daemon also speaks the answers."""
MAX_AUDIO_BYTES = 16_000_000


class UnknownVoiceError(RosieError):
    """The tts daemon has no such voice installed."""

    code = "voice"


def list_voices(info: Info, language: str) -> Sequence[HouseVoice]:
    """Return the voices of a tts daemon; one is the default for a language."""
    offered = [(voice, voice.installed and program.installed) for program in info.tts for voice in program.voices]
    default = _find_default([voice for voice, is_installed in offered if is_installed], language)
    return [_describe(voice, is_installed, voice is default) for voice, is_installed in offered]


def _find_default(installed: Sequence[TtsVoice], language: str) -> TtsVoice | None:
    selected = select_voice(installed, language)
    if selected is None:
        return None
    return next(voice for voice in installed if voice.name == selected.name or selected.language in voice.languages)


def _describe(voice: TtsVoice, is_installed: bool, is_default: bool) -> HouseVoice:
    languages = tuple(voice.languages)
    speakers = tuple(speaker.name for speaker in voice.speakers or ())
    description = voice.description or ""
    return HouseVoice(
        voice.name, next(iter(languages), None), languages, description, speakers, is_installed, is_default
    )


class VoiceSampler:
    """Speaks texts with the tts daemon at `find_uri()`, a bounded number at a time."""

    def __init__(self, find_uri: Callable[[], str]) -> None:
        self._find_uri = find_uri
        self._running = 0

    async def speak(self, trial: VoiceTrial) -> bytes:
        """Return the spoken text as WAV. Raises RosieError."""
        if self._running >= MAX_TRIALS:
            raise TooManySentencesError(f"{MAX_TRIALS} voices are being tried; wait until they have spoken")
        self._running += 1
        try:
            async with asyncio.timeout(TRIAL_SECONDS):
                return await self._speak(trial)
        except TimeoutError as err:
            raise UnreachableError(f"the voice has not spoken within {TRIAL_SECONDS:g} s") from err
        finally:
            self._running -= 1

    async def _speak(self, trial: VoiceTrial) -> bytes:
        audio = _SampleAudio()
        voice = SynthesizeVoice(name=trial.voice, speaker=trial.speaker)
        request = Synthesize(text=trial.text, voice=voice).event()
        await DaemonStream(self._find_uri(), "tts", [request], audio.on_event).run()
        return audio.to_wav()


class _SampleAudio:
    """The audio of one answer."""

    def __init__(self) -> None:
        self._format: AudioFormat | None = None
        self._pcm = bytearray()

    async def on_event(self, event: Event) -> bool:
        if event.type == "audio-chunk":
            self._add(event)
        return event.type == "audio-stop"

    def to_wav(self) -> bytes:
        if self._format is None:
            raise UnreachableError("the tts daemon has sent no audio")
        return encode_wav(self._format, bytes(self._pcm))

    def _add(self, event: Event) -> None:
        try:
            sent = format_of(event)
        except BadEventError as err:
            raise UnreachableError(f"the tts daemon has sent invalid audio: {err}") from err
        if self._format not in (None, sent) or len(self._pcm) > MAX_AUDIO_BYTES:
            raise UnreachableError("the tts daemon has sent too much audio, or in two formats")
        self._format = sent
        self._pcm += event.payload or b""
