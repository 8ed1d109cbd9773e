"""Recorders of one sentence, by the microphone of this machine or by a satellite, with a level meter in a terminal."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie.audio.levels import LevelMeter
from wyoming_rosie.commands.diagnostics import audio_devices
from wyoming_rosie.commands.listen import SatelliteSession, connect_satellite
from wyoming_rosie.commands.mini_conductor import MiniConductor
from wyoming_rosie.errors import ConfigError, NotUnderstoodError
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, process_batch

RECORD_SECONDS = 8.0
"""Longest recording of a sentence."""
PAUSE_MS = 1000
"""Silence that ends a sentence."""
SPOKEN_MS = 1000
"""Speech without which a pause ends nothing: somebody coughs, or begins again."""
TURN_SECONDS = 60.0
"""Time in which somebody says the wake word and a sentence to a satellite."""
LOWEST_DBFS = -60.0
"""Left end of the level meter."""


class SentenceRecorder(Protocol):
    """Records one sentence."""

    prompt: str

    async def record(self) -> bytes:
        """Return speech PCM. Raises RosieError."""
        ...


class SentenceEnd:
    """Finds the end of a sentence in a stream of speech PCM."""

    def __init__(self, vad: VadEngine[Any]) -> None:
        self._vad = vad
        self._stream = VadStream(vad, SegmenterRules())
        self._rest = b""
        self._began_ms = self._spoken_ms = 0
        self._stopped_ms: int | None = None

    def push(self, pcm: bytes) -> bool:
        """Process the next audio, of any length; return whether the sentence has ended."""
        self._rest += pcm
        whole = len(self._rest) - len(self._rest) % self._vad.frame_bytes
        if whole:
            (events,) = process_batch(self._vad, [(self._stream, self._rest[:whole])])
            self._rest = self._rest[whole:]
            for event in events:
                match event:
                    case SpeechStart(time):
                        self._began_ms, self._stopped_ms = time, None
                    case SpeechStop(time):
                        self._spoken_ms += time - self._began_ms
                        self._stopped_ms = time
        is_pause = self._stopped_ms is not None and self._stream.processed_ms - self._stopped_ms >= PAUSE_MS
        return is_pause and self._spoken_ms >= SPOKEN_MS

    def close(self) -> None:
        self._stream.close()


class MicrophoneRecorder:
    """The microphone of this machine; in a terminal it shows the level while it listens."""

    prompt = "read aloud"

    def __init__(self, device: str | None, vad: VadEngine[Any], console: Console) -> None:
        self._device = device
        self._vad = vad
        self._console = console
        self._sounddevice = _load_sounddevice()

    async def record(self) -> bytes:
        return await asyncio.to_thread(self._record)

    def _record(self) -> bytes:
        pcm, end, meter = bytearray(), SentenceEnd(self._vad), LevelMeter()
        converter: Converter | None = None
        with _show_level(self._console) as bar:

            def is_done(audio: AudioFormat, heard: bytes) -> bool:
                nonlocal converter
                converter = converter or Converter(audio, SPEECH)
                speech = converter.convert(heard)
                pcm.extend(speech)
                if (reading := meter.push(speech)) is not None:
                    bar(reading.level_dbfs, RECORD_SECONDS - SPEECH.seconds(len(pcm)))
                return end.push(speech)

            try:
                audio_devices.record(self._sounddevice, self._device, RECORD_SECONDS, is_done)
            finally:
                end.close()
        return bytes(pcm)


class SatelliteRecorder:
    """A satellite, which listens after its wake word."""

    prompt = "say the wake word, then"

    def __init__(self, session: SatelliteSession) -> None:
        self._session = session

    async def record(self) -> bytes:
        start = len(self._session.recording)
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._session.run(self._session.turns + 1, announce=False)
        except TimeoutError:
            raise NotUnderstoodError(f"the satellite heard no wake word within {TURN_SECONDS:g} s") from None
        return bytes(self._session.recording[start:])


@asynccontextmanager
async def open_recorder(
    satellite: str | None, microphone: str | None, vad: VadEngine[Any], console: Console
) -> AsyncIterator[SentenceRecorder]:
    """Open a satellite, or else a microphone. Raises RosieError."""
    if satellite is None:
        yield await asyncio.to_thread(MicrophoneRecorder, microphone, vad, console)
        return
    async with connect_satellite(satellite) as (peer, _):
        yield SatelliteRecorder(SatelliteSession(peer, MiniConductor(RECORD_SECONDS, None), None, lambda _: None))


class ShowLevel(Protocol):
    def __call__(self, level_dbfs: float, seconds_left: float) -> None: ...


@contextmanager
def _show_level(console: Console) -> Iterator[ShowLevel]:
    """Show a level meter and the time that is left during the block, in a terminal."""
    columns = (TextColumn("   listening"), BarColumn(), TextColumn("{task.fields[remark]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("level", total=-LOWEST_DBFS, remark="speak now")

        def show(level_dbfs: float, seconds_left: float) -> None:
            remark = f"{level_dbfs:3.0f} dBFS, {max(0, seconds_left):.0f} s left; a pause ends the sentence"
            progress.update(bar, completed=max(0.0, level_dbfs - LOWEST_DBFS), remark=remark)

        yield show


def _load_sounddevice() -> Any:
    try:
        return audio_devices.load_sounddevice()
    except ConfigError as err:
        raise ConfigError(f"the microphone needs: {err}; or give recordings: --file A.wav --file B.wav …") from err
