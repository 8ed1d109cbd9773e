"""Reply streamer: passes an answer's audio on to the satellite at the pace of its playback."""

import asyncio
from collections.abc import Callable, Iterator

from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, format_of
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.fallback_audio import AudioClip

MAX_AHEAD_SECONDS = 3.0
"""How far an answer's audio is sent ahead of its playback: enough for bad Wi-Fi, little enough to interrupt."""
CHUNK_SECONDS = 0.1
SEGMENT_GAP_SECONDS = 0.5
"""Pause after one segment's audio, beyond which the answer counts as ended: some voices never send `synthesize-stopped`."""


class ReplyStreamer:
    """Streams an answer's audio to the satellite, at most MAX_AHEAD_SECONDS ahead of its playback.

    With `in_segments` the voice gets its text in chunks: each segment of audio ends with `audio-stop`, and the answer
    with `synthesize-stopped`.
    """

    def __init__(
        self, on_input: Callable[[m.Input], None], send: Callable[[Event], None], *, in_segments: bool = False
    ) -> None:
        self._on_input = on_input
        self._send = send
        self._in_segments = in_segments
        self.has_ended = False
        """Whether the satellite was sent the end."""
        self._end_timer: asyncio.TimerHandle | None = None
        self._started_at: float | None = None
        self._seconds = 0.0

    async def on_event(self, event: Event) -> bool:
        """Forward an audio event; return True after the last one."""
        if self._end_timer is not None:
            self._end_timer.cancel()
        match event.type:
            case "audio-chunk":
                await self._forward_chunk(event)
            case "audio-stop" if self._in_segments:
                self._end_timer = asyncio.get_running_loop().call_later(SEGMENT_GAP_SECONDS, self._finish)
            case "audio-stop" | "synthesize-stopped":
                self._finish()
                return True
        return False

    async def play(self, clip: AudioClip) -> None:
        """Send a clip and end the answer."""
        for event in _clip_events(clip):
            await self.on_event(event)

    def _finish(self) -> None:
        if self._started_at is None:
            self._start(SPEECH)  # an answer without audio: the satellite must still report its end
        self._send(AudioStop().event())
        self.has_ended = True
        self._on_input(m.AnswerAudioEnded())

    async def _forward_chunk(self, event: Event) -> None:
        audio = format_of(event)
        seconds = audio.seconds(len(event.payload or b""))
        self._on_input(m.AnswerAudioSent(seconds))
        if self._started_at is None:
            self._start(audio)
        assert self._started_at is not None
        self._send(Event("audio-chunk", event.data, event.payload))
        self._seconds += seconds
        ahead = self._started_at + self._seconds - asyncio.get_running_loop().time()
        if ahead > MAX_AHEAD_SECONDS:
            await asyncio.sleep(ahead - MAX_AHEAD_SECONDS)

    def _start(self, audio: AudioFormat) -> None:
        self._started_at = asyncio.get_running_loop().time()
        self._send(AudioStart(rate=audio.rate, width=audio.width, channels=audio.channels).event())


def _clip_events(clip: AudioClip) -> Iterator[Event]:
    step = clip.format.bytes_in(CHUNK_SECONDS)
    audio = {"rate": clip.format.rate, "width": clip.format.width, "channels": clip.format.channels}
    for start in range(0, len(clip.pcm), step):
        yield Event("audio-chunk", audio, clip.pcm[start : start + step])
    yield AudioStop().event()
