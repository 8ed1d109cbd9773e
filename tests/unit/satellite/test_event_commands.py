"""Event commands, with real ones."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from wyoming.asr import Transcript
from wyoming.error import Error
from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated
from wyoming.tts import Synthesize, SynthesizeVoice
from wyoming.wake import Detection

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.integrations.event_commands import (
    EVENT_TYPES,
    MAX_CONCURRENT,
    MAX_QUEUED,
    EventCommands,
    format_stdin,
)


@asynccontextmanager
async def running(lines: dict[str, str], longest_seconds: float = 10) -> AsyncIterator[EventCommands]:
    commands = await asyncio.to_thread(EventCommands, lines, longest_seconds)
    task = asyncio.create_task(commands.run())
    try:
        yield commands
    finally:
        task.cancel()
        await asyncio.wait([task])


def written(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def content(path: Path, lines: int = 1) -> str:
    async with asyncio.timeout(60):
        while written(path).count("\n") < lines:
            await asyncio.sleep(0.02)
    return written(path)


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().split()[2] != "Z"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Detection(name="okay_nabu").event(), "okay_nabu"),
        (Transcript(text="grüß dich").event(), "grüß dich"),
        (Synthesize(text="hello", voice=SynthesizeVoice(name="x")).event(), "hello"),
        (Error(text="out of order", code="x").event(), "out of order"),
        (TimerCancelled(id="7").event(), "7"),
        (TimerFinished(id="7").event(), "7"),
        (Event("detection", {"name": None}), ""),
        (Event("played"), ""),
    ],
    ids=lambda value: value.type if isinstance(value, Event) else "",
)
def test_what_a_command_reads(event: Event, text: str) -> None:
    assert format_stdin(event) == text


@pytest.mark.parametrize(
    "event",
    [
        TimerStarted(id="7", total_seconds=60, name="pizza").event(),
        TimerUpdated(id="7", is_active=False, total_seconds=30).event(),
    ],
)
def test_timers_that_start_or_change_are_json(event: Event) -> None:
    assert json.loads(format_stdin(event)) == event.data


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
async def test_each_command_runs_for_its_event(name: str, tmp_path: Path) -> None:
    out = tmp_path / "ran"
    async with running({name: f"sh -c 'echo {name} >> {out}'"}) as commands:
        commands.on_event(Event(EVENT_TYPES[name]))
        assert await asyncio.wait_for(content(out), 60) == f"{name}\n"


async def test_the_text_comes_on_standard_input(tmp_path: Path) -> None:
    out = tmp_path / "said"
    async with running({"transcript": f"sh -c 'cat > {out}; echo >> {out}'"}) as commands:
        commands.on_event(Transcript(text="turn on the light; rm -rf $HOME").event())
        assert await content(out) == "turn on the light; rm -rf $HOME\n"


async def test_the_startup_command_runs_by_itself(tmp_path: Path) -> None:
    out = tmp_path / "started"
    async with running({"startup": f"sh -c 'echo up > {out}'"}):
        assert await content(out) == "up\n"


async def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    pids, after = tmp_path / "pids", tmp_path / "after"
    lines = {"detect": f"sh -c 'sleep 60 & echo $! >> {pids}; wait'", "tts-played": f"sh -c 'echo x >> {after}'"}
    async with running(lines, longest_seconds=2) as commands:
        for _ in range(MAX_CONCURRENT):
            commands.on_event(Event("detect"))
        commands.on_event(Event("played"))
        await content(after)
        children = [int(pid) for pid in (await content(pids)).split()]
        async with asyncio.timeout(60):
            while any(is_alive(pid) for pid in children):
                await asyncio.sleep(0.02)


async def test_commands_end_with_the_satellite(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    async with running({"detect": f"sh -c 'echo $$ >> {pids}; exec sleep 60'"}) as commands:
        commands.on_event(Event("detect"))
        child = int(await content(pids))
    assert not is_alive(child)


def test_what_happens_while_too_many_wait_is_skipped() -> None:
    commands = EventCommands({"detect": "true"})
    for _ in range(MAX_QUEUED + 3):
        commands.on_event(Event("detect"))
    assert commands.skipped == 3


async def test_a_command_that_cannot_start_or_fails_ends_nothing(tmp_path: Path) -> None:
    program, out = tmp_path / "program", tmp_path / "out"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    lines = {"detect": str(program), "error": "false", "tts-played": f"sh -c 'echo x >> {out}'"}
    async with running(lines) as commands:
        for name in ("detect", "error", "played"):
            commands.on_event(Event(name))
        assert await content(out) == "x\n"


async def test_what_a_command_prints_never_reaches_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    async with running({"detect": f"{sys.executable} -c 'print(7)'"}) as commands:
        commands.on_event(Event("detect"))
        async with asyncio.timeout(60):
            while "7" not in capfd.readouterr().err:
                await asyncio.sleep(0.05)
    assert capfd.readouterr().out == ""


def test_a_command_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="--detection-command"):
        EventCommands({"detection": "no-such-program --now"})
