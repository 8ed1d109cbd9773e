"""Local VAD: find speech and noise in the command that is being spoken, for the satellite's own endpointing."""

from collections.abc import Callable, Sequence
from typing import Any

from wyoming_rosie.runtime.stream_scheduler import ScheduledStream
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.events import AudioClass, AudioClassified, SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.segmenter import SegmenterRules, for_command
from wyoming_rosie.voice_activity.stream import VadStream, create_scheduler
from wyoming_rosie_satellite.messages import (
    Input,
    NoiseStarted,
    NoiseStopped,
    VadProgress,
    VoiceStarted,
    VoiceStopped,
)


class LocalVad:
    """Follows one command at a time, on a thread of its own."""

    def __init__(self, engine: VadEngine[Any]) -> None:
        self._engine = engine
        self._scheduler = create_scheduler(engine)
        self._stream: ScheduledStream[VadStream, VadEvent] | None = None
        self._first_ms: int | None = None  # of the microphone's audio

    def start(self, on_input: Callable[[Input], None]) -> None:
        """Follow a new command; `on_input` gets what is found in it."""
        self.stop()
        self._first_ms = None
        self._on_input = on_input
        stream = VadStream(self._engine, for_command(SegmenterRules()))
        self._stream = self._scheduler.create_stream(stream, self._on_vad_events)

    def push_audio(self, pcm: bytes, milliseconds: int) -> None:
        """Process the next audio, which starts at a time of the microphone's audio; never waits."""
        if self._stream is None:
            return
        if self._first_ms is None:
            self._first_ms = milliseconds
        self._stream.try_push(pcm)  # a backlog is dropped: the conductor runs a VAD as well
        self._on_input(VadProgress(self._first_ms + self._stream.state.processed_ms))

    def stop(self) -> None:
        """Stop following the command."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            self._scheduler.submit(stream.state.close)

    def close(self) -> None:
        self.stop()
        self._scheduler.close()

    def _on_vad_events(self, events: Sequence[VadEvent]) -> None:
        for event in events:
            self._on_input(_create_input(event, self._first_ms or 0))


def _create_input(event: VadEvent, first_ms: int) -> Input:
    match event:
        case SpeechStart(time):
            return VoiceStarted(first_ms + time)
        case SpeechStop(time):
            return VoiceStopped(first_ms + time)
        case AudioClassified(audio_class=AudioClass.NOISE, time=time):
            return NoiseStarted(first_ms + time)
        case AudioClassified(time=time):
            return NoiseStopped(first_ms + time)
