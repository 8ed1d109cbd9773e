"""A satellite with ESPHome's API on fake devices, the official client as Home Assistant, and a web server with its audio."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aioesphomeapi import VoiceAssistantAnnounceFinished, VoiceAssistantEventType
from aioesphomeapi.client import APIClient
from aiohttp import web
from wyoming.event import Event
from wyoming.info import Attribution, WakeModel, WakeProgram

from tests.unit.satellite.fakes import RecordingSpeaker
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.protocol.admission import PRIVATE_NETWORKS, parse_networks
from wyoming_rosie.runtime.secrets import ESPHOME_KEY_FILE
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.audio.music_mixer import MusicMixer
from wyoming_rosie_satellite.audio.volume import Volume
from wyoming_rosie_satellite.esphome.device import KeyStore, create_device, format_key
from wyoming_rosie_satellite.esphome.entities import Entities
from wyoming_rosie_satellite.esphome.media import HttpMedia
from wyoming_rosie_satellite.esphome.media_player import MediaPlayer
from wyoming_rosie_satellite.esphome.server import EspHomeServer
from wyoming_rosie_satellite.esphome.wake_words import WakeWordSelection
from wyoming_rosie_satellite.integrations.observers import Observers
from wyoming_rosie_satellite.satellite import Satellite, SatelliteComponents
from wyoming_rosie_satellite.storage.timer_service import SatelliteTimerService

ADDRESS = "tcp://127.0.0.1:0"
TONE = b"\x01\x02" * 1600
CREDIT = Attribution("tests", "")
Kind = VoiceAssistantEventType


def wake_program(*words: str) -> WakeProgram:
    models = [WakeModel(word, CREDIT, True, word, None, ["en"], word.replace("_", " ").title()) for word in words]
    return WakeProgram("tests", CREDIT, True, None, None, models)


def wav(pcm: bytes, rate: int = SPEECH.rate) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setframerate(rate)
        out.setsampwidth(2)
        out.setnchannels(1)
        out.writeframes(pcm)
    return file.getvalue()


class FakeLeds:
    brightness = 1.0


@dataclass
class AudioServer:
    """Serves audio by path; one that is `None` begins and never ends."""

    files: dict[str, bytes | None] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["AudioServer"]:
        application = web.Application()
        application.router.add_get("/{name}", self._get)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert isinstance(site._server, asyncio.Server)
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _get(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.fetched.append(name)
        if name not in self.files:
            raise web.HTTPNotFound
        content = self.files[name]
        if content is not None:
            return web.Response(body=content)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(wav(TONE)[:40] + b"\xff\xff\xff\xff" + TONE)
        await asyncio.Event().wait()
        return response


class HomeAssistantClient:
    """Does with the official client what Home Assistant does; `runs` and `heard` are what the satellite sent."""

    def __init__(self, port: int, key: str | None = None) -> None:
        self.api = APIClient("127.0.0.1", port, None, noise_psk=key, client_info="Home Assistant")
        self.runs: list[tuple[str, str | None]] = []
        self.heard = bytearray()
        self.stops: list[bool] = []
        self.finished: list[bool] = []
        self.states: list[Any] = []
        self.is_lost = asyncio.Event()

    @asynccontextmanager
    async def connected(self, *, subscribes: bool = True) -> AsyncIterator["HomeAssistantClient"]:
        await self.api.connect(on_stop=self._on_stop, login=True)
        try:
            if subscribes:
                self.subscribe()
            yield self
        finally:
            with suppress(Exception):
                await self.api.disconnect(force=True)

    def subscribe(self) -> None:
        self.api.subscribe_voice_assistant(
            handle_start=self._on_start,
            handle_stop=self._on_end,
            handle_audio=self._on_audio,
            handle_announcement_finished=self._on_finished,
        )
        self.api.subscribe_states(self.states.append)

    def report(self, kind: VoiceAssistantEventType, **data: str) -> None:
        self.api.send_voice_assistant_event(kind, data)

    def answer(self, text: str, url: str, continues: str = "0") -> None:
        """Report a run from its start to its end, as a pipeline does."""
        self.report(Kind.VOICE_ASSISTANT_RUN_START)
        self.report(Kind.VOICE_ASSISTANT_STT_START)
        self.report(Kind.VOICE_ASSISTANT_STT_VAD_END)
        self.report(Kind.VOICE_ASSISTANT_STT_END, text="turn on the light")
        self.report(Kind.VOICE_ASSISTANT_INTENT_START)
        self.report(Kind.VOICE_ASSISTANT_INTENT_END, conversation_id="c1", continue_conversation=continues)
        self.report(Kind.VOICE_ASSISTANT_TTS_START, text=text)
        self.report(Kind.VOICE_ASSISTANT_TTS_END, url=url)
        self.report(Kind.VOICE_ASSISTANT_RUN_END)

    async def _on_start(self, conversation: str, _flags: int, _settings: Any, phrase: str | None) -> int:
        self.runs.append((conversation, phrase))
        return 0

    async def _on_end(self, abort: bool) -> None:
        self.stops.append(abort)

    async def _on_audio(self, pcm: bytes, _second: bytes | None = None) -> None:
        self.heard += pcm

    async def _on_finished(self, finished: VoiceAssistantAnnounceFinished) -> None:
        self.finished.append(finished.success)

    async def _on_stop(self, _expected: bool) -> None:
        self.is_lost.set()


class EspHomeRoom:
    """A satellite that hears only what the test lets it hear."""

    def __init__(self, folder: Path, audio: AudioServer, key: bytes | None = None, *, slow: bool = False) -> None:
        self.audio = audio
        self.speaker = RecordingSpeaker(slow=slow)
        self.seen: list[Event] = []
        self.selected: list[Sequence[str]] = []
        self.leds = FakeLeds()
        mixer = MusicMixer(self.speaker)
        observers = Observers([self])
        self.volume = Volume(SPEECH)
        components = SatelliteComponents(
            {m.Cue.TIMER: b"\x07\x00" * 160, m.Cue.ERROR: b"\x08\x00" * 160, m.Cue.LOST: b"\x09\x00" * 160},
            volume=self.volume,
            observers=observers,
            ducking=mixer,
            wake_words=("okay_nabu",),
        )
        self.satellite = Satellite(mixer, components)
        self.satellite.timers = SatelliteTimerService(folder / "timers.json", observers.on_event, self.satellite.ring)
        self.keys = KeyStore(folder / ESPHOME_KEY_FILE)
        self.keys.key = key
        media = HttpMedia()
        self.player = MediaPlayer(mixer, media)
        self.entities = Entities(self.satellite, self.player, SPEECH, self.leds)
        words = WakeWordSelection(self.selected.append)
        words.set_available([wake_program("okay_nabu", "hey_jarvis")], ["okay_nabu"])
        self.server = EspHomeServer(
            self.satellite, create_device("Kitchen", "Kitchen", b"machine"), self.keys, self.entities, words, media
        )
        self.player.on_change = self.entities.on_change
        self.player.announce_media = self.server.announce_media
        observers.add(self.server)
        self.port = 0

    def on_event(self, event: Event) -> None:
        self.seen.append(event)

    @property
    def phase(self) -> m.SatellitePhase:
        return self.satellite.phase

    def wake(self, word: str = "okay_nabu") -> None:
        self.satellite.handle(m.WakeWord(word, 0, "turn-1", 0.9))

    def speak(self, pcm: bytes = b"\x05\x00" * 1024) -> None:
        self.satellite.handle(m.MicAudio(pcm))

    async def until(self, condition: Callable[[], object]) -> None:
        await wait_until(lambda: bool(condition()))

    async def waits(self) -> None:
        await self.until(lambda: self.phase is m.SatellitePhase.WAITING)

    @asynccontextmanager
    async def home_assistant(self, *, subscribes: bool = True) -> AsyncIterator[HomeAssistantClient]:
        """Yield a client that is connected with the right key; it is the conductor if there is none."""
        key = None if self.keys.key is None else format_key(self.keys.key)
        async with HomeAssistantClient(self.port, key).connected(subscribes=subscribes) as client:
            if subscribes:
                await self.waits()
            yield client

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["EspHomeRoom"]:
        assert self.satellite.timers is not None
        bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        serve = self.server.run(ADDRESS, parse_networks(PRIVATE_NETWORKS), announces=False, on_bound=bound.set_result)
        parts = (serve, self.satellite.player.run(), self.satellite.timers.run(), self.player.run())
        assert self.satellite._components.ducking is not None
        tasks = [asyncio.create_task(part) for part in (*parts, self.satellite._components.ducking.run())]
        tasks.append(asyncio.create_task(self.satellite._ping_conductors()))
        try:
            self.port = await bound
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
