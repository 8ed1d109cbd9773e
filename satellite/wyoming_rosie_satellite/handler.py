"""Connection handler of the satellite: any peer may describe it, one per slot may conduct it."""

import asyncio

from wyoming.event import Event

from wyoming_rosie.audio.receiver import AudioReceiver
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.protocol.connection import NowaitSender
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie.runtime.outbox import Outbox
from wyoming_rosie.wakeword.arbitration.events import parse_arbitration, parse_verdict
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.audio.level_report import parse_watch
from wyoming_rosie_satellite.events import is_volume_event, parse_input, parse_mute, parse_volume
from wyoming_rosie_satellite.integrations.observers import muted_event, volume_event
from wyoming_rosie_satellite.satellite import Satellite


class SatelliteHandler:
    """`run-satellite` makes the peer the conductor of a slot until it disconnects.

    After `pause-satellite` it keeps the slot until another peer claims it, and may still announce something.
    """

    def __init__(self, satellite: Satellite, send: Send, slot: str = m.MAIN_SLOT) -> None:
        self._satellite = satellite
        self._slot = slot
        self._send = send
        self._send_nowait = send.nowait if isinstance(send, NowaitSender) else _refuse_nowait
        self._audio_input = AudioReceiver(asyncio.to_thread, satellite.sound_format)
        self._outbox = Outbox[Event]()
        self._sending: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._satellite.conductor is self and self._satellite.phase is m.SatellitePhase.SPEAKING

    @property
    def allows_idle(self) -> bool:
        return self._satellite.is_paused_by(self, self._slot)

    def queue_event(self, event: Event) -> None:
        """Send an event, at once if possible; a peer that does not read loses it, and soon its connection."""
        if not (self._outbox.is_idle and self._send_nowait(event)):
            self._outbox.put(event)

    def on_audio_nowait(self, event: Event) -> bool:
        """Play the conductor's audio if it is in the speaker's format and the player has room."""
        if not self._satellite.is_conductor(self, self._slot) or not self._satellite.player.has_room:
            return False
        pcm = self._audio_input.read_nowait(event)
        if pcm is None:
            return False
        self._satellite.mark_alive(self, self._slot)
        self._handle(m.ReplyAudioReceived(pcm))
        return True

    def coalesce(self, source: EventStream) -> None:
        """Leave the source as it is: reply audio must not be delayed."""

    async def on_event(self, event: Event) -> None:
        self._satellite.mark_alive(self, self._slot)
        match event.type:
            case "run-satellite":
                self._join()
            case "pause-satellite":
                self._satellite.pause(self, self._slot)
            case _ if self._satellite.is_conductor(self, self._slot):
                await self._on_conductor_event(event)
            case "audio-start":
                raise BadEventError("only the conductor may send audio; send run-satellite first", "not-conductor")

    async def close(self) -> None:
        self._leave()
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.cancel()
            await asyncio.wait([sending])

    def _join(self) -> None:
        self._satellite.join(self, self._slot)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())

    def _leave(self) -> None:
        self._satellite.leave(self, self._slot)

    async def _on_conductor_event(self, event: Event) -> None:
        match event.type:
            case "audio-chunk":
                await self._on_audio(event)
            case "audio-start" | "audio-stop":
                self._satellite.on_event(event, self._slot)
                await self._on_audio(event)
            case _ if is_volume_event(event):
                self._set_volume(event)
            case _ if (seconds := parse_watch(event)) is not None:
                self._satellite.watch(self, seconds)
            case _ if (is_active := parse_arbitration(event)) is not None:
                self._satellite.arbitration.set_arbitrating(self, is_active=is_active)
            case _ if (verdict := parse_verdict(event)) is not None:
                self._satellite.arbitration.on_verdict(verdict)
            case _ if (is_muted := parse_mute(event)) is not None:
                self._satellite.mute(is_muted)
                self.queue_event(muted_event(is_muted))
            case _:
                self._satellite.on_event(event, self._slot)
        if (message := parse_input(event)) is not None:
            self._handle(message)

    def _handle(self, message: m.ConductorInput) -> None:
        self._satellite.handle(m.ConductorMessage(self._slot, message))

    def _set_volume(self, event: Event) -> None:
        """Set the volume, and report it to the conductor."""
        self._satellite.set_volume(parse_volume(event, self._satellite.status.volume))
        self.queue_event(volume_event(self._satellite.status.volume))

    async def _on_audio(self, event: Event) -> None:
        try:
            match event.type:
                case "audio-start":
                    await self._audio_input.start(event)
                    self._handle(m.ReplyAudioStarted())
                case "audio-chunk":
                    await self._on_audio_chunk(event)
                case "audio-stop" if self._audio_input.is_started:
                    self._handle(m.ReplyAudioReceived(self._audio_input.stop(event)))
                    self._handle(m.ReplyAudioEnded())
        except RosieError:
            self._handle(m.ReplyAudioEnded())
            raise
        await self._satellite.player.wait_for_room()

    async def _on_audio_chunk(self, chunk: Event) -> None:
        async for pcm in self._audio_input.read(chunk):
            self._handle(m.ReplyAudioReceived(pcm))
            await self._satellite.player.wait_for_room()

    async def _send_all(self) -> None:
        try:
            await self._outbox.run(self._send)
        except ConnectionError:
            self._leave()


def _refuse_nowait(_: Event) -> bool:
    return False
