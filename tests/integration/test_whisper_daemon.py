"""wyoming-rosie-asr with Whisper as a process, on a model of random weights that recites a text where something is loud."""

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from wyoming.event import Event

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import command, describe
from tests.integration.test_asr_daemon import FORMAT, spoken, transcript
from tests.waiting import wait_until
from tests.whisper_model import TEXT, build
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.protocol.client import Client

SILENCE = bytes(SPEECH.bytes_in(1))
CHUNK_SECONDS = 0.05
WORDS = TEXT.removesuffix(".")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("whisper") / "small", quiet_text="Thank you.")


@pytest.fixture(scope="session")
def speech(shared_data: Path) -> bytes:
    return read_wav(shared_data / "commands-en" / "set_a_timer_for_5_minutes.wav")[1]


@pytest.fixture(scope="session")
def command_speech(shared_data: Path) -> bytes:
    return read_wav(shared_data / "commands-en-tts" / "turn_on_the_kitchen_lights.wav")[1]


@pytest.fixture(scope="session")
def other_speech(shared_data: Path) -> bytes:
    return read_wav(shared_data / "asr" / "jfk.wav")[1]


@pytest.fixture(scope="session")
def noise(shared_data: Path) -> bytes:
    return read_wav(shared_data / "noise" / "background_noise.wav")[1][: SPEECH.bytes_in(20)]


@pytest.fixture
def start(daemon: StartDaemon, model: Path) -> Callable[..., object]:
    return partial(daemon, "asr", "--engine", "faster-whisper", "--faster-whisper.model", str(model))


async def say(ears: Client, pcm: bytes, *, stop: bool = True) -> None:
    """Send audio as fast as it is spoken."""
    first, *chunks = spoken(pcm)[:1] + [Event("audio-chunk", FORMAT, piece) for piece in _pieces(pcm)]
    await ears.send(first)
    begun = asyncio.get_running_loop().time()
    for number, chunk in enumerate(chunks):
        await asyncio.sleep(begun + CHUNK_SECONDS * number - asyncio.get_running_loop().time())
        await ears.send(chunk)
    if stop:
        await ears.send(Event("audio-stop"))


def _pieces(pcm: bytes) -> list[bytes]:
    size = SPEECH.bytes_in(CHUNK_SECONDS)
    return [pcm[at : at + size] for at in range(0, len(pcm), size)]


async def test_a_recording_is_written_down(start: StartDaemon, peer: OpenPeer, speech: bytes) -> None:
    ears = await peer((await start()).uri)
    answer = await transcript(ears, speech, language="en-US", context={"turn_id": "t1"})
    assert (answer.data["text"], answer.data["language"]) == (TEXT, "en")
    assert 0.5 < answer.data["context"]["score"] <= 1
    assert (await transcript(ears, speech)).data["text"] == TEXT


@pytest.mark.parametrize("clip", ["silence", "noise"])
async def test_where_nobody_speaks_nobody_says_thank_you(
    start: StartDaemon, peer: OpenPeer, noise: bytes, clip: str
) -> None:
    pcm = SILENCE if clip == "silence" else noise
    ears = await peer((await start()).uri)
    assert (await transcript(ears, pcm)).data["text"] == ""


async def test_words_are_told_while_they_are_spoken_and_the_rest_without_a_stop(
    start: StartDaemon, peer: OpenPeer, speech: bytes
) -> None:
    asr = await start("--partial-seconds", "0.3")
    (program,) = (await describe(asr.uri)).asr
    assert (program.supports_transcript_streaming, program.requires_external_vad) == (True, False)
    ears = await peer(asr.uri)
    saying = asyncio.create_task(say(ears, speech + 20 * SILENCE, stop=False))
    events = [await ears.receive(60)]
    while events[-1].type != "transcript":
        events.append(await ears.receive(60))
    saying.cancel()
    kinds = [event.type for event in events]
    assert (kinds[0], kinds[-2]) == ("transcript-start", "transcript-stop")
    assert "".join(event.data["text"] for event in events if event.type == "transcript-chunk") == TEXT


async def test_a_peer_that_says_when_it_is_over_is_not_interrupted(
    start: StartDaemon, peer: OpenPeer, command_speech: bytes
) -> None:
    asr = await start("--external-vad", "--partial-seconds", "0")
    (program,) = (await describe(asr.uri)).asr
    assert (program.supports_transcript_streaming, program.requires_external_vad) == (False, True)
    ears = await peer(asr.uri)
    await say(ears, command_speech + 2 * SILENCE)
    assert (await ears.receive(60)).type == "transcript"


@pytest.mark.parametrize(
    ("request_data", "code", "helps"),
    [
        ({"language": "tlh"}, "unknown-language", "en, zh, de"),
        ({"name": "large-v9"}, "unknown-model", "small"),
        ({"transcript_names": "Ada"}, "bad-event", "list"),
    ],
    ids=["language", "model", "names"],
)
async def test_what_cannot_be_done_is_refused_with_what_can(
    start: StartDaemon, peer: OpenPeer, speech: bytes, request_data: dict[str, object], code: str, helps: str
) -> None:
    ears = await peer((await start()).uri)
    await ears.send(Event("transcribe", request_data))
    error = await ears.receive(60)
    assert (error.type, error.data["code"]) == ("error", code)
    assert helps in error.data["text"]
    assert (await transcript(ears, speech)).data["text"] == TEXT


async def test_names_and_terms_do_not_get_in_the_way(start: StartDaemon, peer: OpenPeer, speech: bytes) -> None:
    ears = await peer((await start("--faster-whisper.prompt", "Rosie.")).uri)
    names = [f"Lamp number {number}" for number in range(500)]
    answer = await transcript(ears, speech, name="small", transcript_names=names, transcript_terms=["jazz"])
    assert answer.data["text"] == TEXT


@pytest.mark.long
@pytest.mark.parametrize(
    "flags", [[], ["--faster-whisper.short-windows"], ["--faster-whisper.language", "en"]], ids=str
)
async def test_more_than_30_seconds_are_heard_in_windows(
    start: StartDaemon, peer: OpenPeer, speech: bytes, flags: list[str]
) -> None:
    ears = await peer((await start("--longest-seconds", "60", *flags)).uri)
    answer = await transcript(ears, (speech + SILENCE) * (round(45 / SPEECH.seconds(len(speech + SILENCE)))))
    assert answer.data["text"] in (f"{TEXT} {TEXT}", f"{TEXT} {TEXT} {TEXT}")


async def test_a_model_that_nobody_used_for_a_while_is_let_go_and_loaded_again(
    start: StartDaemon, peer: OpenPeer, speech: bytes
) -> None:
    asr = await start("--keep-alive", "0.2", "--no-preload")
    ears = await peer(asr.uri)
    assert asr.lines("model loaded") == []
    assert (await transcript(ears, speech)).data["text"] == TEXT
    await asr.wait_for_line("model unloaded")
    assert (await transcript(ears, speech)).data["text"] == TEXT
    await wait_until(lambda: len(asr.lines("model loaded")) >= 2)
    assert len(asr.lines("model loaded")) == 2


async def test_a_folder_with_an_older_vocabulary_is_loaded_and_nothing_fetched(
    daemon: StartDaemon, model: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    tokens = json.loads((folder / "vocabulary.json").read_text("utf-8"))
    (folder / "vocabulary.json").unlink()
    (folder / "vocabulary.txt").write_text("".join(f"{token}\n" for token in tokens), "utf-8")
    flags = ["--faster-whisper.model", str(folder), "--faster-whisper.models-from", "http://127.0.0.1:9"]
    asr = await daemon("asr", "--engine", "faster-whisper", *flags)
    await asr.wait_for_line("model loaded")
    assert asr.lines("model download started") == []


async def test_more_people_than_can_be_served_are_told_and_the_others_served(
    start: StartDaemon, peer: OpenPeer, speech: bytes
) -> None:
    uri = (await start("--waiting", "2")).uri
    peers = [await peer(uri) for _ in range(8)]
    await transcript(peers[0], speech)
    for ears in peers:
        for event in spoken(speech):
            await ears.send(event)
    answers = [await ears.wait_for("transcript", "error", seconds=60) for ears in peers]
    kinds = [answer.data.get("code", "understood") for answer in answers]
    assert set(kinds) == {"understood", "busy"}
    assert (await transcript(peers[0], speech)).data["text"] == TEXT


async def test_a_model_by_name_is_fetched_behind_a_daemon_that_answers(
    daemon: StartDaemon, peer: OpenPeer, model: Path, speech: bytes, tmp_path: Path, hub: "Hub"
) -> None:
    flags = ["--faster-whisper.models-from", hub.url, "--data-dir", str(tmp_path)]
    asr = await daemon("asr", "--engine", "faster-whisper", "--faster-whisper.model", "someone/small", *flags)
    (program,) = (await describe(asr.uri)).asr
    assert (program.installed, program.models[0].installed) == (False, False)
    ears = await peer(asr.uri)
    await ears.send(Event("transcribe"))
    for event in spoken(speech):
        await ears.send(event)
    error = await ears.receive(60)
    assert error.data["code"] == "engine"
    assert "being fetched" in error.data["text"]
    hub.open.set()
    await asr.wait_for_line("model downloaded")
    assert (await transcript(await peer(asr.uri), speech)).data["text"] == TEXT
    (program,) = (await describe(asr.uri)).asr
    assert (program.installed, program.models[0].installed) == (True, True)


@pytest.mark.long
async def test_the_cascade_answers_commands_itself_and_asks_whisper_for_the_rest(
    daemon: StartDaemon, peer: OpenPeer, model: Path, command_speech: bytes, other_speech: bytes
) -> None:
    asr = await daemon("asr", "--engine", "cascade", "--faster-whisper.model", str(model))
    (program,) = (await describe(asr.uri)).asr
    assert [one.name for one in program.models] == ["home", "small"]
    ears = await peer(asr.uri)
    assert (await transcript(ears, command_speech)).data["text"] == "turn on the kitchen lights"
    assert (await transcript(ears, other_speech)).data["text"] == TEXT
    assert (await transcript(ears, other_speech, name="home")).data["text"] == ""
    assert (await transcript(ears, command_speech, name="small")).data["text"] == TEXT
    assert (await transcript(ears, command_speech, language="de")).data["text"] == TEXT


@pytest.mark.parametrize("damage", ["model.bin", "tokenizer.json", "config.json"])
async def test_a_damaged_model_is_an_error_and_no_end(
    daemon: StartDaemon, peer: OpenPeer, model: Path, speech: bytes, tmp_path: Path, damage: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    content = (model / damage).read_bytes()
    (broken / damage).write_bytes(content[: len(content) // 3])
    asr = await daemon("asr", "--engine", "faster-whisper", "--faster-whisper.model", str(broken))
    ears = await peer(asr.uri)
    for event in spoken(speech):
        await ears.send(event)
    error = await ears.wait_for("error", "transcript", seconds=60)
    assert (error.type, error.data["code"]) == ("error", "engine")
    assert "does not load" in error.data["text"]
    assert (await describe(asr.uri)).asr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--faster-whisper.model", "/nowhere/model"], "there is no folder /nowhere/model"),
        (["--faster-whisper.beam", "99"], "beam must be"),
        (["--faster-whisper.language", "tlh"], "does not know"),
        (["--waiting", "0"], "--waiting"),
        (["--keep-alive", "-1"], "--keep-alive"),
        (["--cascade.sure", "2", "--engine", "cascade"], "--cascade.sure"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
async def test_what_makes_no_sense_is_one_line(model: Path, flags: list[str], said: str) -> None:
    usual = {"--engine": "faster-whisper", "--faster-whisper.model": str(model)}
    given = [word for flag, value in usual.items() if flag not in flags for word in (flag, value)]
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-asr"), *given, *flags, stderr=asyncio.subprocess.PIPE
    )
    _, told = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, told.decode().count("\n")) == (1, 1)
    assert said in told.decode()


async def test_the_word_error_rate_of_a_folder_is_printed(
    model: Path, speech: bytes, shared_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "turn_on_the_lights_in_the_kitchen.wav").write_bytes(
        (shared_data / "commands-en" / "set_a_timer_for_5_minutes.wav").read_bytes()
    )
    given = ["--engine", "faster-whisper", "--faster-whisper.model", str(model), "--accuracy", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-asr"), *given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, _ = await asyncio.wait_for(process.communicate(), 60)
    assert "word error rate 0.0%, exact 1 of 1" in told.decode()


class Hub:
    """A web server with one model, which answers once it is opened."""

    def __init__(self, folder: Path) -> None:
        self.open = threading.Event()
        hub = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def translate_path(self, path: str) -> str:
                return str(folder / path.rpartition("/")[2])

            def do_GET(self) -> None:
                hub.open.wait(300)
                super().do_GET()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def hub(model: Path) -> Iterator[Hub]:
    one = Hub(model)
    with one.server:
        thread = threading.Thread(target=one.server.serve_forever, args=(0.01,))
        thread.start()
        yield one
        one.open.set()
        one.server.shutdown()
        thread.join()
