"""A fake engine and a fake client."""

from collections.abc import Iterator

from wyoming.event import Event
from wyoming.info import Attribution, TtsProgram

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import BadEventError, EngineError
from wyoming_rosie_tts.engine import StepCancellation, VoiceRequest
from wyoming_rosie_tts.handler import TtsHandler
from wyoming_rosie_tts.loudness import LoudnessNormalizer
from wyoming_rosie_tts.reply_audio import TtsContext
from wyoming_rosie_tts.text.segments import TextSegment

FORMAT = AudioFormat(1000, 2, 1)
UNCHANGED = LoudnessNormalizer({"letters 500": 1.0, "letters 1000": 1.0})
"""Leaves the letters as they are."""


class LetterVoice:
    """Speaks each letter as a chunk of ten milliseconds, and a pause as another."""

    def __init__(self, engine: "LetterEngine", audio_format: AudioFormat, language: str | None = None) -> None:
        self.audio_format = audio_format
        self.identity = f"letters {audio_format.rate}"
        self.language = language or engine.language
        self.volume = 1.0
        self._engine = engine

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        if self._engine.broken:
            raise EngineError("the voice is hoarse")
        self._engine.spoken.append(
            segment.text if self.language == self._engine.language else f"{self.language}: {segment.text}"
        )
        for letter in [*segment.text, *("-" if pause else "")]:
            yield letter.encode("utf-16-le")[:2] * (self.audio_format.rate // 100)


class LetterEngine:
    """Records the texts it speaks, in one language or in none; `broken` makes it fail. The voice "deep" has half the sample rate."""

    workers = 1
    is_installed = True

    def __init__(self, language: str = "") -> None:
        self.spoken: list[str] = []
        self.language = language
        self.broken = False

    def describe(self) -> TtsProgram:
        return TtsProgram("letters", Attribution("", ""), True, None, None, [])

    def select_voice(self, request: VoiceRequest) -> LetterVoice:
        if request.name == "nobody":
            raise BadEventError("no voice 'nobody'; there is: letters", "unknown-voice")
        if request.language == "xx":
            raise BadEventError("no voice speaks xx", "unknown-language")
        audio_format = AudioFormat(FORMAT.rate // 2, 2, 1) if request.name == "deep" else FORMAT
        return LetterVoice(self, audio_format, request.language)

    async def install(self) -> None: ...


class Listener:
    """A client whose events reach a handler, and which records the events it receives."""

    def __init__(self, context: TtsContext, max_characters: int = 1000) -> None:
        self.received: list[Event] = []
        self.handler = TtsHandler(context, max_characters, self._receive)

    async def send(self, event_type: str, **data: object) -> None:
        await self.handler.on_event(Event(event_type, data))

    @property
    def types(self) -> list[str]:
        """The types of the received events, with consecutive audio chunks as one."""
        types = [event.type for event in self.received]
        return [one for at, one in enumerate(types) if one != "audio-chunk" or types[at - 1] != one]

    @property
    def letters(self) -> str:
        """The letters in the received audio of the default voice."""
        pcm = b"".join(event.payload or b"" for event in self.received if event.type == "audio-chunk")
        size = FORMAT.bytes_in(0.01)
        return "".join(pcm[at : at + 2].decode("utf-16-le") for at in range(0, len(pcm), size))

    async def _receive(self, event: Event) -> None:
        self.received.append(event)
