"""The installed wyoming-rosie-asr as a process, over loopback, on recorded commands."""

import asyncio
import math
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
import pytest_asyncio
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Describe, Info

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import Daemon, command, describe
from tests.integration.spoken_commands import AREA, SPOKEN, SYNTHETIC, Meaning, home_file, recording_of
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.protocol.client import Client
from wyoming_rosie.voice_activity.endpointing import EndpointingRules
from wyoming_rosie_asr.word_error_rate import count_word_errors

FORMAT = {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels}
CHUNK = SPEECH.bytes_in(0.1)
SECOND_OF_SILENCE = bytes(SPEECH.bytes_in(1))
UNDERSTOOD = ("intent", "handled", "not-handled", "not-recognized")
Hear: TypeAlias = Callable[[bytes], Awaitable["Heard"]]


@dataclass(frozen=True)
class Heard:
    """What the recogniser wrote, and what the intent daemon made of it."""

    text: str
    meaning: Meaning | None


@pytest.fixture(scope="session")
def recordings(shared_data: Path) -> dict[str, bytes]:
    """What was recorded, by folder and file name."""
    files = [shared_data / "noise" / "background_noise.wav", shared_data / "asr" / "jfk.wav"]
    files += [file for folder in ("commands-en", "commands-en-tts") for file in (shared_data / folder).glob("*.wav")]
    sounds = {f"{file.parent.name}/{file.name}": read_wav(file) for file in files}
    assert {audio for audio, _ in sounds.values()} == {SPEECH}
    return {name: pcm for name, (_, pcm) in sounds.items()}


@pytest.fixture
def what_time(recordings: dict[str, bytes]) -> bytes:
    """Somebody says: what time is it."""
    return recordings["commands-en/what_time_is_it.wav"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_uri() -> AsyncIterator[str]:
    """The address of a daemon without flags."""
    shared = await Daemon.start("asr")
    yield shared.uri
    assert await shared.stop() == 0


@pytest.fixture
def upstream_home(shared_data: Path, tmp_path: Path) -> str:
    file = tmp_path / "home.toml"
    file.write_text(home_file(shared_data / "commands-en" / "upstream_fixtures_en.yaml"), "utf-8")
    return str(file)


@pytest.fixture
async def hear(daemon: StartDaemon, peer: OpenPeer, upstream_home: str) -> Hear:
    """Speak to an asr daemon and ask an intent daemon what it means; both know upstream's home."""
    ears = await peer((await daemon("asr", "--home", upstream_home)).uri)
    mind = await peer((await daemon("intent", "--home", upstream_home, "--actor", "none")).uri)

    async def hear_one(pcm: bytes) -> Heard:
        text = (await transcript(ears, pcm)).data["text"]
        return Heard(text, await meaning(mind, text) if text else None)

    return hear_one


async def transcript(ears: Client, pcm: bytes, **request: object) -> Event:
    await ears.send(Event("transcribe", dict(request)))
    for event in spoken(pcm):
        await ears.send(event)
    return await ears.wait_for("transcript", seconds=60)


async def meaning(mind: Client, text: str) -> Meaning | None:
    await mind.send(Event("transcript", {"text": text, "context": {"area": AREA}}))
    event = await mind.wait_for(*UNDERSTOOD, seconds=60)
    if event.type != "intent":
        return None
    return event.data["name"], {entity["name"]: entity["value"] for entity in event.data.get("entities", [])}


def spoken(pcm: bytes) -> list[Event]:
    pieces = [pcm[at : at + CHUNK] for at in range(0, len(pcm), CHUNK)]
    chunks = [AudioChunk(**FORMAT, audio=piece).event() for piece in pieces]
    return [AudioStart(**FORMAT).event(), *chunks, AudioStop().event()]


@dataclass(frozen=True)
class Result:
    said: str
    expected: Meaning
    heard: Heard

    @property
    def is_right(self) -> bool:
        return self.heard.meaning == self.expected

    @property
    def is_wrong_action(self) -> bool:
        return self.heard.meaning is not None and not self.is_right


async def results(hear: Hear, clips: Mapping[str, bytes], folder: str, means: Mapping[str, Meaning]) -> list[Result]:
    return [
        Result(said, expected, await hear(clips[f"{folder}/{recording_of(said)}"])) for said, expected in means.items()
    ]


def every(step: int, means: Mapping[str, Meaning]) -> Mapping[str, Meaning]:
    """Return each `step`-th sentence."""
    return dict(list(means.items())[::step])


def report(name: str, found: list[Result]) -> str:
    words = sum(len(one.said.split()) for one in found)
    errors = sum(count_word_errors(one.said.split(), one.heard.text.lower().split()) for one in found)
    exact = sum(one.said == one.heard.text.lower() for one in found)
    right, wrong = sum(one.is_right for one in found), sum(one.is_wrong_action for one in found)
    mistakes = [f"  {one.said!r} was heard as {one.heard.text!r}" for one in found if not one.is_right]
    figures = f"exact {exact}/{len(found)}, word error rate {errors / words:.1%}, meant {right}, wrong actions {wrong}"
    return "\n".join([f"{name}: {figures}", *mistakes])


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.exhaustive)])
async def test_recorded_commands_end_in_the_right_intent(
    hear: Hear, recordings: dict[str, bytes], capsys: pytest.CaptureFixture[str], step: int
) -> None:
    people = await results(hear, recordings, "commands-en", every(step, SPOKEN))
    voices = await results(hear, recordings, "commands-en-tts", every(step, SYNTHETIC))
    with capsys.disabled():
        print("", report("people", people), report("synthetic voices", voices), sep="\n")
    assert sum(one.is_right for one in people) >= 0.55 * len(people)
    assert sum(one.is_right for one in voices) >= 0.73 * len(voices)
    assert sum(one.is_wrong_action for one in (*people, *voices)) <= math.ceil(0.04 * len((*people, *voices)))


@pytest.mark.long
async def test_what_is_no_command_does_nothing(hear: Hear, recordings: dict[str, bytes]) -> None:
    clips = ["commands-en/oov_1.wav", "commands-en/oov_2.wav", "noise/background_noise.wav", "asr/jfk.wav"]
    heard = {clip: await hear(recordings[clip]) for clip in clips}
    assert {clip: one.text for clip, one in heard.items() if one.meaning is not None} == {}


async def test_silence_is_an_empty_transcript(shared_uri: str, peer: OpenPeer) -> None:
    ears = await peer(shared_uri)
    answer = await transcript(ears, SECOND_OF_SILENCE, context={"turn_id": "t1"})
    assert answer.data["text"] == ""
    assert answer.data["context"] == {"turn_id": "t1", "score": 0.0}


async def test_a_hum_is_over_soon_after_it_has_ended(shared_uri: str, peer: OpenPeer) -> None:
    ears = await peer(shared_uri)
    hum = SPEECH.bytes_in(1.5) // 2
    sound = struct.pack(f"<{hum}h", *(round(6000 * math.sin(at / 20)) for at in range(hum)))
    answer = asyncio.create_task(ears.wait_for("transcript", seconds=120))
    too_little_for_silence = SPEECH.bytes_in(EndpointingRules().no_speech_ms / 1000 - 0.1)
    for event in spoken(sound.ljust(too_little_for_silence, b"\0"))[:-1]:
        await ears.send(event)
        await asyncio.wait([answer], timeout=SPEECH.seconds(len(event.payload or b"")))
        if answer.done():
            break
    assert (await answer).data["text"] == ""


async def test_it_describes_itself_as_home_assistant_wants_it(shared_uri: str) -> None:
    (program,) = (await describe(shared_uri)).asr
    (model,) = program.models
    assert program.installed
    assert model.installed
    assert model.languages == ["en"]
    assert all(artifact.attribution.name and artifact.attribution.url for artifact in (program, model))
    assert all(artifact.description and artifact.version for artifact in (program, model))


async def test_the_packages_own_client_is_answered(shared_uri: str) -> None:
    async with AsyncClient.from_uri(shared_uri) as client:
        await client.write_event(Describe().event())
        info = await client.read_event()
        assert info is not None
        assert Info.is_type(info.type)
        for event in (Transcribe(language="en").event(), *spoken(SECOND_OF_SILENCE)):
            await client.write_event(event)
        answer = await client.read_event()
    assert answer is not None
    assert Transcript.from_event(answer).text == ""


async def test_several_speak_at_the_same_time(shared_uri: str, peer: OpenPeer, what_time: bytes) -> None:
    peers = [await peer(shared_uri) for _ in range(4)]
    answers = await asyncio.gather(*(transcript(ears, what_time) for ears in peers))
    assert [answer.data["text"] for answer in answers] == ["what time is it"] * 4


async def test_the_next_is_understood_after_one_has_left_in_the_middle(
    shared_uri: str, peer: OpenPeer, what_time: bytes
) -> None:
    async with AsyncClient.from_uri(shared_uri) as client:
        for event in spoken(what_time):
            await client.write_event(event)
    answer = await transcript(await peer(shared_uri), what_time)
    assert answer.data["text"] == "what time is it"


async def test_what_is_said_is_in_no_log_line(daemon: StartDaemon, peer: OpenPeer, what_time: bytes) -> None:
    asr = await daemon("asr")
    assert (await transcript(await peer(asr.uri), what_time)).data["text"] == "what time is it"
    await asr.wait_for_line("understood")
    assert "what time" not in str(asr.log)


async def test_names_that_cannot_be_said_are_told_at_the_start(daemon: StartDaemon, tmp_path: Path) -> None:
    file = tmp_path / "home.toml"
    file.write_text('[[entities]]\nid = "light.a"\nname = "Wxyzq Tschk Rvnoll"\ndomain = "light"\n')
    asr = await daemon("asr", "--home", str(file))
    line = await asr.wait_for_line("name without a pronunciation: give it an alias")
    assert line["name"] == "Wxyzq Tschk Rvnoll"
    (facts,) = asr.lines("grammar loaded")
    assert facts["sentences"] > 1000


async def test_an_utterance_that_is_too_long_is_refused(daemon: StartDaemon, peer: OpenPeer) -> None:
    ears = await peer((await daemon("asr", "--longest-seconds", "2")).uri)
    for event in spoken(3 * SECOND_OF_SILENCE):
        await ears.send(event)
    error = await ears.receive(60)
    assert (error.type, error.data["code"]) == ("error", "too-long")
    assert (await transcript(ears, SECOND_OF_SILENCE)).data["text"] == ""


async def test_a_home_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-asr"), "--home", str(tmp_path / "none.toml"), stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert said.decode().count("\n") == 1
    assert "none.toml" in said.decode()


async def test_a_changed_home_is_understood_without_a_restart(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes], tmp_path: Path
) -> None:
    file = tmp_path / "home.toml"
    lamp = '[[entities]]\nid = "light.a"\nname = "{}"\ndomain = "light"\n'
    file.write_text(lamp.format("Desk lamp"))
    asr = await daemon("asr", "--home", str(file))
    ears = await peer(asr.uri)
    turn_on = recordings["commands-en/turn_on_standing_light.wav"]
    assert (await transcript(ears, turn_on)).data["text"] == ""
    file.write_text("entities = 5")
    await asr.wait_for_line("the changed home is not used")
    file.write_text(lamp.format("Standing light"))
    await asr.wait_for_line("the home has changed")
    async with asyncio.timeout(60):
        while "standing light" not in (await transcript(ears, turn_on)).data["text"].lower():
            await asyncio.sleep(0.2)


async def test_names_and_terms_of_a_request_are_understood(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes], tmp_path: Path
) -> None:
    file = tmp_path / "home.toml"
    file.write_text('[[entities]]\nid = "light.a"\nname = "Desk lamp"\ndomain = "light"\n')
    ears = await peer((await daemon("asr", "--home", str(file))).uri)
    turn_on, party = (recordings[f"commands-en/{name}.wav"] for name in ("turn_on_standing_light", "run_party_time"))
    named = await transcript(ears, turn_on, transcript_names=["Standing light"])
    meant = await transcript(ears, party, transcript_terms=["run party time"])
    assert "standing light" in named.data["text"].lower()
    assert meant.data["text"] == "run party time"
    assert (await transcript(ears, turn_on)).data["text"] == ""
