"""The daemon with Piper's real voice en_US-joe-medium: understood, complete, in slices, and ended when nobody listens."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from wyoming.tts import Synthesize

from benchmarks.intelligibility import SENTENCES, SpokenSentence, error_rate, listen
from benchmarks.whisper import create_engine
from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import Daemon
from tests.waiting import cpu_seconds_until_idle
from tests.weights.conftest import WEIGHTS
from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.protocol.client import Client
from wyoming_rosie_asr.engine import AsrEngine

VOICE = "en_US-joe-medium"
LISTENER = WEIGHTS / "whisper" / "tiny.en"
AUDIO = AudioFormat(22_050, 2, 1)
LONG = (
    "The kitchen light is on and the heating in the living room stays at twenty one degrees until the evening when "
    "everybody comes home and dinner is ready to be served to all of the guests in the house."
)
pytestmark = [pytest.mark.weights, pytest.mark.timeout(900)]


@pytest.fixture
async def running(daemon: StartDaemon, tmp_path: Path) -> Daemon:
    if not (WEIGHTS / "piper" / f"{VOICE}.onnx").is_file():
        pytest.skip(f"there is no {VOICE} in {WEIGHTS}; scripts/weights fetches it")
    voice = ("--engine", "piper", "--piper.voice", VOICE, "--piper.download-from", "", "--data-dir", str(WEIGHTS))
    return await daemon("tts", *voice, "--cache.dir", str(tmp_path), "--cache.memory-megabytes", "0")


@pytest.fixture
async def listener() -> AsyncIterator[AsrEngine]:
    if not (LISTENER / "model.bin").is_file():
        pytest.skip(f"there is no Whisper tiny.en in {WEIGHTS}; scripts/weights fetches it")
    engine = await asyncio.to_thread(create_engine, LISTENER, is_short=True)
    yield engine
    await engine.close()


async def speak(client: Client, text: str) -> bytes:
    await client.send(Synthesize(text).event())
    pcm = b""
    while (event := await client.receive(60)).type != "audio-stop":
        pcm += event.payload or b""
    return pcm


async def test_every_sentence_is_spoken_to_its_end_and_understood(
    running: Daemon, peer: OpenPeer, listener: AsrEngine
) -> None:
    client = await peer(running.uri)
    three_each = [" ".join(SENTENCES[at : at + 3]) for at in range(0, len(SENTENCES), 3)]
    for texts in (SENTENCES, three_each):
        spoken = [SpokenSentence(text, await speak(client, text), 0.0) for text in texts]
        heard = [await listen(listener, one, AUDIO) for one in spoken]
        assert await asyncio.to_thread(error_rate, texts, heard) < 0.1


async def test_audio_comes_long_before_a_sentence_is_synthesized(running: Daemon, peer: OpenPeer) -> None:
    client, process = await peer(running.uri), psutil.Process(running.process.pid)
    await speak(client, LONG)
    begun = process.cpu_times().user
    await client.send(Synthesize(LONG).event())
    await client.wait_for("audio-chunk", seconds=60)
    until_first = process.cpu_times().user - begun
    await client.wait_for("audio-stop", seconds=60)
    assert until_first < 0.5 * (process.cpu_times().user - begun)


async def test_a_client_that_goes_ends_its_synthesis(running: Daemon, peer: OpenPeer) -> None:
    gone, staying, process = await peer(running.uri), await peer(running.uri), psutil.Process(running.process.pid)
    await speak(staying, LONG)
    begun = process.cpu_times().user
    await speak(staying, LONG)
    for_one = process.cpu_times().user - begun
    await gone.send(Synthesize(" ".join([LONG] * 20)).event())
    await gone.wait_for("audio-chunk", seconds=60)
    gone._stream.abort()
    assert await cpu_seconds_until_idle(process) < 5 * for_one
