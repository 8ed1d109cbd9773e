"""A house under attack: its programs on one host, and whoever attacks them on another."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming.event import Event

from tests.daemons import Daemon
from tests.houses import House
from tests.network_peer import send_from
from tests.two_hosts import FAR, NEAR, NEAR_ADDRESS, on_host
from wyoming_rosie.runtime.child_processes import send_signal
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope

ROOT = Path(__file__).parents[2]
ATTACKER = "10.99.7.66"
"""Address of attackers, on the host that has FAR_ADDRESS as well."""
SECONDS = 120.0
TLS_PORTS = {"intent": 11550, "asr": 11300, "satellite": 11700, "trust": 10900}
MONITOR = 10998
"""HTTP port of the intent daemon."""
READ = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"
HOME = """
areas = [{ id = "kitchen", name = "Kitchen" }, { id = "bedroom", name = "Bedroom" }]
entities = [
  { id = "light.bed", name = "Bed Lamp", domain = "light", area = "bedroom" },
  { id = "light.stove", name = "Stove Lamp", domain = "light", area = "kitchen" },
]

[rooms.kitchen]
may = ["light.stove"]
"""
MEMBERS: tuple[tuple[str, str, str | None, frozenset[Scope]], ...] = (
    ("hub", "hub", None, TALK_SCOPES),
    ("intent", "thinker", None, TALK_SCOPES),
    ("asr", "listener", None, TALK_SCOPES),
    ("satellite", "box", "Kitchen", TALK_SCOPES),
    ("satellite", "küche.1", "Kitchen", TALK_SCOPES),
    ("satellite", "thief", "Kitchen", TALK_SCOPES),
    ("satellite", "microphone", None, frozenset({Scope.AUDIO})),
    ("satellite", "asker", None, frozenset({Scope.TEXT})),
    ("bridge", "bridge", None, TALK_SCOPES),
    ("vad", "vad", None, TALK_SCOPES),
)
OF_ROLE = {"hub": "hub", "intent": "thinker", "asr": "listener", "satellite": "box"}
"""Members that are the programs of the house."""


@dataclass(frozen=True)
class AttackedHouse:
    """A house whose hub, intent daemon, asr daemon and satellite run on the near host."""

    house: House
    daemons: Mapping[str, Daemon]

    @property
    def folder(self) -> Path:
        return self.house.folder

    def identity(self, name: str) -> Path:
        return self.house.identity(name)

    def certificate(self, name: str) -> str:
        """Return the file of a member's key and certificate."""
        return str(self.identity(name) / "member.pem")

    async def ask(
        self, who: str | None, *events: Event, at: str = "", host: str = FAR, role: str | None = None
    ) -> dict[str, Any]:
        """Return the answer to a member, or to nobody of the house; at the intent daemon unless told."""
        uri, identity = at or tls("intent"), None if who is None else self.identity(who)
        return await asyncio.to_thread(send_from, host, uri, identity, *events, role=role)

    async def states(self) -> dict[str, str]:
        """Return the states of the lamps."""
        question = Event("user-event", {"name": "home-state"})
        answer = await self.ask(None, question, at="tcp://127.0.0.1:10550", host=NEAR)
        return {name: one["state"] for name, one in answer["data"]["entities"].items()}

    async def switch(self, lamp: str, state: str) -> None:
        """Switch a lamp as the hub."""
        answer = await self.ask("hub", sentence(f"turn {state} the {lamp} lamp"), host=NEAR)
        assert answer["type"] == "handled", answer

    async def metrics(self) -> str:
        """Return the intent daemon's metrics."""
        return await run_near(sys.executable, "-c", READ, f"http://127.0.0.1:{MONITOR}/metrics")

    async def audit(self) -> list[dict[str, Any]]:
        lines = await asyncio.to_thread(lambda: (self.folder / "audit").read_text().splitlines())
        return [json.loads(line) for line in lines]


def tls(role: str, address: str = NEAR_ADDRESS) -> str:
    """Return the address of a program of the house for members."""
    return f"tls://{address}:{TLS_PORTS[role]}"


def sentence(text: str, **context: object) -> Event:
    """Return a sentence of somebody who says that it is the bedroom."""
    return Event(
        "transcript",
        {"text": text, "language": "en", "context": {"area": "Bedroom", "conversation_id": "c", **context}},
    )


@asynccontextmanager
async def furnish(folder: Path) -> AsyncIterator[AttackedHouse]:
    """Run a house's programs on the near host during the block."""
    house = House(folder)
    (folder / "home.toml").write_text(HOME)
    for role, name, room, scopes in MEMBERS:
        await asyncio.to_thread(house.add, role, name, room=room, scopes=scopes)
    home = ("--home", str(folder / "home.toml"), "--audit-file", str(folder / "audit"))
    flags = {
        "hub": ("--data-dir", str(folder)),
        "intent": ("--uri", "tcp://0.0.0.0:10550", "--http-port", str(MONITOR), *home),
        "asr": ("--uri", "tcp://0.0.0.0:10300"),
        "satellite": ("--uri", "tcp://0.0.0.0:10700", "--mic-command", "cat /dev/zero", "--snd-command", "tee"),
    }
    daemons: dict[str, Daemon] = {}
    try:
        for role, given in flags.items():
            identity = ("--identity", str(house.identity(OF_ROLE[role])), "--no-zeroconf")
            daemons[role] = await Daemon.start(role, *given, *identity, prefix=on_host(NEAR))
        yield AttackedHouse(house, daemons)
    finally:
        assert [await one.stop() for one in daemons.values()] == [0] * len(daemons)


@asynccontextmanager
async def attacking(
    *arguments: object, module: str = "tests.attacks.attacker"
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run an attack on the far host during the block, once it has begun."""
    attacker = await _start(module, arguments)
    assert attacker.stdout is not None
    try:
        async with asyncio.timeout(SECONDS):
            assert await attacker.stdout.readline()
        yield attacker
    finally:
        if attacker.returncode is None:
            attacker.kill()
        await attacker.wait()


async def outcome(attacker: asyncio.subprocess.Process, *, stops: bool = False) -> Any:
    """Return what an attack has come to; with `stops` it is told to end."""
    if stops:
        send_signal(attacker, signal.SIGTERM)
    assert attacker.stdout is not None
    async with asyncio.timeout(SECONDS):
        return json.loads(await attacker.stdout.readline())


async def attack(*arguments: object, module: str = "tests.attacks.attacker") -> Any:
    """Return the outcome of an attack from the far host that does all at once."""
    attacker = await _start(module, arguments)
    try:
        return await outcome(attacker)
    finally:
        if attacker.returncode is None:
            attacker.kill()
        await attacker.wait()


async def _start(module: str, arguments: tuple[object, ...]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *on_host(FAR), sys.executable, "-m", module, *map(str, arguments), stdout=subprocess.PIPE, cwd=ROOT
    )


async def run_near(program: str, *arguments: str) -> str:
    """Return what a program prints that runs well on the near host."""
    running = await asyncio.create_subprocess_exec(
        *on_host(NEAR), program, *arguments, stdout=subprocess.PIPE, cwd=ROOT
    )
    async with asyncio.timeout(SECONDS):
        printed, _ = await running.communicate()
    assert running.returncode == 0, printed
    return printed.decode()
