"""Timers and delayed commands in two rooms: the hub as a process, two satellites, scripted daemons."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from wyoming.event import Event
from wyoming.info import Attribution, Info, TtsProgram, TtsVoice

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.fakes import FakeDaemon, FakeSatellite
from tests.integration.test_hub import tts, vad
from tests.waiting import wait_until
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.voice_activity.endpointing import SPECULATION

CREDIT = Attribution("tests", "https://example.org")
LOCKED = {"label": "unlock the Front Door", "confirmed": ["lock.front"]}


def voice(name: str, *languages: str) -> TtsVoice:
    return TtsVoice(name, CREDIT, True, None, "1", languages=list(languages))


class TwoRoomHome:
    """A hub with a satellite in the kitchen and one in the office; asr transcribes whatever `say` is given."""

    def __init__(self, start: StartDaemon, stack: AsyncExitStack, data_dir: Path) -> None:
        self._start = start
        self._stack = stack
        self._data_dir = data_dir
        self.kitchen, self.office = FakeSatellite("kitchen", "Kitchen"), FakeSatellite("office", "Office")
        self.says = ""
        self.heard_language: str | None = None
        self.intents: dict[str, Event] = {}
        self.voices: list[TtsVoice] = []
        self.intent = FakeDaemon(self._understand)
        self.stages = {"vad": FakeDaemon(vad), "asr": FakeDaemon(self._hear), "intent": self.intent, "tts": FakeDaemon(tts)}  # fmt: skip

    async def _hear(self, event: Event, send: Send) -> None:
        if event.type == "voice-stopped":
            await send(
                Event("user-event", {"name": SPECULATION, "data": {"text": self.says, "completeness": "complete"}})
            )
        elif event.type == "audio-stop":
            await send(Event("transcript", {"text": self.says, "language": self.heard_language}))

    async def _understand(self, event: Event, send: Send) -> None:
        if event.type == "transcript":
            text = str(event.data["text"])
            await send(self.intents.get(text, Event("not-recognized", {"text": f"What is {text}?"})))

    def means(self, text: str, intent: str, later: object = None, **slots: object) -> None:
        entities = [{"name": name, "value": value} for name, value in slots.items()]
        context = {} if later is None else {"later": later}
        self.intents[text] = Event("intent", {"name": intent, "entities": entities, "context": context})

    async def begin(self, *flags: str) -> Daemon:
        info = Info(tts=[TtsProgram("tts", CREDIT, True, None, "1", self.voices)] if self.voices else [])
        for satellite in (self.kitchen, self.office):
            if not satellite.uri:
                await self._stack.enter_async_context(satellite.serving(info=satellite.info))
        for role, stage in self.stages.items():
            if not stage.uri:
                await self._stack.enter_async_context(stage.serving(info=info if role == "tts" else None))
        return await self.begin_again(*flags)

    async def begin_again(self, *flags: str, joined: int = 2) -> Daemon:
        uris = [part for role, stage in self.stages.items() for part in (f"--{role}-uri", stage.uri)]
        satellites = [part for one in (self.kitchen, self.office) for part in ("--satellite", one.uri)]
        hub = await self._start("hub", *satellites, *uris, "--no-zeroconf", "--data-dir", str(self._data_dir), *flags)
        await wait_until(lambda: len(hub.lines("satellite connected")) >= joined)
        # before the phrases the hub asks for the voices
        await wait_until(lambda: self.stages["tts"].of_type("synthesize"))
        return hub

    async def say(self, satellite: FakeSatellite, text: str) -> str:
        """Wake a satellite and say something; return the answer once it is played.

        Each room has its own wake word: of one that two rooms hear within 2 s, one room answers.
        """
        self.says, heard = text, len(satellite.heard)
        await satellite.wake(word="okay_nabu" if satellite is self.kitchen else "hey_jarvis")
        await satellite.speak(1.0)
        answer = await satellite.wait_for("synthesize", after=heard)
        await satellite.wait_for("audio-stop", after=heard)
        await satellite.send(Event("played"))
        return str(answer.data["text"])

    def spoken(self) -> list[tuple[str, object]]:
        """Return the synthesized texts and their voices, without the fallback phrases."""
        asked = [event for event in self.stages["tts"].heard if event.type == "synthesize" and "context" in event.data]
        return [(str(event.data["text"]), event.data.get("voice")) for event in asked]


@pytest.fixture
async def home(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[TwoRoomHome]:
    async with AsyncExitStack() as stack:
        yield TwoRoomHome(daemon, stack, tmp_path / "state")


def about_timers(satellite: FakeSatellite) -> list[str]:
    return [event.type for event in satellite.heard if event.type.startswith("timer-")]


async def test_a_timer_that_is_cancelled_from_another_room_does_not_ring(home: TwoRoomHome) -> None:
    home.means("start", "HassStartTimer", seconds=10)
    home.means("cancel", "HassCancelTimer")
    await home.begin()
    await home.say(home.kitchen, "start")
    assert await home.say(home.office, "cancel") == "The 10 second timer is cancelled."
    await home.kitchen.wait_for("timer-cancelled")
    home.means("start again", "HassStartTimer", seconds=8)
    await home.say(home.office, "start again")
    await home.office.wait_for("timer-finished", seconds=60)
    assert about_timers(home.kitchen) == ["timer-started", "timer-cancelled"]
    assert about_timers(home.office) == ["timer-started", "timer-finished"]


async def test_a_reconnected_satellite_is_sent_that_its_timer_is_cancelled(
    home: TwoRoomHome, daemon: StartDaemon
) -> None:
    home.means("start", "HassStartTimer", minutes=5)
    home.means("cancel", "HassCancelTimer")
    async with home.kitchen.serving(info=home.kitchen.info):
        uri = home.kitchen.uri
        hub = await home.begin()
        await home.say(home.kitchen, "start")
    await hub.wait_for_line("satellite unreachable")
    answer = await home.say(home.office, "cancel")
    assert answer == (
        "The 5 minute timer is cancelled. "
        "The satellite kitchen cannot be reached, so it may still ring there until it is back."
    )
    again = FakeSatellite("kitchen", "Kitchen")
    async with again.serving(uri, info=again.info):
        await again.wait_for("timer-cancelled", seconds=60)
    assert about_timers(home.office) == []


async def test_which_timer_is_asked_and_the_answer_understood(home: TwoRoomHome) -> None:
    home.means("five", "HassStartTimer", minutes=5)
    home.means("pasta", "HassStartTimer", minutes=9, name="pasta")
    home.means("cancel", "HassCancelTimer")
    await home.begin()
    await home.say(home.kitchen, "five")
    await home.say(home.kitchen, "pasta")
    heard = len(home.kitchen.heard)
    assert await home.say(home.kitchen, "cancel") == "Which one: the 5 minute timer or the pasta timer?"
    assert [event.data.get("name") for event in home.kitchen.heard[heard:] if event.type == "user-event"] == [
        "listen-again"
    ]
    assert await home.say(home.kitchen, "What?") == "What is What??"  # no answer, but a sentence like any other
    await home.say(home.kitchen, "cancel")
    assert await home.say(home.kitchen, "The pasta one.") == "The pasta timer is cancelled."


async def test_a_delayed_command_runs_in_its_room_and_survives_a_restart(home: TwoRoomHome) -> None:
    home.means("later", "HassStartTimer", LOCKED, seconds=6, conversation_command="unlock the door")
    home.intents["unlock the door"] = Event("handled", {"text": "Unlocked."})
    hub = await home.begin()
    assert await home.say(home.kitchen, "later") == "In 6 seconds: unlock the Front Door."
    assert about_timers(home.kitchen) == []
    assert await hub.stop() == 0
    await home.begin_again()
    async with asyncio.timeout(60):
        while not (done := [one for one in home.intent.of_type("transcript") if one.data["text"] == "unlock the door"]):
            await asyncio.sleep(0.05)
    context = done[0].data["context"]
    assert (context["area"], context["satellite_id"], context["confirmed"]) == ("Kitchen", "kitchen", ["lock.front"])


async def test_a_delayed_command_that_fails_is_announced(home: TwoRoomHome) -> None:
    home.means("later", "HassStartTimer", {"label": "turn off the TV", "confirmed": []}, seconds=1, conversation_command="off")  # fmt: skip
    home.intents["off"] = Event("not-handled", {"text": "The TV cannot be reached."})
    await home.begin()
    await home.say(home.kitchen, "later")
    await wait_until(lambda: len(home.kitchen.of_type("synthesize")) > 1)
    told = home.kitchen.of_type("synthesize")[1]
    assert told.data["text"] == "It was time for this: turn off the TV. The TV cannot be reached."


async def test_a_delayed_command_without_executor_is_refused_at_once(home: TwoRoomHome) -> None:
    home.means("later", "HassStartTimer", seconds=1, conversation_command="off")
    await home.begin()
    assert await home.say(home.kitchen, "later") == "Sorry, nothing here can do that."


async def test_the_answer_is_in_the_detected_language_and_a_matching_voice(home: TwoRoomHome) -> None:
    home.voices = [voice("amy", "en_US"), voice("thorsten", "de_DE")]
    home.means("stell", "HassStartTimer", minutes=5)
    home.heard_language = "de"
    hub = await home.begin("--language", "auto")
    assert await home.say(home.kitchen, "stell") == "Timer über 5 Minuten gestartet."
    assert home.spoken()[-1][1] == {"name": "thorsten"}
    assert home.intent.of_type("transcript")[-1].data["language"] == "de"
    assert home.stages["asr"].of_type("transcribe")[-1].data.get("language") is None
    assert not hub.lines("no voice speaks this language; install one")


async def test_a_satellite_may_have_its_own_language(home: TwoRoomHome) -> None:
    home.means("start", "HassStartTimer", minutes=5)
    await home.begin("--language", "en")
    await home.kitchen.send(Event("run-pipeline", {"start_stage": "asr", "end_stage": "tts", "context": {"language": "fr"}}))  # fmt: skip
    home.says = "start"
    await home.kitchen.speak(1.0)
    answer = await home.kitchen.wait_for("synthesize")
    assert answer.data["text"] == "Minuteur de 5 minutes démarré."
    assert home.stages["asr"].of_type("transcribe")[-1].data["language"] == "fr"


async def test_a_language_without_a_voice_is_reported_aloud_once(home: TwoRoomHome) -> None:
    home.voices = [voice("amy", "en_US")]
    home.means("stell", "HassStartTimer", minutes=5)
    hub = await home.begin("--language", "de")
    answered = len(home.kitchen.heard)
    assert await home.say(home.kitchen, "stell") == "Timer über 5 Minuten gestartet."
    async with asyncio.timeout(60):
        while len(told := [event for event in home.kitchen.heard[answered:] if event.type == "synthesize"]) < 2:
            await asyncio.sleep(0.02)
    expected = "I have no voice for Deutsch. Please install one for the speech synthesis service."
    assert told[1].data["text"] == expected
    async with asyncio.timeout(60):
        while home.spoken()[-1][0] != expected:
            await asyncio.sleep(0.02)
    await hub.wait_for_line("no voice speaks this language; install one", language="de")
