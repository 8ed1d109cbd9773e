"""One peer of the satellite: anybody may ask what it is, one may conduct it."""

import asyncio

import structlog
from wyoming.event import Event

from wyoming_rosie.audio import SpeechInput
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.service import Send
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite import volume_order
from wyoming_rosie_satellite.events import input_of
from wyoming_rosie_satellite.outside.watchers import volume_set
from wyoming_rosie_satellite.satellite import Satellite
from wyoming_rosie_satellite.volume_order import is_volume_order

_LOG = structlog.get_logger()
EVENTS_WAITING = 512


class SatelliteConversation:
    """`run-satellite` makes the peer the conductor, `pause-satellite` or its leaving ends that."""

    def __init__(self, satellite: Satellite, send: Send) -> None:
        self._satellite = satellite
        self._send = send
        self._sound = SpeechInput(satellite.sound_format)
        self._outbox: asyncio.Queue[Event] = asyncio.Queue(EVENTS_WAITING)
        self._sending: asyncio.Task[None] | None = None
        self._lost = 0

    @property
    def busy(self) -> bool:
        return self._satellite.conductor is self and self._satellite.phase is m.Phase.SPEAKING

    def tell(self, event: Event) -> None:
        """Send an event soon; a peer that does not read loses it, and soon its connection."""
        try:
            self._outbox.put_nowait(event)
        except asyncio.QueueFull:
            self._lost += 1
            if self._lost == 1:
                _LOG.warning("the conductor does not read; audio for it is lost")

    async def on_event(self, event: Event) -> None:
        self._satellite.heard_from(self)
        match event.type:
            case "run-satellite":
                self._join()
            case "pause-satellite":
                self._satellite.leave(self)
            case _ if self._satellite.conductor is self:
                await self._obey(event)
            case "audio-start":
                raise BadEventError("only the conductor may send sound; send run-satellite first", "not-conductor")

    async def close(self) -> None:
        self._satellite.leave(self)
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    def _join(self) -> None:
        self._satellite.join(self)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())

    async def _obey(self, event: Event) -> None:
        match event.type:
            case "audio-chunk":
                await self._take_sound(event)
            case "audio-start" | "audio-stop":
                self._satellite.told(event)
                await self._take_sound(event)
            case _ if is_volume_order(event):
                self._set_volume(event)
            case _:
                self._satellite.told(event)
        if (given := input_of(event)) is not None:
            self._satellite.take(given)

    def _set_volume(self, order: Event) -> None:
        """Be as loud as the conductor wants, and tell it how loud that is."""
        self._satellite.set_volume(volume_order.wanted(order, self._satellite.shown.volume))
        self.tell(volume_set(self._satellite.shown.volume))

    async def _take_sound(self, event: Event) -> None:
        try:
            for given in self._sound_inputs(event):
                self._satellite.take(given)
        except RosieError:
            self._satellite.take(m.SoundEnded())
            raise
        await self._satellite.player.room()

    def _sound_inputs(self, event: Event) -> list[m.Input]:
        match event.type:
            case "audio-start":
                self._sound.start(event)
                return [m.SoundStarted()]
            case "audio-chunk":
                return [m.SoundReceived(self._sound.chunk(event))]
            case "audio-stop" if self._sound.started:
                return [m.SoundReceived(self._sound.stop(event)), m.SoundEnded()]
        return []

    async def _send_all(self) -> None:
        try:
            while True:
                await self._send(await self._outbox.get())
        except ConnectionError:
            self._satellite.leave(self)
