"""Who speaks: the installed commands enrol a recorded voice, and the asr daemon, the hub and the intent daemon know it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from wyoming.asr import Transcribe
from wyoming.event import Event

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import command
from tests.fakes import FakeSatellite
from tests.integration.test_asr_daemon import FORMAT
from tests.integration.test_voice_loop import speech, trimmed
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie.protocol.client import Client, connect

ENGINE = ("--engine", "mfcc-gmm")
NAME = "Zoë Müller-v.d. Höh"
ENROLLED = (
    "add_apples_to_my_shopping_list", "set_kitchen_lights_to_green", "set_a_timer_for_5_minutes",
    "set_bed_light_brightness_to_50_percent", "turn_on_standing_light",
)  # fmt: skip
GREEN = "set_kitchen_lights_to_green"
RELOAD_SECONDS = 30.0
TRANSCRIPT_SECONDS = 150.0
"""Of decoding what no sentence of the home is, on a busy machine."""


@dataclass
class Voices:
    """A folder of enrolled voices, and the command that fills it."""

    folder: Path
    recordings: Path

    async def enroll(self, *arguments: str) -> tuple[int, str]:
        """Run the command; return its exit status and what it says."""
        process = await asyncio.create_subprocess_exec(
            command("wyoming-rosie"), "enroll", *arguments, "--folder", str(self.folder),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    def files(self, names: Sequence[str], folder: str = "commands-en") -> list[str]:
        return [part for name in names for part in ("--file", str(self.recordings / folder / f"{name}.wav"))]

    async def read(self, name: str) -> bytes:
        audio, pcm = await asyncio.to_thread(read_wav, self.recordings / f"{name}.wav")
        assert audio == SPEECH
        return pcm


@pytest.fixture
def voices(tmp_path: Path, shared_data: Path) -> Voices:
    return Voices(tmp_path / "voices", shared_data)


async def transcribe(ears: Client, pcm: bytes, **context: str) -> dict[str, object]:
    """Return the context of the transcript."""
    await ears.send(Transcribe(language="en", context=dict(context)).event())
    await ears.send(Event("audio-start", FORMAT))
    await ears.send(Event("audio-chunk", FORMAT, pcm))
    await ears.send(Event("audio-stop"))
    answer = await ears.wait_for("transcript", seconds=TRANSCRIPT_SECONDS)
    return dict(answer.data["context"])


@pytest.mark.long
async def test_voices_are_enrolled_known_and_forgotten_while_the_daemon_runs(
    voices: Voices, daemon: StartDaemon, peer: OpenPeer
) -> None:
    """What is known is a recording: whoever plays one is taken for the person, and nothing may depend on a voice alone."""
    other = [path.stem for path in sorted((voices.recordings / "commands-en-tts").glob("*.wav"))][:5]
    uri = (await daemon("asr", "--speakers.folder", str(voices.folder), "--speakers.engine", "mfcc-gmm")).uri
    one, two = await peer(uri), await peer(uri)
    first, second = await voices.read(f"commands-en/{ENROLLED[0]}"), await voices.read(f"commands-en-tts/{other[0]}")
    assert "speaker" not in await transcribe(one, first)

    assert (await voices.enroll("Mira", *ENGINE, *voices.files(other, "commands-en-tts")))[0] == 0
    assert (await voices.enroll(NAME, *ENGINE, *voices.files(ENROLLED)))[0] == 0
    known = await _wait_for_speaker(one, first, NAME)
    assert 0.5 < float(str(known["speaker_score"])) <= 1
    heard = await asyncio.gather(transcribe(one, first), transcribe(two, second))
    assert [context.get("speaker") for context in heard] == [NAME, "Mira"]
    stranger = (await voices.read("asr/jfk"))[: SPEECH.bytes_in(2)]
    assert "speaker" not in await transcribe(one, stranger, speaker=NAME)  # a claim is no voice
    assert "speaker" not in await transcribe(one, chords(2), speaker=NAME)

    status, listed = await voices.enroll("--list")
    assert (status, NAME in listed) == (0, True)
    assert (await voices.enroll("--forget", NAME.upper()))[0] == 0
    await _wait_for_speaker(one, first, None)
    assert len(list(voices.folder.glob("*.json"))) == 1


def chords(seconds: float) -> bytes:
    """Return music: chords with a beat, and rests between them."""
    times = np.arange(round(seconds * SPEECH.rate)) / SPEECH.rate
    sound = sum(
        np.sin(2 * np.pi * hertz * overtone * times) / overtone for hertz in (220, 277, 330) for overtone in (1, 2, 3)
    )
    beat = np.exp(-8 * (times % 0.5)) * (times % 2 < 1.6)
    return bytes((4000 * sound * beat).astype(np.int16).tobytes())


async def test_bad_sentences_are_refused_with_the_reason(voices: Voices) -> None:
    bad = [*voices.files(["background_noise"], "noise"), *voices.files(["silence", "speech"], "vad")]
    status, output = await voices.enroll("Ada", *ENGINE, *bad)
    assert status == 3
    assert "nobody speaks in it" in output
    assert "too short" in output
    assert "Ada is not enrolled: 0 good sentences, and at least 3 are needed" in output
    assert not voices.folder.exists()


async def _wait_for_speaker(ears: Client, pcm: bytes, name: str | None) -> dict[str, object]:
    """Speak until the daemon has read the store, on a busy machine too; return the context."""
    async with asyncio.timeout(RELOAD_SECONDS * 3):
        while (context := await transcribe(ears, pcm)).get("speaker") != name:
            await asyncio.sleep(0.2)
    return context


async def say(mind: Client, text: str, speaker: str | None) -> str:
    """Return the answer to what a person says in the kitchen, or a guest."""
    context = {"area": "kitchen", "conversation_id": speaker or "guest"} | ({"speaker": speaker} if speaker else {})
    await mind.send(Event("transcript", {"text": text, "language": "en", "context": context}))
    return str((await mind.wait_for("handled", "not-handled", "not-recognized", seconds=60)).data["text"])


async def test_the_intent_daemon_keeps_persons_apart(daemon: StartDaemon, peer: OpenPeer, tmp_path: Path) -> None:
    home = tmp_path / "home.toml"
    home.write_text(f'{DEMO_HOME.read_text("utf-8")}\n[people.Tom]\nmay = ["light.*"]\n', "utf-8")
    mind = await peer((await daemon("intent", "--home", str(home), "--memory.guests")).uri)
    assert await say(mind, "turn on the kitchen light", "tom") == "Turned on the Kitchen Light."
    assert await say(mind, "unlock the front door", "Tom") == "Sorry, Tom, you may not change the Front Door."
    assert "do not know your voice" in await say(mind, "unlock the front door", None)
    assert await say(mind, "unlock the front door", "Ada") == "Shall I unlock the Front Door?"
    assert await say(mind, "no", "Ada")

    await say(mind, "remember that my bin day is Tuesday", "Ada")
    assert await say(mind, "when is my bin day?", "Ada") == "Your bin day is Tuesday."
    assert "Tuesday" not in await say(mind, "when is my bin day?", "Tom")
    assert "Tuesday" not in await say(mind, "when is my bin day?", None)

    for nobody in ("", 7):
        context = {"area": "kitchen", "speaker": nobody}
        await mind.send(Event("transcript", {"text": "unlock the front door", "language": "en", "context": context}))
        answer = await mind.wait_for("handled", "not-handled", "not-recognized", "error", seconds=60)
        assert "Shall I" not in str(answer.data["text"]), nobody


async def test_a_voice_is_enrolled_through_a_satellite(voices: Voices) -> None:
    satellite = FakeSatellite()
    async with satellite.serving(info=satellite.info):
        enrolling = asyncio.create_task(voices.enroll("Ada", *ENGINE, "--satellite", satellite.uri, "--language", "de"))
        await satellite.wait_for("run-satellite")
        for name in ENROLLED:
            after = len(satellite.heard)
            await satellite.wake()
            await satellite.wait_for("transcribe", after=after)
            pcm = await voices.read(f"commands-en/{name}")
            await satellite.send(Event("audio-chunk", FORMAT, pcm), Event("audio-stop"))
            await satellite.wait_for("error", after=after)
        status, output = await enrolling
    assert status == 0, output
    assert "Guten Morgen, bitte öffne die Vorhänge" in output
    assert "Ada is enrolled with 5 sentences" in output


class House:
    """All daemons, a hub, and an installed satellite whose microphone hears a recording; what they may is audited."""

    def __init__(self, start: StartDaemon, folder: Path, voices: Voices) -> None:
        self._start = start
        self._folder = folder
        self._voices = voices
        self._audit = folder / "audit.jsonl"
        self._uris: dict[str, str] = {}

    async def begin(self) -> None:
        home = self._folder / "home.toml"
        home.write_text(f"{DEMO_HOME.read_text('utf-8')}\n[people.guest]\nmay = []\n", "utf-8")
        flags = {
            "asr": ("--speakers.folder", str(self._voices.folder), "--speakers.engine", "mfcc-gmm"),
            "intent": ("--home", str(home), "--confirm", "light", "--audit-file", str(self._audit), "--memory.guests"),
        }
        roles = ("vad", "asr", "intent", "tts")
        started = await asyncio.gather(*(self._start(role, *flags.get(role, ())) for role in roles))
        self._uris = {role: one.uri for role, one in zip(roles, started, strict=True)}
        await started[1].wait_for_line("grammar loaded")

    async def hear(self, command_pcm: bytes) -> dict[str, object]:
        """Let a satellite hear the wake word and a command; return what intent noted of the command."""
        word = await asyncio.to_thread(speech, self._voices.recordings / "wake" / "woww_okay_nabu.wav")
        noted = self._notes()
        recording = self._folder / "heard.wav"
        quiet = bytes(SPEECH.bytes_in(1))
        heard = quiet + trimmed(word) + trimmed(command_pcm) + 3 * quiet
        await asyncio.to_thread(write_wav, recording, SPEECH, heard)
        satellite = await self._start(
            "satellite", "--mic", f"wav:{recording}", "--snd", f"wav:{self._folder}/reply.wav", "--area", "Kitchen"
        )
        uris = [part for role, uri in self._uris.items() for part in (f"--{role}-uri", uri)]
        hub = await self._start(
            "hub", "--satellite", satellite.uri, *uris, "--no-zeroconf", "--data-dir", str(self._folder / "state")
        )
        await wait_until(lambda: len(self._notes()) > len(noted))
        await hub.stop()
        await satellite.stop()
        return dict(self._notes()[-1])

    async def ask(self, text: str, speaker: str | None) -> str:
        async with connect(self._uris["intent"]) as mind:
            return await say(mind, text, speaker)

    def _notes(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._audit.read_text().splitlines()] if self._audit.exists() else []


async def test_a_whole_turn_is_the_persons(voices: Voices, daemon: StartDaemon, tmp_path: Path) -> None:
    assert (await voices.enroll(NAME, *ENGINE, *voices.files(ENROLLED)))[0] == 0
    house = House(daemon, tmp_path, voices)
    await house.begin()
    known = await house.hear(await voices.read(f"commands-en/{GREEN}"))
    assert (known["outcome"], known["speaker"]) == ("asked", NAME)
    assert "green" in (await house.ask("what did we talk about today?", NAME)).lower()
    assert "green" not in (await house.ask("what did we talk about today?", "Tom")).lower()
