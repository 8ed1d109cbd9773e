"""Answer routes: the ways on which an answer's sound reaches a page, other than as it came from the voice."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from wyoming.event import Event

from wyoming_rosie.audio.formats import AudioFormat, format_of
from wyoming_rosie_hub.web.opus import OpusEncoder, OpusInput, can_encode
from wyoming_rosie_hub.web.playout import Item, Playout
from wyoming_rosie_hub.web.stream_messages import MAX_AUDIO_BYTES, OPUS, OPUS_FRAME_BYTES
from wyoming_rosie_hub.web.transports import Transport

_FORMAT = {"rate": OPUS.rate, "width": OPUS.width, "channels": OPUS.channels}


def audio_start(transport: Transport) -> Event:
    """Return the event that announces sound in the format OPUS."""
    return Event("audio-start", {**_FORMAT, "transport": transport.value})


def audio_chunks(pcm: bytes) -> Iterator[Event]:
    """Yield events with sound in the format OPUS."""
    for start in range(0, len(pcm), MAX_AUDIO_BYTES):
        yield Event("audio-chunk", _FORMAT, pcm[start : start + MAX_AUDIO_BYTES])


class OpusAnswer:
    """Sends Opus packets."""

    def __init__(self, audio: AudioFormat, send: Callable[[Event], None]) -> None:
        self._input = OpusInput(audio)
        self._encoder = OpusEncoder()
        self._send = send
        self._pcm = b""

    def add(self, pcm: bytes) -> None:
        self._pcm += self._input.convert(pcm)
        while len(self._pcm) >= OPUS_FRAME_BYTES:
            self._send_packet()

    def end(self) -> None:
        self._pcm += self._input.finish()
        while self._pcm:
            self._send_packet()
        self._send(Event("audio-stop"))

    def leave_track(self) -> None:
        """Go on: an answer by WebSocket needs no track."""

    def _send_packet(self) -> None:
        packet, self._pcm = self._encoder.encode(self._pcm[:OPUS_FRAME_BYTES]), self._pcm[OPUS_FRAME_BYTES:]
        self._send(Event("audio-chunk", _FORMAT, packet))


class TrackAnswer:
    """Queues sound for the track of a WebRTC connection; without it, what is left goes by the WebSocket."""

    def __init__(self, audio: AudioFormat, playout: Playout, send: Callable[[Event], None]) -> None:
        self._input = OpusInput(audio)
        self._playout: Playout | None = playout
        self._send = send
        self._has_ended = False

    def add(self, pcm: bytes) -> None:
        self._pass_on(self._input.convert(pcm))

    def end(self) -> None:
        self._has_ended = True
        self._pass_on(self._input.finish())
        due = [Event("audio-stop")] if self._playout is None else self._playout.add_event(Event("audio-stop"))
        for event in due:
            self._send(event)

    def leave_track(self) -> None:
        """Send what is left by the WebSocket."""
        if self._playout is None:
            return
        items, self._playout = self._playout.clear(), None
        if items or not self._has_ended:
            self._send(audio_start(Transport.PCM))
            send_items(items, self._send)

    def _pass_on(self, pcm: bytes) -> None:
        if self._playout is not None:
            self._playout.add_sound(pcm)
        else:
            send_items([pcm], self._send)


AnswerRoute: TypeAlias = OpusAnswer | TrackAnswer


def create_route(
    start: Event, transport: Transport, playout: Playout, send: Callable[[Event], None]
) -> AnswerRoute | None:
    """Announce an answer and return its route; None for one that cannot be encoded and goes as it came."""
    audio = format_of(start)
    if not can_encode(audio):
        send(start)
        return None
    send(audio_start(transport))
    return OpusAnswer(audio, send) if transport is Transport.OPUS else TrackAnswer(audio, playout, send)


def send_items(items: Sequence[Item], send: Callable[[Event], None]) -> None:
    """Send what was queued for a track by the WebSocket."""
    for item in items:
        for event in audio_chunks(item) if isinstance(item, bytes) else [item]:
            send(event)
