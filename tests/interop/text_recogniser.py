"""A Wyoming speech recogniser whose transcript a test sets, and the voice that it hears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Info

from tests.integration.satellite_room import Voice
from tests.interop.home_assistant import port_of
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.protocol.server import DaemonServer, Send

CREDIT = Attribution("test", "")


def create_info() -> Info:
    """Return the info of an English recogniser."""
    model = AsrModel("test", CREDIT, True, None, None, ["en"])
    return Info(asr=[AsrProgram("test", CREDIT, True, None, None, [model])])


class TextHandler:
    """Handler of a speech recogniser with a fixed transcript."""

    is_busy = False

    def __init__(self, text: str, send: Send) -> None:
        self._text = text
        self._send = send

    async def on_event(self, event: Event) -> None:
        if event.type == "audio-stop":
            await self._send(Transcript(self._text).event())

    async def close(self) -> None: ...


class TextDaemon(DaemonServer):
    """An asr daemon whose transcript a test sets."""

    def __init__(self) -> None:
        super().__init__("asr", create_info(), lambda send: TextHandler(self.text, send))
        self.text = ""


@dataclass(frozen=True)
class ScriptedSpeech:
    """A voice for a satellite's microphone, its recording of "okay nabu", and the recogniser of what follows."""

    voice: Voice
    speech: bytes
    recogniser: TextDaemon
    port: int  # of the recogniser


@asynccontextmanager
async def run_speech(folder: Path, shared_data: Path) -> AsyncIterator[ScriptedSpeech]:
    """Run a recogniser and a silent voice during the block."""
    _, speech = await asyncio.to_thread(read_wav, shared_data / "wake" / "woww_okay_nabu.wav")
    voice, recogniser = Voice(folder / "voice"), TextDaemon()
    async with recogniser.listening("tcp://127.0.0.1:0") as where:
        try:
            async with voice.speaking():
                yield ScriptedSpeech(voice, speech, recogniser, port_of(str(where)))
        finally:
            await recogniser.drain(0)
