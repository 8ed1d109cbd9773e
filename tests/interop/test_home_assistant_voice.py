"""Our daemons and our satellite in the real Home Assistant, each added by its config flow; every event is recorded."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.integration.satellite_room import Voice, logged
from tests.interop import record
from tests.interop.home_assistant import HomeAssistant, port_of
from tests.interop.relay import FROM_DAEMON, TO_DAEMON, RecordingRelay
from wyoming_rosie.audio.formats import read_wav

pytestmark = [pytest.mark.interop]
ENTITIES = {
    "wake": "wake_word", "asr": "stt", "intent": "conversation", "tts": "tts", "satellite": "assist_satellite",
}  # fmt: skip
HOME = """
[[areas]]
id = "kitchen"
name = "Kitchen"
[[entities]]
id = "light.kitchen_lights"
name = "Kitchen Lights"
domain = "light"
area = "kitchen"
"""
LIGHT = "light.kitchen_lights"
RECORDINGS = Path(__file__).with_name("recordings")
LONGEST_WAIT_SECONDS = 60.0


@dataclass(repr=False)
class RecordedHome:
    """A Home Assistant with our daemons, each behind a relay, and a voice in the satellite's room."""

    core: HomeAssistant
    satellite: Daemon
    voice: Voice
    relays: dict[str, RecordingRelay]
    said: bytes
    wake_word: bytes
    reply: Path
    entities: dict[str, str] = field(default_factory=dict)

    async def phase(self, phase: str, count: int = 1) -> None:
        await logged(self.satellite, "phase", count, phase=phase)

    async def use(self, **engines: str) -> None:
        """Change engines of the pipeline, by domain."""
        known = {ENTITIES[role]: self.entities[role] for role in ("asr", "intent", "tts")}
        await self.core.use_pipeline(**{**known, **engines})

    async def add(self, ports: Mapping[str, int]) -> None:
        """Add each program, the satellite after the pipeline: a later change of it would end the connection."""
        for role in ("wake", "asr", "intent", "tts"):
            self.entities[role] = await self.core.add_wyoming(ports[role], ENTITIES[role])
        await self.use()
        self.entities["satellite"] = await self.core.add_wyoming(ports["satellite"], ENTITIES["satellite"])
        await self.phase("waiting")

    async def speech(self, name: str) -> bytes:
        return (await asyncio.to_thread(read_wav, RECORDINGS / f"{name}.wav"))[1]

    def played(self) -> bool:
        """Tell whether the satellite's speaker has had anything but silence."""
        return any(self.reply.read_bytes())

    def count(self, role: str, direction: str, kind: str) -> int:
        return sum(connection.count(direction, kind) for connection in self.relays[role].connections)

    async def until(self, role: str, direction: str, kind: str, count: int = 1) -> None:
        """Wait until a role's connections have had so many events of a kind."""
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            while self.count(role, direction, kind) < count:
                await asyncio.sleep(0.02)

    async def check(self, name: str, roles: Iterable[str], *sections: record.Section) -> None:
        """Compare what was said on the connections of these roles with its record."""
        spoken = [one for role in roles for one in record.of_connections(role, self.relays[role].connections)]
        age = "newest" if self.core.is_newest else "oldest"
        record.check(f"{name}-{age}", await self.core.versions(), [*sections, *spoken])


@pytest.fixture
async def home(
    core: HomeAssistant, daemon: StartDaemon, tmp_path: Path, shared_data: Path, said: Path
) -> AsyncIterator[RecordedHome]:
    _, wake_word = await asyncio.to_thread(read_wav, shared_data / "wake" / "woww_okay_nabu.wav")
    _, pcm = await asyncio.to_thread(read_wav, said)
    voice, reply = Voice(tmp_path / "voice"), tmp_path / "played.raw"
    async with AsyncExitStack() as stack:
        daemons = await start_servers(daemon, tmp_path / "home.toml")
        await stack.enter_async_context(voice.speaking())
        sound = ("--mic-command", voice.command, "--snd-command", f"sh -c 'cat > {reply}'")
        daemons["satellite"] = await daemon("satellite", "--name", "Test", *sound)
        relays = {role: RecordingRelay(port_of(one.uri)) for role, one in daemons.items()}
        ports = {role: await stack.enter_async_context(one.listening()) for role, one in relays.items()}
        made = RecordedHome(core, daemons["satellite"], voice, relays, pcm, wake_word, reply)
        await made.add(ports)
        yield made


async def start_servers(daemon: StartDaemon, home_file: Path) -> dict[str, Daemon]:
    await asyncio.to_thread(home_file.write_text, HOME)
    home = ("--home", str(home_file))
    arguments = {"wake": (), "asr": home, "intent": ("--actor", "none", *home), "tts": ("--engine", "espeak")}
    return {role: await daemon(role, "--name", "Test", *given) for role, given in arguments.items()}


async def test_all_are_added_with_their_entities(home: RecordedHome) -> None:
    entries = await home.core.entries()
    lines = [f"{title}: {', '.join(entities)}" for title, entities in sorted(entries.items())]
    await home.check("added", (), record.Section("entries", lines))


async def test_a_recording_goes_through_every_daemon(home: RecordedHome) -> None:
    events = await home.core.run_pipeline(home.said, home.entities["wake"], "okay_nabu")
    spoken = next(event["data"]["tts_output"]["url"] for event in events if event["type"] == "tts-end")
    assert await home.core.fetch(spoken)
    await home.check("recording", ("wake", "asr", "intent", "tts"), record.of_pipeline(events))


async def test_a_spoken_command_at_the_satellite_switches_a_light(home: RecordedHome) -> None:
    await home.core.call("light", "turn_off", entity_id=LIGHT)
    home.voice.says(home.said)
    await home.phase("speaking")
    await home.phase("waiting", 2)
    assert await home.core.state(LIGHT) == "on"
    assert home.played()
    await home.check("satellite-command", ENTITIES)


async def test_a_timer_is_set_and_ends_at_the_satellite(home: RecordedHome) -> None:
    if not home.core.is_newest:  # which tells no agent of others which device asks
        await home.use(conversation="conversation.home_assistant")
    home.voice.says(home.wake_word + await home.speech("set_a_timer_for_five_seconds"))
    await home.until("satellite", TO_DAEMON, "timer-finished")
    await home.phase("speaking")
    await home.check("satellite-timer", ENTITIES)


async def test_an_announcement_is_played_at_the_satellite(home: RecordedHome) -> None:
    fields = {"entity_id": home.entities["satellite"], "message": "Dinner is ready."}
    assert await home.core.call("assist_satellite", "announce", **fields) == 200
    await home.until("satellite", FROM_DAEMON, "played")
    assert home.played()
    await home.check("satellite-announcement", ("tts", "satellite"))


async def test_an_answer_is_spoken_before_its_end_is_known(home: RecordedHome) -> None:
    if not home.core.is_newest:
        pytest.skip("this version does not stream answers")
    await home.use(conversation="conversation.streaming_agent")
    home.voice.says(home.said)
    await home.until("satellite", TO_DAEMON, "audio-chunk")
    assert not home.count("tts", TO_DAEMON, "synthesize-stop")
    await home.core.call("input_boolean", "turn_on", entity_id="input_boolean.bulb")  # the agent waits for that
    await home.phase("waiting", 2)
    await home.check("satellite-streamed-answer", ("tts", "satellite"))


async def test_every_daemon_answers_the_regular_describe(home: RecordedHome) -> None:
    if not home.core.is_newest:
        pytest.skip("this version asks once")
    before = {role: home.count(role, FROM_DAEMON, "info") for role in ENTITIES}
    for role in ENTITIES:
        await home.until(role, FROM_DAEMON, "info", before[role] + 1)
    for entity in home.entities.values():
        assert await home.core.state(entity) != "unavailable"
