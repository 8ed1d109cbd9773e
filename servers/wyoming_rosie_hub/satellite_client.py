"""A satellite as the hub sees it: connected to exactly as Home Assistant does, again and again if need be."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.satellite import RunSatellite

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter, format_of, split_chunk
from wyoming_rosie.errors import BadEventError, RosieError, UnreachableError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.turn_runner import Conductor, House, language_of
from wyoming_rosie_hub.volume_intents import percent_of

_LOG = structlog.get_logger()
PING_SECONDS = 2.0
SILENCE_SECONDS = 5.0
MAX_PAUSE_SECONDS = 30.0
EVENTS_WAITING = 512
BUSY = "busy"
"""The code of a satellite's error that has another conductor."""


class SatelliteLink:
    """Keeps one satellite connected and lets it have its turns."""

    def __init__(self, uri: str, house: House) -> None:
        self.uri = uri
        self.satellite_id: str | None = None  # known while it is connected
        self.area: str | None = None
        self._house = house
        self._outbox: asyncio.Queue[Event] = asyncio.Queue(EVENTS_WAITING)
        self._unreachable = False
        self._conductor: Conductor | None = None  # while it is connected

    def announce(self, announced: m.Announced) -> bool:
        """Say something that nobody asked for; return whether the satellite is there."""
        if self._conductor is None:
            return False
        self._conductor.take(announced)
        return True

    def tell(self, event: Event) -> None:
        """Queue an event; a satellite that takes nothing any more loses it, and soon its connection."""
        try:
            self._outbox.put_nowait(event)
        except asyncio.QueueFull:
            _LOG.warning("satellite does not read", satellite=self.satellite_id, lost=event.type)

    async def run(self) -> None:
        """Stay connected, with growing pauses between attempts."""
        backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
        while True:
            try:
                async with connect(self.uri) as peer:
                    await self._serve(peer)
            except RosieError as err:
                if self.satellite_id:
                    backoff.reset()
                self._say_unreachable(err)
            self.satellite_id = None
            await backoff.sleep()

    def _say_unreachable(self, error: RosieError) -> None:
        if self.satellite_id or not self._unreachable:
            _LOG.warning("satellite is away", uri=self.uri, reason=str(error))
        self._unreachable = True

    async def _serve(self, peer: Client) -> None:
        while not self._outbox.empty():
            self._outbox.get_nowait()  # meant for an earlier connection
        await peer.send(Describe().event())
        info = Info.from_event(await peer.wait_for("info", seconds=SILENCE_SECONDS))
        if info.satellite is None:
            raise UnreachableError(f"{self.uri} is not a satellite")
        await peer.send(RunSatellite().event())  # now, since some ask for a run at once
        speaker = m.Speaker(info.satellite.name, info.satellite.area)
        conductor = Conductor(self._house, speaker, self.tell)
        sending = asyncio.create_task(self._send_all(peer))
        pinging = asyncio.create_task(self._ping())
        self.satellite_id, self.area, self._unreachable = speaker.satellite_id, speaker.area, False
        self._conductor = conductor
        _LOG.info("satellite joined", satellite=speaker.satellite_id, area=speaker.area, uri=self.uri)
        self._house.timekeeper.joined(speaker.satellite_id)
        self._house.announcements.joined(speaker.satellite_id)
        try:
            volumes = self._house.volumes
            listener = _Listener(conductor, self.tell, lambda percent: volumes.told(speaker.satellite_id, percent))
            await listener.listen(peer)
        finally:
            self._conductor = None
            for task in (sending, pinging):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({sending, pinging})
            await conductor.close()

    async def _send_all(self, peer: Client) -> None:
        with suppress(UnreachableError):  # the listener notices, and says so once
            while True:
                await peer.send(await self._outbox.get())

    async def _ping(self) -> None:
        while True:
            self.tell(Ping().event())
            await asyncio.sleep(PING_SECONDS)


class _Listener:
    """Turns a satellite's events into inputs of its conductor."""

    def __init__(self, conductor: Conductor, tell: Callable[[Event], None], volume_told: Callable[[int], None]) -> None:
        self._conductor = conductor
        self._tell = tell
        self._volume_told = volume_told
        self._answers_pings = False  # satellites of old never do
        self._wake_word: str | None = None
        self._turn_id: str | None = None
        self._format: AudioFormat | None = None
        self._converter: Converter | None = None

    async def listen(self, peer: Client) -> None:
        """Take events until the satellite is gone. Raises UnreachableError."""
        while True:
            event = await peer.receive(SILENCE_SECONDS if self._answers_pings else None)
            match event.type:
                case "pong":
                    self._answers_pings = True
                case "ping":
                    self._tell(Pong(event.data.get("text")).event())
                case "detection":
                    self._wake_word = event.data.get("name")
                    self._turn_id = turn.event_context(event).get("turn_id")
                case "run-pipeline":
                    self._run(event)
                case "audio-chunk":
                    await self._hear(event)
                case "audio-stop":
                    self._conductor.take(m.AudioEnded())
                case "played":
                    self._conductor.take(m.Played())
                case "user-event" if (percent := percent_of(event)) is not None:
                    self._volume_told(percent)
                case "error" if event.data.get("code") == BUSY:
                    raise UnreachableError(str(event.data.get("text")))
                case "error":
                    _LOG.warning("satellite reports an error", code=event.data.get("code"))

    def _run(self, event: Event) -> None:
        needs_wake = event.data.get("start_stage") == "wake"
        self._format = None
        self._conductor.speaks(language_of(turn.event_context(event)))
        turn_id = self._turn_id or turn.event_context(event).get("turn_id") or turn.new_id()
        self._conductor.take(m.RunAsked(turn_id, needs_wake, self._wake_word))
        self._wake_word = self._turn_id = None

    async def _hear(self, event: Event) -> None:
        try:
            for piece in split_chunk(event):
                self._conductor.take(m.AudioHeard(self._speech(piece)))
                await asyncio.sleep(0)
        except BadEventError as err:
            _LOG.warning("satellite sent audio that is none", reason=str(err))

    def _speech(self, chunk: Event) -> bytes:
        audio = format_of(chunk)
        if audio != self._format or self._converter is None:
            self._format, self._converter = audio, Converter(audio, SPEECH)
        return self._converter.convert(chunk.payload or b"")
