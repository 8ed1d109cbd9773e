"""Stand-ins for an engine and for a peer."""

from collections.abc import Iterator

from wyoming.event import Event
from wyoming.info import Attribution, TtsProgram

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import BadEventError, EngineError
from wyoming_rosie_tts.cancellation import Interruption
from wyoming_rosie_tts.engine import Wish
from wyoming_rosie_tts.handler import TtsHandler
from wyoming_rosie_tts.reply_audio import Studio
from wyoming_rosie_tts.text.segments import Words

FORMAT = AudioFormat(1000, 2, 1)


class LetterVoice:
    """Speaks a letter as one piece of ten milliseconds, and a pause as another."""

    def __init__(self, engine: "LetterEngine", audio: AudioFormat) -> None:
        self.audio = audio
        self.identity = f"letters {audio.rate}"
        self._engine = engine

    def speak(self, words: Words, *, pause: bool, interruption: Interruption | None = None) -> Iterator[bytes]:
        if self._engine.broken:
            raise EngineError("the voice is hoarse")
        self._engine.spoken.append(words.text)
        for letter in [*words.text, *("-" if pause else "")]:
            yield letter.encode("utf-16-le")[:2] * (self.audio.rate // 100)


class LetterEngine:
    """Keeps what it was told to speak; `broken` makes it fail. The voice "deep" has half the rate."""

    workers = 1
    is_installed = True

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.broken = False

    def describe(self) -> TtsProgram:
        return TtsProgram("letters", Attribution("", ""), True, None, None, [])

    def voice(self, wish: Wish) -> LetterVoice:
        if wish.name == "nobody":
            raise BadEventError("no voice 'nobody'; there is: letters", "unknown-voice")
        return LetterVoice(self, AudioFormat(FORMAT.rate // 2, 2, 1) if wish.name == "deep" else FORMAT)

    async def install(self) -> None: ...


class Listener:
    """A peer: what it sends reaches a conversation, what it hears is kept."""

    def __init__(self, studio: Studio, most_characters: int = 1000) -> None:
        self.heard: list[Event] = []
        self.conversation = TtsHandler(studio, most_characters, self._hear)

    async def send(self, event_type: str, **data: object) -> None:
        await self.conversation.on_event(Event(event_type, data))

    @property
    def types(self) -> list[str]:
        """What was heard, with each run of audio chunks as one."""
        types = [event.type for event in self.heard]
        return [one for at, one in enumerate(types) if one != "audio-chunk" or types[at - 1] != one]

    @property
    def letters(self) -> str:
        """What was heard of the usual voice."""
        pcm = b"".join(event.payload or b"" for event in self.heard if event.type == "audio-chunk")
        size = FORMAT.bytes_in(0.01)
        return "".join(pcm[at : at + 2].decode("utf-16-le") for at in range(0, len(pcm), size))

    async def _hear(self, event: Event) -> None:
        self.heard.append(event)
