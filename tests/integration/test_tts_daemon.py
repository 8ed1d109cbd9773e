"""The installed wyoming-rosie-tts as a process, over loopback."""

import asyncio
import os
import threading
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from tests import piper_voice
from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import command, describe
from tests.waiting import cpu_seconds_until_idle
from wyoming_rosie.protocol.client import Client

SENTENCE = "The kitchen light is on, and the heating stays at twenty one degrees until the evening. "
REPLY = ["audio-start", "audio-chunk", "audio-stop"]
STOPPED = "synthesize-stopped"


@dataclass
class Reply:
    """A received reply: the types of its events, with consecutive chunks as one, and its audio."""

    types: list[str] = field(default_factory=list)
    pcm: bytearray = field(default_factory=bytearray)
    formats: set[tuple[int, int, int]] = field(default_factory=set)

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 44_100

    @property
    def loudest(self) -> int:
        return max(map(abs, array("h", self.pcm)), default=0)

    def add(self, event: Event) -> None:
        if event.type != "audio-chunk" or self.types[-1] != event.type:
            self.types.append(event.type)
        if event.type == "audio-chunk":
            self.formats.add((event.data["rate"], event.data["width"], event.data["channels"]))
            self.pcm += event.payload or b""


async def ask(peer: Client, events: Sequence[Event], last: str = "audio-stop") -> Reply:
    for event in events:
        await peer.send(event)
    reply = Reply()
    while last not in reply.types:
        reply.add(await peer.receive(60))
    return reply


def text(words: str, **voice: str) -> Event:
    return Synthesize(words, SynthesizeVoice(**voice) if voice else None).event()


def streamed(*chunks: str) -> list[Event]:
    whole = Synthesize("".join(chunks)).event()
    return [
        SynthesizeStart().event(),
        *(SynthesizeChunk(one).event() for one in chunks),
        whole,
        SynthesizeStop().event(),
    ]


async def test_a_text_is_answered_with_speech(daemon: StartDaemon, peer: OpenPeer) -> None:
    reply = await ask(await peer((await daemon("tts", "--engine", "espeak")).uri), [text("The kitchen light is on.")])
    assert reply.types == REPLY
    assert reply.formats == {(22050, 2, 1)}
    assert 1 < reply.seconds < 4
    assert reply.loudest > 5000


async def test_a_streamed_text_is_one_reply_and_is_spoken_once(daemon: StartDaemon, peer: OpenPeer) -> None:
    client = await peer((await daemon("tts")).uri)
    whole = await ask(client, [text("The light is on. The door is locked. Good night.")])
    reply = await ask(client, streamed("The light is", " on. The door is lo", "cked. Good night."), STOPPED)
    assert reply.types == [*REPLY, STOPPED]
    assert reply.seconds == pytest.approx(whole.seconds, rel=0.05)


async def test_audio_comes_while_the_text_is_still_being_written(daemon: StartDaemon, peer: OpenPeer) -> None:
    client = await peer((await daemon("tts")).uri)
    await client.send(SynthesizeStart().event())
    await client.send(SynthesizeChunk("The light is on. Then").event())
    assert (await client.receive(60)).type == "audio-start"
    assert (await client.receive(60)).type == "audio-chunk"
    await client.send(SynthesizeStop().event())
    assert (await client.wait_for(STOPPED, seconds=60)).data == {}


@pytest.mark.parametrize("words", ["", " ", "\n", "\0", "\u200b"], ids=ascii)
async def test_a_text_without_words_is_answered_without_speech(daemon: StartDaemon, peer: OpenPeer, words: str) -> None:
    client = await peer((await daemon("tts")).uri)
    replies = [await ask(client, [text(words)]), await ask(client, streamed(words), STOPPED)]
    assert [reply.types[-1] for reply in replies] == ["audio-stop", STOPPED]
    assert all(reply.loudest == 0 and reply.types[0] == "audio-start" for reply in replies)


async def test_odd_text_is_spoken_and_the_connection_stays(daemon: StartDaemon, peer: OpenPeer) -> None:
    client = await peer((await daemon("tts")).uri)
    plain = (await ask(client, [text("before after")])).seconds
    for odd in (
        "before\0after",
        "before \ud83d after",
        "<b>before</b> & after",
        "before \U0001f600\U0001f389 after",
        "x" * 500,
    ):
        reply = await ask(client, [text(odd)])
        assert reply.types == REPLY, ascii(odd[:40])
        assert reply.seconds > 0.8 * plain, ascii(odd[:40])


async def test_what_cannot_be_spoken_is_refused_and_the_connection_stays(daemon: StartDaemon, peer: OpenPeer) -> None:
    client = await peer((await daemon("tts", "--text-limit", "100")).uri)
    refused = {
        "text-too-long": text("x" * 101),
        "unknown-voice": text("hi", name="nobody"),
        "unknown-language": text("hi", language="xx"),
        "unsupported-format": Synthesize("hi", text_format="html").event(),
        "no-synthesize-start": SynthesizeChunk("hi").event(),
        "bad-request": Event("synthesize", {"text": 5}),
    }
    for code, event in refused.items():
        await client.send(event)
        reply = await client.receive(60)
        assert (reply.type, reply.data["code"]) == ("error", code)
    assert (await ask(client, [text("hi")])).types == REPLY


async def test_the_language_selects_the_voice(daemon: StartDaemon, peer: OpenPeer) -> None:
    client = await peer((await daemon("tts", "--espeak.voice", "de")).uri)
    wanted = (text("21", language="en-US"), text("21", name="de"), text("21"))
    english, german, default = [(await ask(client, [event])).seconds for event in wanted]
    assert german == pytest.approx(default, rel=0.03) != english


async def test_describe_has_what_home_assistant_needs_and_is_small(daemon: StartDaemon) -> None:
    info = await describe((await daemon("tts")).uri)
    (program,) = info.tts
    assert program.installed
    assert program.supports_synthesize_streaming
    assert program.version
    assert program.attribution.name
    assert program.attribution.url
    assert all(voice.installed and voice.languages for voice in program.voices)
    assert {"en-US", "en-GB", "de", "fr-FR"} <= {language for voice in program.voices for language in voice.languages}
    assert len(str(info.event().data)) < 40_000


async def test_a_short_text_is_spoken_while_another_client_gets_a_long_one(daemon: StartDaemon, peer: OpenPeer) -> None:
    uri = (await daemon("tts")).uri
    patient, hasty = await peer(uri), await peer(uri)
    await patient.send(text(SENTENCE * 200))
    await patient.wait_for("audio-chunk", seconds=60)
    assert (await ask(hasty, [text("Now.")])).types == REPLY
    assert (await patient.receive(60)).type == "audio-chunk"


async def test_a_client_that_disconnects_or_does_not_read_costs_nothing(daemon: StartDaemon, peer: OpenPeer) -> None:
    running = await daemon("tts")
    gone, deaf, hasty = await peer(running.uri), await peer(running.uri), await peer(running.uri)
    process = psutil.Process(running.process.pid)
    before = process.cpu_times().user
    await ask(hasty, [text(SENTENCE * 20)])
    for_a_tenth = process.cpu_times().user - before
    for one in (gone, deaf):
        await one.send(text(SENTENCE * 200))
    await gone.wait_for("audio-chunk", seconds=60)
    gone._stream.abort()
    deaf._stream.transport.pause_reading()
    assert (await ask(hasty, [text("Now.")])).types == REPLY
    assert await cpu_seconds_until_idle(process) < 5 * for_a_tenth
    assert process.memory_info().rss < 150_000_000


async def test_the_log_has_the_times_of_a_reply_but_not_its_words(daemon: StartDaemon, peer: OpenPeer) -> None:
    running = await daemon("tts")
    client = await peer(running.uri)
    await ask(client, [Synthesize("My secret. It is safe.", context={"turn_id": "t1"}).event()])
    await client.send(Synthesize("x" * 30_000).event())
    while not running.lines("request refused"):
        await asyncio.sleep(0.01)
    (line,) = running.lines("reply sent")
    assert (line["turn_id"], line["characters"]) == ("t1", 21)
    assert line["first_ms"] >= 0
    assert line["audio_ms"] > 0
    assert "secret" not in str(running.log)


async def test_the_wyoming_packages_client_is_served(daemon: StartDaemon) -> None:
    async with AsyncClient.from_uri((await daemon("tts", "--engine", "espeak")).uri) as client:
        await client.write_event(Describe().event())
        event = await client.read_event()
        assert event is not None
        assert Info.from_event(event).tts[0].name.startswith("Rosie text to speech (")
        for event in streamed("Hello ", "world."):
            await client.write_event(event)
        event = await client.read_event()
        assert event is not None
        assert AudioStart.from_event(event).rate == 22050
        audio = b""
        while (event := await client.read_event()) is not None and AudioChunk.is_type(event.type):
            audio += AudioChunk.from_event(event).audio
        assert event is not None
        assert AudioStop.is_type(event.type)
        event = await client.read_event()
        assert event is not None
        assert SynthesizeStopped.is_type(event.type)
        assert len(audio) > 20_000


async def test_an_invalid_setting_ends_the_program_with_one_line() -> None:
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-tts"), "--espeak.voice", "martian", stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert stderr.decode().count("\n") == 1
    assert "no voice 'martian'; there are" in stderr.decode()


VOICE = "en_US-test-low"


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """A data folder with a Piper voice."""
    pytest.importorskip("piper", reason="the piper extra is not installed")
    (tmp_path / "piper").mkdir()
    piper_voice.build(tmp_path / "piper", VOICE)
    return tmp_path


def piper(data: Path, *more: str) -> tuple[str, ...]:
    return ("tts", "--engine", "piper", "--piper.voice", VOICE, "--data-dir", str(data), *private(data), *more)


def private(folder: Path) -> tuple[str, str]:
    return "--cache.dir", str(folder / "cache")


async def test_piper_speaks_whole_texts_and_streams(daemon: StartDaemon, peer: OpenPeer, voices: Path) -> None:
    client = await peer((await daemon(*piper(voices))).uri)
    whole = await ask(client, [text("The light is on. The door is locked.")])
    reply = await ask(client, streamed("The light is", " on. The door is lo", "cked."), STOPPED)
    assert whole.types == REPLY
    assert reply.types == [*REPLY, STOPPED]
    assert reply.pcm == whole.pcm
    assert whole.loudest > 3000


async def test_piper_refuses_what_it_cannot_speak_and_names_voices(
    daemon: StartDaemon, peer: OpenPeer, voices: Path
) -> None:
    client = await peer((await daemon(*piper(voices))).uri)
    refused = {
        "text-too-long": text("x" * 1_000_000),
        "unknown-voice": text("hi", name="nobody"),
        "unknown-language": text("hi", language="tlh"),
        "unspeakable": text("привет"),
    }
    for code, event in refused.items():
        await client.send(event)
        reply = await client.receive(60)
        assert (reply.type, reply.data.get("code")) == ("error", code)
    assert (await ask(client, [text("hi\x00\x07 there")])).types == REPLY


async def test_a_voice_is_downloaded_while_the_daemon_serves(
    daemon: StartDaemon, peer: OpenPeer, voices: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("data")
    with files_at("/en/en_US/test/low", voices / "piper") as (address, go_on):
        running = await daemon(*piper(data, "--piper.download-from", address))
        client = await peer(running.uri)
        assert [voice.installed for voice in (await describe(running.uri)).tts[0].voices] == [False]
        await client.send(text("hi"))
        assert (await client.receive(60)).data["code"] == "not-installed"
        go_on.set()
        async with asyncio.timeout(60):
            while not (await describe(running.uri)).tts[0].installed:
                await asyncio.sleep(0.05)
        assert (await ask(client, [text("hi")])).types == REPLY


async def test_a_repeated_text_is_spoken_without_the_engine_after_a_restart(
    daemon: StartDaemon, peer: OpenPeer, voices: Path
) -> None:
    first = await peer((await daemon(*piper(voices))).uri)
    said = [await ask(first, [text("The light is on.")]) for _ in range(2)]
    assert said[0].pcm == said[1].pcm
    while kept(voices) < 5:  # with the four that are made ahead
        await asyncio.sleep(0.02)
    damage(voices / "piper" / f"{VOICE}.onnx")
    second = await peer((await daemon(*piper(voices))).uri)
    again = await ask(second, [text("The light is on.")])
    assert again.pcm == said[0].pcm
    assert (await ask(second, [text("One moment.")])).types == REPLY
    await second.send(text("Something new."))
    assert (await second.receive(60)).data["code"] == "engine"


async def test_describe_is_answered_while_piper_speaks(daemon: StartDaemon, peer: OpenPeer, voices: Path) -> None:
    uri = (await daemon(*piper(voices))).uri
    busy, asking = await peer(uri), await peer(uri)
    await busy.send(text(SENTENCE * 100))
    await busy.wait_for("audio-chunk", seconds=60)
    speaking = asyncio.create_task(busy.wait_for("audio-stop", seconds=None))
    answered = 0
    while not speaking.done():
        await asking.send(Describe().event())
        await asking.wait_for("info", seconds=60)
        answered += 1
    assert answered > 3


async def test_a_voice_without_description_ends_the_program_with_one_line(voices: Path) -> None:
    network = voices / "piper" / f"{VOICE}.onnx"
    damage(network, gone=True)
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-tts"), "--engine", "piper", "--piper.voice", str(network), stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert stderr.decode().count("\n") == 1
    assert f"{VOICE}.onnx is missing; a voice is two files" in stderr.decode()


def kept(data: Path) -> int:
    return len(list((data / "cache").glob("*.pcm")))


def damage(path: Path, *, gone: bool = False) -> None:
    """Overwrite a file with as many other bytes and keep its times, or remove it."""
    status = path.stat()
    path.write_bytes(b"?" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    if gone:
        path.unlink()


@contextmanager
def files_at(path: str, folder: Path) -> Iterator[tuple[str, threading.Event]]:
    """Serve a folder's files under a path; nothing is sent before the event is set."""
    go_on = threading.Event()

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(folder / path.rpartition("/")[2])

        def do_GET(self) -> None:
            if not self.path.startswith(path):
                self.send_error(404)
                return
            go_on.wait(300)
            super().do_GET()

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", go_on
        finally:
            go_on.set()
            server.shutdown()
            thread.join()
