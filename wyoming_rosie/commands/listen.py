"""`wyoming-rosie listen`: conduct one satellite, show and record what it sends, and let it play a reply."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, assert_never

from cyclopts import Parameter
from rich.console import Console
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.ping import Ping
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.tts import Synthesize

from wyoming_rosie.audio import files
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter, format_of, write_wav
from wyoming_rosie.audio.levels import measure_levels
from wyoming_rosie.commands import processes
from wyoming_rosie.commands.mini_conductor import (
    ConductorEffect,
    MiniConductor,
    PlayReply,
    RecordAudio,
    SendEvent,
    ShowEvent,
    TurnEnded,
)
from wyoming_rosie.errors import ConfigError, NotUnderstoodError, RosieError, UnreachableError, UsageError
from wyoming_rosie.protocol.client import Client, connect, describe
from wyoming_rosie.protocol.server import stop_signal
from wyoming_rosie.runtime.tasks import loop_time, run_until_first_exit

PING_SECONDS = 2.0
SILENT_SECONDS = 5.0
"""Time without an event, pongs included, after which the satellite counts as disconnected."""
ANSWER_SECONDS = 60.0
CHUNK_SECONDS = 0.1
AHEAD_SECONDS = 1.0
MAX_RECORDING_SECONDS = 600.0
SUFFIXES = (".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aiff", ".au", ".wma", ".webm")
"""File name suffixes of recordings; other values of --speak are a text unless a file has that name."""


class TurnFailedError(RosieError):
    """The satellite did not play a reply to its end."""


@dataclass(frozen=True)
class SpokenReply:
    audio: AudioFormat
    pcm: bytes

    @property
    def seconds(self) -> float:
        return self.audio.seconds(len(self.pcm))


async def listen(
    uri: Annotated[str, Parameter(help="the satellite's address, such as tcp://pi:10700")],
    /,
    *,
    speak: Annotated[str | None, Parameter(help="the reply: a recording, or a text")] = None,
    record: Annotated[Path | None, Parameter(help="write what the satellite sends to this WAV file")] = None,
    announce: Annotated[bool, Parameter(help="play the reply at once, as an announcement", negative=())] = False,
    listen_seconds: Annotated[float, Parameter(help="seconds to listen after a wake word")] = 4.0,
    turns: Annotated[int | None, Parameter(help="stop after this many turns [default: at Ctrl-C]")] = None,
    seconds: Annotated[float | None, Parameter(help="stop after this many seconds")] = None,
    tts_uri: Annotated[str | None, Parameter(help="tts daemon that speaks a text [default: starts one]")] = None,
    json: Annotated[bool, Parameter(help="print a line of JSON for each event", negative=())] = False,
) -> None:
    """Conduct a satellite: show its events as they come, record its audio, let it play a reply.

    Say its wake word. With --announce, a reply that is a recording of the wake word wakes a satellite that hears itself.
    """
    if announce and speak is None:
        raise UsageError("--announce needs a reply: --speak FILE or TEXT")
    stop = stop_signal()
    sound = await _load_reply(speak, tts_uri) if speak is not None else None
    rules = MiniConductor(listen_seconds, sound.seconds if sound else None)
    screen = _EventPrinter(Console(soft_wrap=True, highlight=False), as_json=json)
    async with connect_satellite(uri) as (peer, name):
        screen.print(ShowEvent("conducting", name))
        conductor = SatelliteSession(peer, rules, sound, screen.print)
        try:
            async with asyncio.timeout(seconds):
                await run_until_first_exit(conductor.run(turns, announce=announce), _wait(stop))
        except TimeoutError:
            if turns is not None:
                raise NotUnderstoodError(f"after {seconds:g} s: {conductor.turns} of {turns} turns") from None
        finally:
            await _save_recording(record, conductor.recording, screen)
    if turns is not None and conductor.turns >= turns and conductor.unplayed:
        raise TurnFailedError(f"{conductor.unplayed} replies were not played to their end")


@asynccontextmanager
async def connect_satellite(uri: str) -> AsyncIterator[tuple[Client, str]]:
    """Become the satellite's conductor; yield the connection and its name. Raises UnreachableError, PeerError."""
    info = await describe(uri, role="satellite")
    if info.satellite is None:
        raise ConfigError(f"{uri} is not a satellite; see: wyoming-rosie discover")
    async with connect(uri, role="satellite") as peer:
        await peer.send(RunSatellite().event())  # the satellite may ask for a run from now on
        try:
            yield peer, info.satellite.name
        finally:
            with suppress(UnreachableError):
                await peer.send(PauseSatellite().event(), seconds=1.0)


@dataclass
class SatelliteSession:
    """Executes the effects of MiniConductor."""

    peer: Client
    rules: MiniConductor
    reply: SpokenReply | None
    show: Callable[[ShowEvent], None]
    turns: int = 0
    unplayed: int = 0
    recording: bytearray = field(default_factory=bytearray)  # speech PCM
    _reply_task: asyncio.Task[None] | None = None
    _turn_start: int = 0

    async def run(self, turns: int | None, *, announce: bool) -> None:
        """Conduct until `turns` turns are over. Raises UnreachableError when the satellite is gone."""
        pinging = asyncio.create_task(self._ping())
        try:
            if announce:
                await self._execute(self.rules.announce(loop_time()))
            while turns is None or self.turns < turns:
                await self._handle_next()
        finally:
            await _cancel_tasks(pinging, self._reply_task)

    async def _handle_next(self) -> None:
        """Handle the next event or the deadline, whichever comes first."""
        seconds = SILENT_SECONDS if self.rules.deadline is None else self.rules.deadline - loop_time()
        try:
            event = await self.peer.receive(max(0.01, min(SILENT_SECONDS, seconds)))
        except UnreachableError:
            if self.rules.deadline is None or loop_time() < self.rules.deadline:
                raise
            await self._execute(self.rules.on_deadline(loop_time()))
        else:
            await self._execute([*self.rules.on_event(event, loop_time()), *self.rules.on_deadline(loop_time())])

    async def _execute(self, effects: list[ConductorEffect]) -> None:
        for effect in effects:
            match effect:
                case SendEvent(event):
                    await self.peer.send(event)
                case RecordAudio(event):
                    self._record(event)
                case ShowEvent():
                    self.show(effect)
                case PlayReply():
                    self._show_recording()
                    self._reply_task = asyncio.create_task(self._send_reply())
                case TurnEnded(played):
                    self._end_turn(played=played)
                case _:
                    assert_never(effect)

    def _end_turn(self, *, played: bool) -> None:
        self._show_recording()
        self.turns += 1
        self.unplayed += not played and self.reply is not None

    def _record(self, event: Event) -> None:
        if SPEECH.seconds(len(self.recording)) < MAX_RECORDING_SECONDS:
            converter = Converter(format_of(event), SPEECH)
            self.recording += converter.convert(event.payload or b"") + converter.finish()

    def _show_recording(self) -> None:
        pcm = bytes(self.recording[self._turn_start :])
        self._turn_start = len(self.recording)
        if pcm:
            found = measure_levels(pcm)
            self.show(ShowEvent("heard", f"{SPEECH.seconds(len(pcm)):.1f} s, {found.rms} dBFS, peak {found.peak}"))

    async def _send_reply(self) -> None:
        if self.reply is None:
            return
        about = {"rate": self.reply.audio.rate, "width": self.reply.audio.width, "channels": self.reply.audio.channels}
        step = self.reply.audio.bytes_in(CHUNK_SECONDS)
        started = loop_time()
        with suppress(UnreachableError):  # the receiving task reports it
            await self.peer.send(AudioStart(**about).event())
            for at in range(0, len(self.reply.pcm), step):
                await asyncio.sleep(max(0.0, started + self.reply.audio.seconds(at) - AHEAD_SECONDS - loop_time()))
                await self.peer.send(AudioChunk(**about, audio=self.reply.pcm[at : at + step]).event())
            await self.peer.send(AudioStop().event())

    async def _ping(self) -> None:
        with suppress(UnreachableError):
            while True:
                await self.peer.send(Ping().event())
                await asyncio.sleep(PING_SECONDS)


class _EventPrinter:
    """Prints what happens; times count from the beginning, and from that of the turn."""

    def __init__(self, console: Console, *, as_json: bool) -> None:
        self._console = console
        self._as_json = as_json
        self._begun = time.perf_counter()

    def print(self, shown: ShowEvent) -> None:
        ms = round(1000 * (time.perf_counter() - self._begun))
        if self._as_json:
            line = {"ms": ms, "event": shown.event, "detail": shown.detail, "ms_of_turn": shown.milliseconds}
            print(json.dumps(line, ensure_ascii=False), flush=True)  # noqa: T201
            return
        of_turn = "" if shown.milliseconds is None else f"{shown.milliseconds:+} ms"
        self._console.print(f"{ms:>8} ms {of_turn:>10}   {shown.event} {shown.detail}".rstrip(), markup=False)


async def _load_reply(speak: str, tts_uri: str | None) -> SpokenReply:
    """Return the recording, or the text as speech. Raises ConfigError, UnreachableError, EngineError."""
    if _is_file(speak):
        return SpokenReply(*await asyncio.to_thread(files.read_audio, Path(speak)))
    async with AsyncExitStack() as stack:
        if tts_uri is None:
            tts_uri = (await stack.enter_async_context(processes.run_server("tts"))).uri
        peer = await stack.enter_async_context(connect(tts_uri, role="tts"))
        await peer.send(Synthesize(text=speak).event())
        audio = format_of(await peer.wait_for("audio-start", seconds=ANSWER_SECONDS))
        pcm = bytearray()
        while (event := await peer.wait_for("audio-chunk", "audio-stop", seconds=ANSWER_SECONDS)).type == "audio-chunk":
            pcm += event.payload or b""
        return SpokenReply(audio, bytes(pcm))


def _is_file(speak: str) -> bool:
    """Return whether a value of --speak is a recording rather than a text."""
    return speak.lower().endswith(SUFFIXES) or Path(speak).is_file()


async def _save_recording(path: Path | None, recording: bytearray, screen: _EventPrinter) -> None:
    if path is None:
        return
    await asyncio.to_thread(write_wav, path, SPEECH, bytes(recording))
    screen.print(ShowEvent("recorded", f"{SPEECH.seconds(len(recording)):.1f} s in {path}"))


async def _cancel_tasks(*tasks: asyncio.Task[None] | None) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.wait(running)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()
