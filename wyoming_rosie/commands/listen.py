"""A small conductor for one satellite: what it sends, how long it takes, and a sound for it to play."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
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
from wyoming_rosie.commands import processes
from wyoming_rosie.commands.levels import levels
from wyoming_rosie.commands.mini_conductor import Effect, Listening, Record, Show, Speak, Tell, TurnOver
from wyoming_rosie.errors import ConfigError, NotUnderstoodError, RosieError, UnreachableError, UsageError
from wyoming_rosie.protocol.client import Client, connect, describe
from wyoming_rosie.protocol.server import stop_signal
from wyoming_rosie.runtime.tasks import run_until_first_exit

PING_SECONDS = 2.0
SILENT_SECONDS = 5.0
"""A satellite that says nothing for so long, pongs included, is gone."""
ANSWER_SECONDS = 60.0
CHUNK_SECONDS = 0.1
AHEAD_SECONDS = 1.0
LONGEST_RECORDING_SECONDS = 600.0
SUFFIXES = (".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aiff", ".au", ".wma", ".webm")
""""Whatever is called so was meant to be a file, even if it is not there."""


class NoTurnError(RosieError):
    """The satellite did not do what was waited for."""


@dataclass(frozen=True)
class Sound:
    audio: AudioFormat
    pcm: bytes

    @property
    def seconds(self) -> float:
        return self.audio.seconds(len(self.pcm))


async def listen(
    uri: Annotated[str, Parameter(help="the satellite's address, such as tcp://pi:10700")],
    /,
    *,
    speak: Annotated[str | None, Parameter(help="what to answer: a recording, or a text")] = None,
    record: Annotated[Path | None, Parameter(help="write what the satellite sends to this WAV file")] = None,
    announce: Annotated[bool, Parameter(help="say it at once, before anybody has spoken", negative=())] = False,
    listen_seconds: Annotated[float, Parameter(help="how long to listen after a wake word")] = 4.0,
    turns: Annotated[int | None, Parameter(help="end after so many turns [default: at Ctrl-C]")] = None,
    seconds: Annotated[float | None, Parameter(help="end after so many seconds")] = None,
    tts_uri: Annotated[str | None, Parameter(help="the tts daemon that speaks a text [default: starts one]")] = None,
    json: Annotated[bool, Parameter(help="print a line of JSON for each event", negative=())] = False,
) -> None:
    """Conduct a satellite: show its events as they come, record what it hears, let it play an answer.

    Say its wake word. With --announce, an answer that is a recording of the wake word wakes a satellite that hears itself.
    """
    if announce and speak is None:
        raise UsageError("--announce needs something to say: --speak FILE or TEXT")
    stop = stop_signal()
    sound = await _sound(speak, tts_uri) if speak is not None else None
    rules = Listening(listen_seconds, sound.seconds if sound else None)
    screen = _Screen(Console(soft_wrap=True, highlight=False), as_json=json)
    async with _conducted(uri) as (peer, name):
        screen.show(Show("conducting", name))
        conductor = _Conductor(peer, rules, sound, screen)
        try:
            async with asyncio.timeout(seconds):
                await run_until_first_exit(conductor.run(turns, announce=announce), _wait(stop))
        except TimeoutError:
            if turns is not None:
                raise NotUnderstoodError(f"after {seconds:g} s: {conductor.turns} of {turns} turns") from None
        finally:
            await _keep(record, conductor.recording, screen)
    if turns is not None and conductor.turns >= turns and conductor.unplayed:
        raise NoTurnError(f"{conductor.unplayed} answers were not played to their end")


@asynccontextmanager
async def _conducted(uri: str) -> AsyncIterator[tuple[Client, str]]:
    """Take the conductor's place; yield the satellite and its name. Raises UnreachableError, PeerError."""
    info = await describe(uri)
    if info.satellite is None:
        raise ConfigError(f"{uri} is no satellite; see: wyoming-rosie discover")
    async with connect(uri) as peer:
        await peer.send(RunSatellite().event())  # after that it may ask for a run at once
        try:
            yield peer, info.satellite.name
        finally:
            with suppress(UnreachableError):
                await peer.send(PauseSatellite().event(), seconds=1.0)


@dataclass
class _Conductor:
    """Carries out what the rules say."""

    peer: Client
    rules: Listening
    sound: Sound | None
    screen: "_Screen"
    turns: int = 0
    unplayed: int = 0
    recording: bytearray = field(default_factory=bytearray)  # speech audio
    _speaking: asyncio.Task[None] | None = None
    _turn_began: int = 0

    async def run(self, turns: int | None, *, announce: bool) -> None:
        """Conduct until so many turns are over. Raises UnreachableError when the satellite is gone."""
        pinging = asyncio.create_task(self._ping())
        try:
            if announce:
                await self._carry_out(self.rules.announce(_now()))
            while turns is None or self.turns < turns:
                await self._next()
        finally:
            await _ended(pinging, self._speaking)

    async def _next(self) -> None:
        """Take the next event, or note that the rules' deadline has passed."""
        left = SILENT_SECONDS if self.rules.deadline is None else self.rules.deadline - _now()
        try:
            event = await self.peer.receive(max(0.01, min(SILENT_SECONDS, left)))
        except UnreachableError:
            if self.rules.deadline is None or _now() < self.rules.deadline:
                raise
            await self._carry_out(self.rules.late(_now()))
        else:
            await self._carry_out([*self.rules.heard(event, _now()), *self.rules.late(_now())])

    async def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Tell(event):
                    await self.peer.send(event)
                case Record(event):
                    self._record(event)
                case Show():
                    self.screen.show(effect)
                case Speak():
                    self._show_recording()
                    self._speaking = asyncio.create_task(self._speak())
                case TurnOver(played):
                    self._over(played=played)
                case _:
                    assert_never(effect)

    def _over(self, *, played: bool) -> None:
        self._show_recording()
        self.turns += 1
        self.unplayed += not played and self.sound is not None

    def _record(self, event: Event) -> None:
        if SPEECH.seconds(len(self.recording)) < LONGEST_RECORDING_SECONDS:
            converter = Converter(format_of(event), SPEECH)
            self.recording += converter.convert(event.payload or b"") + converter.finish()

    def _show_recording(self) -> None:
        pcm = bytes(self.recording[self._turn_began :])
        self._turn_began = len(self.recording)
        if pcm:
            found = levels(pcm)
            self.screen.show(Show("heard", f"{SPEECH.seconds(len(pcm)):.1f} s, {found.rms} dBFS, peak {found.peak}"))

    async def _speak(self) -> None:
        if self.sound is None:
            return
        about = {"rate": self.sound.audio.rate, "width": self.sound.audio.width, "channels": self.sound.audio.channels}
        step = self.sound.audio.bytes_in(CHUNK_SECONDS)
        begun = _now()
        with suppress(UnreachableError):  # the other task notices
            await self.peer.send(AudioStart(**about).event())
            for at in range(0, len(self.sound.pcm), step):
                await asyncio.sleep(max(0.0, begun + self.sound.audio.seconds(at) - AHEAD_SECONDS - _now()))
                await self.peer.send(AudioChunk(**about, audio=self.sound.pcm[at : at + step]).event())
            await self.peer.send(AudioStop().event())

    async def _ping(self) -> None:
        with suppress(UnreachableError):
            while True:
                await self.peer.send(Ping().event())
                await asyncio.sleep(PING_SECONDS)


class _Screen:
    """Prints what happens; times count from the beginning, and from that of the turn."""

    def __init__(self, console: Console, *, as_json: bool) -> None:
        self._console = console
        self._as_json = as_json
        self._begun = time.perf_counter()

    def show(self, shown: Show) -> None:
        ms = round(1000 * (time.perf_counter() - self._begun))
        if self._as_json:
            line = {"ms": ms, "event": shown.what, "detail": shown.detail, "ms_of_turn": shown.milliseconds}
            print(json.dumps(line, ensure_ascii=False), flush=True)  # noqa: T201
            return
        of_turn = "" if shown.milliseconds is None else f"{shown.milliseconds:+} ms"
        self._console.print(f"{ms:>8} ms {of_turn:>10}   {shown.what} {shown.detail}".rstrip(), markup=False)


async def _sound(speak: str, tts_uri: str | None) -> Sound:
    """Return the WAV file, or the text as it is spoken. Raises ConfigError, UnreachableError, EngineError."""
    if _is_file(speak):
        return Sound(*await asyncio.to_thread(files.read_audio, Path(speak)))
    async with AsyncExitStack() as stack:
        if tts_uri is None:
            tts_uri = (await stack.enter_async_context(processes.running("tts"))).uri
        peer = await stack.enter_async_context(connect(tts_uri))
        await peer.send(Synthesize(text=speak).event())
        audio = format_of(await peer.wait_for("audio-start", seconds=ANSWER_SECONDS))
        pcm = bytearray()
        while (event := await peer.wait_for("audio-chunk", "audio-stop", seconds=ANSWER_SECONDS)).type == "audio-chunk":
            pcm += event.payload or b""
        return Sound(audio, bytes(pcm))


def _is_file(speak: str) -> bool:
    """Tell a recording's file from a text that is to be spoken."""
    return speak.lower().endswith(SUFFIXES) or Path(speak).is_file()


async def _keep(path: Path | None, recording: bytearray, screen: _Screen) -> None:
    if path is None:
        return
    await asyncio.to_thread(write_wav, path, SPEECH, bytes(recording))
    screen.show(Show("recorded", f"{SPEECH.seconds(len(recording)):.1f} s in {path}"))


async def _ended(*tasks: asyncio.Task[None] | None) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.wait(running)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
