"""Where somebody speaks while a command is being spoken, so that a satellite knows by itself when it is over."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wyoming_rosie.runtime.stream_scheduler import ScheduledStream
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, create_scheduler
from wyoming_rosie_satellite.messages import Input, VadProgress, VoiceStarted, VoiceStopped

if TYPE_CHECKING:
    from wyoming_rosie.voice_activity.silero_engine import SileroEngine


class LocalVad:
    """Listens to one command at a time, on a thread of its own."""

    def __init__(self, engine: "SileroEngine") -> None:
        self._engine = engine
        self._scheduler = create_scheduler(engine)
        self._stream: ScheduledStream[VadStream, VadEvent] | None = None
        self._first_ms: int | None = None  # of the microphone's audio

    def start(self, tell: Callable[[Input], None]) -> None:
        """Listen to a new command, and tell of the voices in it."""
        self.stop()
        self._first_ms = None
        self._on_input = tell
        self._stream = self._scheduler.create_stream(VadStream(self._engine, SegmenterRules()), self._on_vad_events)

    def push_audio(self, pcm: bytes, milliseconds: int) -> None:
        """Take the next audio, which begins at a time of the microphone's audio; never waits."""
        if self._stream is None:
            return
        if self._first_ms is None:
            self._first_ms = milliseconds
        self._stream.try_push(pcm)  # what is too late is not listened to: the conductor has ears as well
        self._on_input(VadProgress(self._first_ms + self._stream.state.processed_ms))

    def stop(self) -> None:
        """Listen to nobody."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            self._scheduler.submit(stream.state.close)

    def close(self) -> None:
        self.stop()
        self._scheduler.close()

    def _on_vad_events(self, findings: Sequence[VadEvent]) -> None:
        first_ms = self._first_ms or 0
        for finding in findings:
            match finding:
                case SpeechStart(at_ms):
                    self._on_input(VoiceStarted(first_ms + at_ms))
                case SpeechStop(at_ms):
                    self._on_input(VoiceStopped(first_ms + at_ms))
