"""Home Assistant as the satellite's conductor over ESPHome's API: its reports become events, and events its messages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

import structlog
from google.protobuf.message import Message
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.satellite import RunSatellite

from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.turn import event_context, new_id
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.esphome.media import MediaError, MediaSource
from wyoming_rosie_satellite.esphome.pipeline_run import FetchReply, PipelineRun, Step, timer_event
from wyoming_rosie_satellite.events import LISTEN_AGAIN_EVENT
from wyoming_rosie_satellite.handler import SatelliteHandler
from wyoming_rosie_satellite.integrations.observers import USER_EVENT
from wyoming_rosie_satellite.satellite import Satellite

_LOG = structlog.get_logger()
MAX_AUDIO_BYTES = 8_192
MAX_WAITING = 8
"""Replies and announcements that wait for those before them."""
BROKEN_SECONDS = 1.0
"""Audio that breaks off ends after this time, unless the connection to Home Assistant has broken as well."""
SendMessage: TypeAlias = Callable[[Message], None]
FindPhrase: TypeAlias = Callable[[str], str]


@dataclass(frozen=True)
class ReplyPlayback:
    """Play the reply to a run."""

    url: str


@dataclass(frozen=True)
class AnnouncementPlayback:
    """Play these URLs one after the other, and then listen if `listens`."""

    urls: tuple[str, ...]
    listens: bool = False


Playback: TypeAlias = ReplyPlayback | AnnouncementPlayback


class EspHomeConductor:
    """Holds the satellite's main slot while a client of the API is subscribed to the voice assistant.

    `find_phrase` returns the phrase of a wake word's name, by which Home Assistant chooses the pipeline.
    """

    def __init__(self, satellite: Satellite, send: SendMessage, media: MediaSource, find_phrase: FindPhrase) -> None:
        self._satellite = satellite
        self._send = send
        self._media = media
        self._find_phrase = find_phrase
        self._handler = SatelliteHandler(satellite, _EventReceiver(self))
        self._run = PipelineRun()
        self._turn_id = ""
        self._waiting: asyncio.Queue[Playback] = asyncio.Queue(MAX_WAITING)
        self._playing: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._is_success = True  # of the audio that is being played
        self._is_question = False  # Home Assistant waits for the run that follows the audio

    @property
    def is_conductor(self) -> bool:
        return self._satellite.is_conductor(self._handler)

    async def join(self) -> None:
        """Take the satellite's slot. Raises BadEventError while another conductor has it."""
        await self._handler.on_event(RunSatellite().event())
        if self._worker is None:
            self._worker = asyncio.create_task(self._play_all())

    async def leave(self) -> None:
        """Release the slot."""
        await self._handler.close()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.cancel()
            await asyncio.wait([worker])

    def mark_alive(self) -> None:
        self._satellite.mark_alive(self._handler)

    def announce(self, urls: Sequence[str]) -> None:
        """Play URLs as an announcement."""
        self._enqueue(AnnouncementPlayback(tuple(urls)))

    async def handle(self, message: Message) -> None:
        """Process a message about the voice assistant; it never waits for audio. Raises BadEventError."""
        match message:
            case api.VoiceAssistantEventResponse():
                reported = {entry.name: entry.value for entry in message.data}
                await self._take_steps(self._run.handle(message.event_type, reported))
            case api.VoiceAssistantResponse() if message.error:
                await self._take_steps(self._run.refuse())
            case api.VoiceAssistantTimerEventResponse():
                if (event := timer_event(message)) is not None:
                    await self._handler.on_event(event)
            case api.VoiceAssistantAnnounceRequest():
                urls = tuple(url for url in (message.preannounce_media_id, message.media_id) if url)
                self._enqueue(AnnouncementPlayback(urls, message.start_conversation))

    def on_satellite_event(self, event: Event) -> None:
        """Process what the satellite sends to its conductor; never waits."""
        match event.type:
            case "detection":
                self._turn_id = str(event_context(event).get("turn_id"))
            case "run-pipeline":
                self._request_run(event)
            case "audio-chunk":
                self._send_audio(event.payload or b"")
            case "audio-stop":
                self._send(api.VoiceAssistantAudio(end=True))
            case "played":
                self._send(api.VoiceAssistantAnnounceFinished(success=self._is_success))
                asyncio.get_running_loop().call_soon(self._decline_question)
            case "ping":
                self._send(api.PingRequest())
            case "error":
                self._abandon()

    def _request_run(self, event: Event) -> None:
        wake_word = event.data.get("wake_word_name")
        self._is_question = False
        self._cancel_playback()
        phrase = None if wake_word is None else self._find_phrase(wake_word)
        self._send(self._run.request(phrase, self._turn_id if wake_word else new_id()))

    def _send_audio(self, pcm: bytes) -> None:
        """Send audio, a long piece in parts: a frame has a limit."""
        for start in range(0, len(pcm), MAX_AUDIO_BYTES):
            self._send(api.VoiceAssistantAudio(data=pcm[start : start + MAX_AUDIO_BYTES]))

    def _decline_question(self) -> None:
        """Answer a question with an empty run if the satellite does not listen: Home Assistant would wait for ever."""
        was_question, self._is_question = self._is_question, False
        if was_question:
            self._send(PipelineRun().request(None, ""))
            self._send(api.VoiceAssistantAudio(end=True))

    async def _take_steps(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Event():
                    await self._handler.on_event(step)
                case m.RunFailed():
                    self._satellite.handle(m.ConductorMessage(m.MAIN_SLOT, step))
                case FetchReply(url):
                    self._enqueue(ReplyPlayback(url))

    # Playback

    def _enqueue(self, playback: Playback) -> None:
        try:
            self._waiting.put_nowait(playback)
        except asyncio.QueueFull:
            self._send(api.VoiceAssistantAnnounceFinished(success=False))

    def _cancel_playback(self) -> None:
        """Drop what is played and what waits, because a run starts."""
        while not self._waiting.empty():
            if isinstance(self._waiting.get_nowait(), AnnouncementPlayback):
                self._send(api.VoiceAssistantAnnounceFinished(success=False))
        if self._playing is not None:
            self._playing.cancel()

    def _abandon(self) -> None:
        """Another conductor has a run: nothing can be played now."""
        self._cancel_playback()
        self._send(api.VoiceAssistantAnnounceFinished(success=False))
        self._decline_question()

    async def _play_all(self) -> None:
        try:
            while True:
                playback = await self._waiting.get()
                self._playing = asyncio.create_task(self._play(playback))
                await asyncio.wait([self._playing])
                if not self._playing.cancelled() and (failure := self._playing.exception()) is not None:
                    _LOG.error("playback failed", exc_info=failure)  # a bug; the next one may succeed
                    self._send(api.VoiceAssistantAnnounceFinished(success=False))
        finally:
            if self._playing is not None:
                self._playing.cancel()
                await asyncio.wait([self._playing])

    async def _play(self, playback: Playback) -> None:
        try:
            match playback:
                case ReplyPlayback(url):
                    if not await self._play_clip([url]):
                        self._send(api.VoiceAssistantAnnounceFinished(success=False))
                        await self._handler.on_event(Event("error", {"text": "no reply audio", "code": "media"}))
                case AnnouncementPlayback(urls, listens):
                    await self._announce(urls, listens=listens)
        except RosieError as err:
            _LOG.warning("audio is not played", reason=str(err))
            self._send(api.VoiceAssistantAnnounceFinished(success=False))

    async def _announce(self, urls: Sequence[str], *, listens: bool) -> None:
        self._is_question = listens
        if await self._play_clip(urls, listens=listens):
            return
        self._send(api.VoiceAssistantAnnounceFinished(success=not urls))
        if listens and not urls:
            self._satellite.trigger()
        self._decline_question()

    async def _play_clip(self, urls: Sequence[str], *, listens: bool = False) -> bool:
        """Play URLs as one clip, and then listen if `listens`; return whether there was any audio."""
        self._is_success = True
        async with self._clip(listens=listens) as send:
            for url in urls:
                try:
                    async with aclosing(self._media.open(url)) as audio:
                        async for piece in audio:
                            await send(piece.format.rate, piece.format.width, piece.format.channels, piece.pcm)
                except MediaError as err:
                    _LOG.warning("audio is not played", reason=str(err))
                    self._is_success = False
                    await asyncio.sleep(BROKEN_SECONDS if send.is_started else 0)
            return send.is_started

    @asynccontextmanager
    async def _clip(self, *, listens: bool) -> AsyncIterator["_ClipSender"]:
        sender = _ClipSender(self._handler, listens=listens)
        try:
            yield sender
        finally:
            if sender.is_started:
                with suppress(RosieError):
                    await self._handler.on_event(AudioStop().event())


class _ClipSender:
    """Passes audio on as the events of one clip, which starts with the first of it."""

    def __init__(self, handler: SatelliteHandler, *, listens: bool) -> None:
        self.is_started = False
        self._handler = handler
        self._listens = listens

    async def __call__(self, rate: int, width: int, channels: int, pcm: bytes) -> None:
        if not self.is_started:
            if self._listens:
                await self._handler.on_event(Event(USER_EVENT, {"name": LISTEN_AGAIN_EVENT}))
            await self._handler.on_event(AudioStart(rate, width, channels).event())
            self.is_started = True
        await self._handler.on_event(AudioChunk(rate, width, channels, pcm).event())


class _EventReceiver:
    """Passes the satellite's events on without a wait."""

    def __init__(self, conductor: EspHomeConductor) -> None:
        self._conductor = conductor

    async def __call__(self, event: Event) -> None:
        self._conductor.on_satellite_event(event)

    def nowait(self, event: Event) -> bool:
        self._conductor.on_satellite_event(event)
        return True
