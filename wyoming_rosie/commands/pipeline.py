"""`wyoming-rosie detect`, `transcribe` and `say`: one pipeline stage, by a new daemon or the one at `--uri`."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter
from rich.console import Console
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice
from wyoming.wake import Detect

from wyoming_rosie.audio import files
from wyoming_rosie.audio.files import STDIN, AudioFile
from wyoming_rosie.audio.formats import AudioFormat, format_of, write_wav
from wyoming_rosie.commands import models, pipeline, processes
from wyoming_rosie.commands.conformance import info as conformance_info
from wyoming_rosie.commands.model_wait import ModelFetchMonitor
from wyoming_rosie.commands.playback import play
from wyoming_rosie.errors import NotUnderstoodError, RosieError
from wyoming_rosie.models import piper
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.wakeword.detection import WakeDetection, drop_near_misses

CHUNK_SECONDS = 0.1
ANSWER_SECONDS = 60.0
GRAMMAR = "home"
"""Model name of the default engine."""
MAX_SECONDS = "600"
"""Limit of a recording that is transcribed."""


@dataclass(frozen=True)
class StageOptions:
    """Options of every stage: the daemon, and the format of the result."""

    uri: Annotated[str | None, Parameter(help="use the daemon at this address instead of starting one")] = None
    engine: Annotated[str | None, Parameter(help="engine of the daemon that this command starts")] = None
    json: Annotated[bool, Parameter(help="print the result as one line of JSON", negative=())] = False

    def print(self, result: str, **details: Any) -> None:
        print(json.dumps({"result": result, **details}, ensure_ascii=False) if self.json else result)  # noqa: T201


StageParameter: TypeAlias = Annotated[StageOptions, Parameter(name="*")]
File: TypeAlias = Annotated[Path, Parameter(help="a recording in any format, or - for standard input")]
HomeFile: TypeAlias = Annotated[Path | None, Parameter(help="home file of the daemon that this command starts")]
Language: TypeAlias = Annotated[str | None, Parameter(help="such as en")]


async def detect(
    file: File,
    /,
    *,
    wake_word_name: Annotated[tuple[str, ...], Parameter(help="detect only this word; may be given again")] = (),
    stage: StageParameter = StageOptions(),
) -> None:
    """Print the first wake word in a recording."""
    with files.open_audio(file) as recording:
        if stage.uri is None and stage.engine == "openwakeword":
            await models.ensure_wake_words(wake_word_name)
        async with _open_stage("wake", stage) as peer:
            await peer.send(Detect(names=list(wake_word_name) or None).event())
            event = await _send_recording(peer, recording, "detection", "not-detected")
    if event.type == "not-detected":
        raise NotUnderstoodError("no wake word was detected")
    stage.print(str(event.data.get("name")), timestamp=event.data.get("timestamp"), **_get_context(event.data, "score"))


async def transcribe(
    file: File,
    /,
    *,
    home: HomeFile = None,
    language: Language = None,
    model: Annotated[str | None, Parameter(help="model name, such as tiny.en with --engine faster-whisper")] = None,
    stage: StageParameter = StageOptions(),
) -> None:
    """Print the transcript of a recording; if it is empty, transcribe what follows the wake word."""
    model_arguments = ("--faster-whisper.model", model) if model and model != GRAMMAR else ()
    requested_model = model if stage.uri is not None or model == GRAMMAR else None
    request = Transcribe(name=requested_model, language=language).event()
    with files.buffered(file) as buffered, files.open_audio(buffered) as recording:
        async with _open_stage(
            "asr", stage, "--longest-seconds", MAX_SECONDS, *model_arguments, *_home_arguments(home)
        ) as peer:
            event = await _transcribe_recording(peer, request, recording)
            text, about = str(event.data.get("text", "")), {}
            if not text and (word := await asyncio.to_thread(pipeline.find_first, buffered)) is not None:
                with files.open_audio(buffered) as again:
                    remaining = files.skip_seconds(again, word.milliseconds / 1000)
                    event = await _transcribe_recording(peer, request, remaining)
                text, about = str(event.data.get("text", "")), {"after": word.name}
    if not text:
        raise NotUnderstoodError("nothing was understood")
    stage.print(text, **_get_context(event.data, "score"), **about)


async def _transcribe_recording(peer: Client, request: Event, recording: AudioFile) -> Event:
    await peer.send(request)
    return await _send_recording(peer, recording, "transcript")


async def say(
    text: Annotated[str, Parameter(help="text to speak, or - for standard input")],
    /,
    *,
    output: Annotated[Path | None, Parameter(help="write a WAV file instead of playing the speech")] = None,
    voice: Annotated[str | None, Parameter(help="name of a voice")] = None,
    ssml: Annotated[bool, Parameter(help="the text is SSML", negative=())] = False,
    stage: StageParameter = StageOptions(),
) -> None:
    """Speak a text; print its duration in seconds, or the name of the file written."""
    voice_arguments = ("--piper.voice", voice) if voice and piper.is_model_name(voice) else ()
    async with _open_stage("tts", stage, *voice_arguments) as peer:
        chosen = SynthesizeVoice(name=voice) if voice else None
        await peer.send(Synthesize(read_text(text), chosen, text_format="ssml" if ssml else None).event())
        audio, pcm = await _receive_audio(peer)
    if not pcm:
        raise NotUnderstoodError("the text has nothing to speak")
    seconds = round(audio.seconds(len(pcm)), 3)
    if output is None:
        await play(audio, pcm)
    else:
        write_wav(output, audio, pcm)
    stage.print(str(output or f"{seconds:g} s"), seconds=seconds)


@asynccontextmanager
async def _open_stage(role: str, stage: StageOptions, *arguments: str) -> AsyncIterator[Client]:
    if stage.uri is not None:
        await conformance_info.check_role(stage.uri, role)
        async with connect(stage.uri, role=role) as peer:
            yield peer
        return
    engine = ("--engine", stage.engine) if stage.engine else ()
    wait = ModelFetchMonitor()
    async with AsyncExitStack() as stack:
        with Console(stderr=True).status(f"starting the {role} daemon"):
            start = processes.run_server(role, *engine, *arguments, on_line=wait.on_log_line)
            process = await stack.enter_async_context(start)
        await wait.wait_until_installed(process.uri, role)
        yield await stack.enter_async_context(connect(process.uri))


def read_text(argument: str) -> str:
    """Return the text of an argument, `-` being standard input."""
    return sys.stdin.read().strip() if argument == STDIN else argument


def _home_arguments(home: Path | None) -> tuple[str, ...]:
    return ("--home", str(home)) if home else ()


async def _send_recording(peer: Client, recording: AudioFile, *answers: str) -> Event:
    """Send a recording until its end or the answer; return the answer. Raises PeerError, UnreachableError."""
    return await peer.wait_while_sending(_send_audio(peer, recording), *answers, seconds=ANSWER_SECONDS)


async def _send_audio(peer: Client, recording: AudioFile) -> None:
    audio = recording.audio
    about = {"rate": audio.rate, "width": audio.width, "channels": audio.channels}
    await peer.send(AudioStart(**about).event())
    step = audio.bytes_in(CHUNK_SECONDS)
    while block := await asyncio.to_thread(next, recording.blocks, b""):
        for start in range(0, len(block), step):
            await peer.send(AudioChunk(**about, audio=block[start : start + step]).event())
    await peer.send(AudioStop().event())


async def _receive_audio(peer: Client) -> tuple[AudioFormat, bytes]:
    audio = format_of(await peer.wait_for("audio-start", seconds=ANSWER_SECONDS))
    pcm = bytearray()
    while (event := await peer.wait_for("audio-chunk", "audio-stop", seconds=ANSWER_SECONDS)).type == "audio-chunk":
        pcm += event.payload or b""
    return audio, bytes(pcm)


def _get_context(data: dict[str, Any], *names: str) -> dict[str, Any]:
    context = data.get("context") or {}
    return {name: context[name] for name in names if name in context}


def find_first(file: Path) -> WakeDetection | None:
    """Return the first wake word in a recording; None without one, or without a detector."""
    try:
        from wyoming_rosie.wakeword.micro import MicroStream, find_package_models

        stream = MicroStream(list(find_package_models().values()))
        with files.open_audio(file) as recording:
            for pcm in files.speech_blocks(recording):
                if found := drop_near_misses(stream.process(pcm)):
                    return found[0]
    except (ImportError, RosieError):  # the caller does without
        return None
    return None
