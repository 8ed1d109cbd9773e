"""Stand-ins for an engine and for a peer."""

from wyoming.event import Event
from wyoming.info import Attribution, TtsProgram

from wyoming_rosie.audio import AudioFormat
from wyoming_rosie.errors import BadEventError, EngineError
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_tts.conversation import TtsConversation
from wyoming_rosie_tts.engine import Take, TtsEngine, Wish

FORMAT = AudioFormat(1000, 2, 1)


class LetterVoice:
    """Speaks a letter as one piece of ten milliseconds, and a pause as another."""

    audio = FORMAT

    def __init__(self, spoken: list[str], broken: bool) -> None:
        self._spoken = spoken
        self._broken = broken

    def speak(self, text: str, take: Take, *, pause: bool) -> None:
        if self._broken:
            raise EngineError("the voice is hoarse")
        self._spoken.append(text)
        for letter in [*text, *("-" if pause else "")]:
            if not take(letter.encode("utf-16-le")[:2] * 10):
                return


class LetterEngine:
    """Keeps what it was told to speak; `broken` makes it fail."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.broken = False

    def describe(self) -> TtsProgram:
        return TtsProgram("letters", Attribution("", ""), True, None, None, [])

    def voice(self, wish: Wish) -> LetterVoice:
        if wish.name == "nobody":
            raise BadEventError("no voice 'nobody'; there is: letters", "unknown-voice")
        return LetterVoice(self.spoken, self.broken)


class Listener:
    """A peer: what it sends reaches a conversation, what it hears is kept."""

    def __init__(self, engine: TtsEngine, worker: ThreadWorker, most_characters: int = 1000) -> None:
        self.heard: list[Event] = []
        self.conversation = TtsConversation(engine, worker, most_characters, self._hear)

    async def send(self, event_type: str, **data: object) -> None:
        await self.conversation.on_event(Event(event_type, data))

    @property
    def types(self) -> list[str]:
        """What was heard, with each run of audio chunks as one."""
        types = [event.type for event in self.heard]
        return [one for at, one in enumerate(types) if one != "audio-chunk" or types[at - 1] != one]

    @property
    def letters(self) -> str:
        chunks = [event.payload or b"" for event in self.heard if event.type == "audio-chunk"]
        return "".join(chunk[:2].decode("utf-16-le") for chunk in chunks)

    async def _hear(self, event: Event) -> None:
        self.heard.append(event)
