"""Persons by their voices in a whole home: each hears the own calendar and has the own rights, and guests have neither."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from blockbuster import BlockBuster
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.fakes import SPEECH_DATA, FakeDaemon, FakeSatellite
from tests.integration.test_speakers import ENROLLED, Voices, transcribe
from tests.radicale_server import PASSWORD, USER, radicale
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.protocol.server import Send

VIENNA = ZoneInfo("Europe/Vienna")
CHUNK = SPEECH.bytes_in(0.02)
SETTINGS = """
[intent.plugins.calendar]
time_zone = "Europe/Vienna"

[intent.plugins.calendar.caldav.persons.ada]
url = "{url}"
user = "{user}"
password = "{password}"
calendars = ["Ada"]

[intent.plugins.calendar.caldav.persons.mira]
url = "{url}"
user = "{user}"
password = "{password}"
calendars = ["Mira"]
"""
RIGHTS = '\n[people.Mira]\nmay = ["light.*"]\n'
CALENDAR, UNLOCK = "what is on my calendar today", "unlock the front door"


@pytest.fixture(autouse=True)
def _the_services_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


class OtherWords:
    """An asr daemon that puts other words into the mouth of whoever speaks; who that is comes from a real one."""

    def __init__(self) -> None:
        self.real_uri = ""
        self.text = ""
        self._pcm = bytearray()

    async def answer(self, event: Event, send: Send) -> None:
        match event.type:
            case "audio-start":
                self._pcm.clear()
            case "audio-chunk":
                self._pcm += event.payload or b""
            case "audio-stop":
                async with connect(self.real_uri) as real:
                    context = await transcribe(real, bytes(self._pcm))
                known = {key: value for key, value in context.items() if key.startswith("speaker")}
                await send(Event("transcript", {"text": self.text, "language": "en", "context": known}))


async def end_of_clip(event: Event, send: Send) -> None:
    """Report speech until the first chunk of silence."""
    if event.type == "audio-start":
        await send(Event("voice-started", {"timestamp": 0}))
    elif event.type == "audio-chunk" and not any(event.payload or b""):
        await send(Event("voice-stopped", {"timestamp": 100}))


class Home:
    """A hub, its asr and intent daemons, and a satellite into which recordings are played."""

    def __init__(self) -> None:
        self.satellite = FakeSatellite()
        self.asr = OtherWords()

    async def hear(self, pcm: bytes, text: str) -> str:
        """Return what the satellite is to say to a voice that says `text`."""
        self.asr.text, heard = text, len(self.satellite.heard)
        await self.satellite.wake(f"turn-{heard}")
        await self.satellite.wait_for("transcribe", after=heard)
        for start in range(0, len(pcm), CHUNK):
            await self.satellite.send(Event("audio-chunk", dict(SPEECH_DATA), pcm[start : start + CHUNK]))
        answering = asyncio.create_task(self.satellite.wait_for("synthesize", after=heard))
        while not answering.done():
            await self.satellite.speak(0.02)
        await self.satellite.wait_for("audio-stop", after=heard)
        await self.satellite.send(Event("played"))
        return str((await answering).data["text"])


async def silent_voice(event: Event, send: Send) -> None:
    if event.type == "synthesize":
        await send(Event("audio-start", dict(SPEECH_DATA)))
        await send(Event("audio-stop"))


@pytest.fixture
async def home(daemon: StartDaemon, tmp_path: Path, shared_data: Path) -> AsyncIterator[Home]:
    voices, home = Voices(tmp_path / "voices", shared_data), Home()
    others = sorted(path.stem for path in (shared_data / "commands-en-tts").glob("*.wav"))[:5]
    engine = ("--engine", "mfcc-gmm")
    enrolled = await asyncio.gather(
        voices.enroll("Ada", *engine, *voices.files(ENROLLED)),
        voices.enroll("Mira", *engine, *voices.files(others, "commands-en-tts")),
    )
    assert [status for status, _ in enrolled] == [0, 0]
    (tmp_path / "radicale").mkdir()
    rights, settings = tmp_path / "home.toml", tmp_path / "rosie.toml"
    rights.write_text(DEMO_HOME.read_text("utf-8") + RIGHTS, "utf-8")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(radicale(tmp_path / "radicale"))
        for name, title in (("Ada", "Dentist"), ("Mira", "Swimming")):
            await server.make_calendar(name.lower(), name)
            await server.put(f"{name.lower()}/today.ics", *_whole_day(title, datetime.now(VIENNA).date()))
        settings.write_text(SETTINGS.format(url=server.url, user=USER, password=PASSWORD))
        asr, intent = await asyncio.gather(
            daemon("asr", "--speakers.folder", str(voices.folder), "--speakers.engine", "mfcc-gmm"),
            daemon("intent", "--config", str(settings), "--home", str(rights)),
        )
        await asyncio.gather(asr.wait_for_line("grammar loaded"), intent.wait_for_line("plugin status"))
        home.asr.real_uri = asr.uri
        fakes = {"asr": FakeDaemon(home.asr.answer), "vad": FakeDaemon(end_of_clip), "tts": FakeDaemon(silent_voice)}
        uris = ["--intent-uri", intent.uri]
        for role, fake in fakes.items():
            await stack.enter_async_context(fake.serving())
            uris += [f"--{role}-uri", fake.uri]
        await stack.enter_async_context(home.satellite.serving(info=home.satellite.info))
        state = ("--data-dir", str(tmp_path / "state"))
        hub = await daemon("hub", "--satellite", home.satellite.uri, *uris, "--no-zeroconf", *state)
        await hub.wait_for_line("satellite connected")
        yield home


def _whole_day(title: str, day: date) -> list[str]:
    return [
        "BEGIN:VEVENT", f"UID:{title}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{title}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}", "DURATION:P2D", "END:VEVENT",
    ]  # fmt: skip


async def test_each_voice_hears_the_own_calendar_and_may_what_its_person_may(home: Home, shared_data: Path) -> None:
    voices = Voices(shared_data, shared_data)
    ada = await voices.read("commands-en/add_apples_to_my_shopping_list")
    mira = await voices.read("commands-en-tts/close_the_windows_in_the_office")
    stranger = (await voices.read("asr/jfk"))[: SPEECH.bytes_in(3)]
    assert "Dentist" in (heard := await home.hear(ada, CALENDAR)), heard
    assert "Swimming" not in heard
    assert "Swimming" in (heard := await home.hear(mira, CALENDAR)), heard
    assert "Dentist" not in heard
    assert await home.hear(stranger, CALENDAR) == "There is no calendar for guests, and I do not know your voice."
    assert await home.hear(mira, UNLOCK) == "Sorry, Mira, you may not change the Front Door."
    assert "do not know your voice" in await home.hear(stranger, UNLOCK)
    assert (
        await home.hear(ada, UNLOCK) == "Shall I unlock the Front Door?"
    )  # a recording of Ada, so that it asks for a yes
