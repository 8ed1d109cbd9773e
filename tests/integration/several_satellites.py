"""A house with several installed satellites that hear one voice, each at its own distance, and what their speakers played."""

import asyncio
import os
from array import array
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests import houses as trust
from tests.daemons import Daemon
from tests.fakes import FakeDaemon
from tests.integration.satellite_room import Voice
from tests.integration.test_hub import asr, intent, tts, vad
from tests.several_hosts import address_of
from tests.two_hosts import on_host
from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie_satellite.audio.cues import load_cue
from wyoming_rosie_satellite.messages import Cue

Arguments: TypeAlias = Callable[[str], Sequence[str]]
"""Flags of a satellite by its name."""
CHIME_FORMAT = AudioFormat(22_050, 2, 1)
NOISE_SHIFT = 10
"""Noise of -65 dBFS."""
QUIET_SECONDS = 2.5
"""Time after a call until another is not taken for the same."""
LONGEST_SECONDS = 60.0
HEARD_SECONDS, MAX_CALLS = 10.0, 3
SATELLITE_PORT = 10_700
WAKE, ANSWERING = "wake word", {"streaming", "thinking", "speaking"}
STAGES = {"vad": vad, "asr": asr, "intent": intent, "tts": tts}


class VoiceInRoom(Voice):
    """A voice in the noise of a quiet room."""

    def _mix(self, frame: bytes) -> bytes:
        noise = array("h", os.urandom(len(frame)))
        return array(
            "h", (one + (other >> NOISE_SHIFT) for one, other in zip(array("h", frame), noise, strict=True))
        ).tobytes()


@dataclass
class House:
    """Satellites by name, with a voice in front of each; the number of answers of each so far."""

    satellites: dict[str, Daemon] = field(default_factory=dict)
    voices: dict[str, Voice] = field(default_factory=dict)
    speakers: dict[str, Path] = field(default_factory=dict)
    hub: Daemon | None = None

    async def call(self, word: bytes, factors: Mapping[str, float], late_seconds: Mapping[str, float]) -> list[str]:
        """Say the word at each satellite, with its loudness and delay; return who has answered, when all are quiet again.

        It is said again if one has not heard it: a busy machine drops audio that it has no time for.
        """
        for _ in range(MAX_CALLS):
            before = {name: self.answers(name) for name in factors}
            if await self._say(word, factors, late_seconds):
                break
        await asyncio.sleep(QUIET_SECONDS)
        await self._wait(lambda: not any(self._is_busy(name) for name in factors))
        return [name for name in factors for _ in range(self.answers(name) - before[name])]

    async def _say(self, word: bytes, factors: Mapping[str, float], late_seconds: Mapping[str, float]) -> bool:
        """Say the word once; return whether all have heard it."""
        heard = {name: self._count_words(name) for name in factors}
        for name, factor in factors.items():
            silence = bytes(SPEECH.bytes_in(round(late_seconds.get(name, 0.0), 2)))
            self.voices[name].says(silence + scale(word, factor))
        with suppress(TimeoutError):
            await self._wait(lambda: all(self._count_words(name) > heard[name] for name in factors), HEARD_SECONDS)
            return True
        return False

    async def _wait(self, until: Callable[[], bool], seconds: float = LONGEST_SECONDS) -> None:
        async with asyncio.timeout(seconds):
            while not until():
                await asyncio.sleep(0.05)

    def answers(self, name: str) -> int:
        """Return how often a satellite has begun to listen."""
        return sum(line["phase"] == "streaming" for line in self.satellites[name].lines("phase"))

    def chimes(self, name: str) -> int:
        """Return how often a satellite's speaker has played the chime, once the satellite has ended."""
        chime = load_cue(Cue.AWAKE, Path("chime"), CHIME_FORMAT).strip(b"\0")
        return self.speakers[name].read_bytes().count(chime)

    def _count_words(self, name: str) -> int:
        return len(self.satellites[name].lines(WAKE))

    def _is_busy(self, name: str) -> bool:
        phases = self.satellites[name].lines("phase")
        return bool(phases) and phases[-1]["phase"] in ANSWERING


@asynccontextmanager
async def furnish(
    folder: Path, names: Sequence[str], arguments: Arguments = lambda _: (), hosts: Sequence[str] = ()
) -> AsyncIterator[House]:
    """Start satellites without a conductor, each on a host of its own if there are hosts; they end with the block."""
    house = House()
    async with AsyncExitStack() as stack:
        for number, name in enumerate(names):
            house.voices[name] = VoiceInRoom(folder / f"{name}.pipe")
            house.speakers[name] = folder / f"{name}.wav"
            await stack.enter_async_context(house.voices[name].speaking())
            devices = ("--mic-command", house.voices[name].command, "--snd", f"wav:{house.speakers[name]}")
            flags = ("--awake-wav", "chime", "--data-dir", str(folder), "--wake-refractory-seconds", "0.5")
            satellite = await Daemon.start(
                "satellite",
                "--name",
                name,
                *devices,
                *flags,
                *arguments(name),
                prefix=on_host(hosts[number] if hosts else None),
            )
            stack.push_async_callback(satellite.stop)
            house.satellites[name] = satellite
        yield house


@asynccontextmanager
async def furnish_with_hub(
    folder: Path, names: Sequence[str], hosts: Sequence[str] = (), others: Sequence[str] = ()
) -> AsyncIterator[House]:
    """Start satellites, and a hub that conducts them and others with scripted daemons; the hub has the last host, if there are hosts."""
    async with AsyncExitStack() as stack:
        listening = ("--uri", f"tcp://0.0.0.0:{SATELLITE_PORT}", "--no-zeroconf") if hosts else ()
        house = await stack.enter_async_context(furnish(folder, names, lambda _: listening, hosts))
        uris = [satellite.uri for satellite in house.satellites.values()]
        if hosts:
            uris = [f"tcp://{address_of(number)}:{SATELLITE_PORT}" for number in range(len(names))]
        flags = [flag for uri in (*uris, *others) for flag in ("--satellite", uri)]
        for role, answer in STAGES.items():
            stage = FakeDaemon(answer)
            await stack.enter_async_context(stage.serving(f"unix://{folder / role}"))  # any host reaches it
            flags += [f"--{role}-uri", stage.uri]
        flags += ["--no-zeroconf", "--data-dir", str(folder / "hub")]
        house.hub = await Daemon.start("hub", *flags, prefix=on_host(hosts[-1] if hosts else None))
        stack.push_async_callback(house.hub.stop)
        for name in names:
            await house.hub.wait_for_line("satellite connected", satellite=name)
            await house.satellites[name].wait_for_line("phase", phase="waiting")
        yield house


@asynccontextmanager
async def furnish_alone(folder: Path, names: Sequence[str], hosts: Sequence[str]) -> AsyncIterator[House]:
    """Start satellites that no conductor conducts, on a network that has nobody but them; they keep what is said."""
    key = folder / "house-key"
    key.write_text("a key of this house, for tests")
    key.chmod(0o600)
    flags = ("--outbox", "--arbitration.key-file", str(key))
    async with furnish(folder, names, lambda _: flags, hosts) as house:
        await wait_until_found(house, names)
        yield house


@asynccontextmanager
async def furnish_with_members(
    folder: Path, names: Sequence[str], members: trust.House, hosts: Sequence[str]
) -> AsyncIterator[House]:
    """Start satellites that no conductor conducts, and that are members of a house, each on a host of its own."""
    await asyncio.to_thread(folder.mkdir)
    async with furnish(
        folder, names, lambda name: ("--outbox", "--identity", str(members.identity(name))), hosts
    ) as house:
        yield house


async def wait_until_found(house: House, names: Sequence[str]) -> None:
    """Wait until these satellites have found each other."""
    for one in names:
        for other in set(names) - {one}:
            await house.satellites[one].wait_for_line("another satellite found", name=other)


def scale(pcm: bytes, factor: float) -> bytes:
    """Return 16-bit audio made louder or quieter."""
    return array("h", (round(factor * sample) for sample in array("h", pcm))).tobytes()
