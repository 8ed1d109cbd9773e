"""Where somebody speaks while a command is being spoken, so that a satellite knows by itself when it is over."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wyoming_rosie.runtime.stream_scheduler import ScheduledStream
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, create_scheduler
from wyoming_rosie_satellite.messages import Input, VoicesHeard, VoiceStarted, VoiceStopped

if TYPE_CHECKING:
    from wyoming_rosie.voice_activity.silero_engine import SileroEngine


class Voices:
    """Listens to one command at a time, on a thread of its own."""

    def __init__(self, engine: "SileroEngine") -> None:
        self._engine = engine
        self._listening = create_scheduler(engine)
        self._stream: ScheduledStream[VadStream, VadEvent] | None = None
        self._first_ms: int | None = None  # of the microphone's audio

    def begin(self, tell: Callable[[Input], None]) -> None:
        """Listen to a new command, and tell of the voices in it."""
        self.end()
        self._first_ms = None
        self._tell = tell
        self._stream = self._listening.create_stream(VadStream(self._engine, SegmenterRules()), self._found)

    def hear(self, pcm: bytes, milliseconds: int) -> None:
        """Take the next audio, which begins at a time of the microphone's audio; never waits."""
        if self._stream is None:
            return
        if self._first_ms is None:
            self._first_ms = milliseconds
        self._stream.try_push(pcm)  # what is too late is not listened to: the conductor has ears as well
        self._tell(VoicesHeard(self._first_ms + self._stream.state.processed_ms))

    def end(self) -> None:
        """Listen to nobody."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            self._listening.submit(stream.state.close)

    def close(self) -> None:
        self.end()
        self._listening.close()

    def _found(self, findings: Sequence[VadEvent]) -> None:
        first_ms = self._first_ms or 0
        for finding in findings:
            match finding:
                case SpeechStart(at_ms):
                    self._tell(VoiceStarted(first_ms + at_ms))
                case SpeechStop(at_ms):
                    self._tell(VoiceStopped(first_ms + at_ms))
