"""One peer of the satellite: anybody may ask what it is, one may conduct it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from wyoming.event import Event

from wyoming_rosie.audio.formats import SpeechInput
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.protocol.connection import NowaitSender
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie.runtime.outbox import Outbox
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite import volume_event
from wyoming_rosie_satellite.events import input_of
from wyoming_rosie_satellite.integrations.observers import volume_set
from wyoming_rosie_satellite.satellite import Satellite
from wyoming_rosie_satellite.volume_event import is_volume_order

T = TypeVar("T")


class SatelliteHandler:
    """`run-satellite` makes the peer the conductor of a seat, and its leaving ends that.

    After `pause-satellite` it keeps the seat until somebody wants it, and may still announce something.
    """

    def __init__(self, satellite: Satellite, send: Send, seat: str = m.MAIN) -> None:
        self._satellite = satellite
        self._seat = seat
        self._send = send
        self._send_now = send.nowait if isinstance(send, NowaitSender) else _not_now
        self._sound = SpeechInput(satellite.sound_format)
        self._outbox = Outbox[Event]()
        self._sending: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._satellite.conductor is self and self._satellite.phase is m.Phase.SPEAKING

    @property
    def allows_idle(self) -> bool:
        return self._satellite.is_paused_by(self, self._seat)

    def tell(self, event: Event) -> None:
        """Send an event, at once if that can be; a peer that does not read loses it, and soon its connection."""
        if not (self._outbox.is_idle and self._send_now(event)):
            self._outbox.put(event)

    def on_audio_nowait(self, event: Event) -> bool:
        """Take the conductor's sound that is as the speaker wants it, while the player has room."""
        if not self._satellite.is_conducted_by(self, self._seat) or not self._satellite.player.has_room:
            return False
        pcm = self._sound.pass_through(event)
        if pcm is None:
            return False
        self._satellite.heard_from(self, self._seat)
        self._says(m.SoundReceived(pcm))
        return True

    def coalesce(self, source: EventStream) -> None:
        """Let the next sound come as soon as it is there."""

    async def on_event(self, event: Event) -> None:
        self._satellite.heard_from(self, self._seat)
        match event.type:
            case "run-satellite":
                self._join()
            case "pause-satellite":
                self._satellite.pause(self, self._seat)
            case _ if self._satellite.is_conducted_by(self, self._seat):
                await self._obey(event)
            case "audio-start":
                raise BadEventError("only the conductor may send sound; send run-satellite first", "not-conductor")

    async def close(self) -> None:
        self._leave()
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.cancel()
            await asyncio.wait([sending])

    def _join(self) -> None:
        self._satellite.join(self, self._seat)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())

    def _leave(self) -> None:
        self._satellite.leave(self, self._seat)

    async def _obey(self, event: Event) -> None:
        match event.type:
            case "audio-chunk":
                await self._take_sound(event)
            case "audio-start" | "audio-stop":
                self._satellite.told(event, self._seat)
                await self._take_sound(event)
            case _ if is_volume_order(event):
                self._set_volume(event)
            case _:
                self._satellite.told(event, self._seat)
        if (part := input_of(event)) is not None:
            self._says(part)

    def _says(self, part: m.Part) -> None:
        self._satellite.take(m.Said(self._seat, part))

    def _set_volume(self, order: Event) -> None:
        """Be as loud as the conductor wants, and tell it how loud that is."""
        self._satellite.set_volume(volume_event.wanted(order, self._satellite.shown.volume))
        self.tell(volume_set(self._satellite.shown.volume))

    async def _take_sound(self, event: Event) -> None:
        try:
            match event.type:
                case "audio-start":
                    await self._read(self._sound.start, event)
                    self._says(m.SoundStarted())
                case "audio-chunk":
                    await self._take_chunk(event)
                case "audio-stop" if self._sound.started:
                    self._says(m.SoundReceived(self._sound.stop(event)))
                    self._says(m.SoundEnded())
        except RosieError:
            self._says(m.SoundEnded())
            raise
        await self._satellite.player.room()

    async def _take_chunk(self, chunk: Event) -> None:
        for piece in self._sound.split(chunk):
            self._says(m.SoundReceived(await self._read(self._sound.chunk, piece)))
            await self._satellite.player.room()

    async def _read(self, read: Callable[[Event], T], event: Event) -> T:
        return await asyncio.to_thread(read, event) if self._sound.needs_conversion(event) else read(event)

    async def _send_all(self) -> None:
        try:
            await self._outbox.run(self._send)
        except ConnectionError:
            self._leave()


def _not_now(_: Event) -> bool:
    return False
