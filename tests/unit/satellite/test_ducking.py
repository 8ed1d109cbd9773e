"""Ducking, by commands that leave traces."""

import asyncio
import shlex
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.unit.satellite.test_player import until
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.audio.ducking import MAX_SECONDS, AwakeMute, CommandDucking


@pytest.fixture
def trace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name) / "trace"


def _note(trace: Path, word: str) -> str:
    return f"sh -c {shlex.quote(f'echo {word} >> {trace}')}"


@asynccontextmanager
async def running(ducking: CommandDucking) -> AsyncIterator[None]:
    task = asyncio.create_task(ducking.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _words(trace: Path) -> list[str]:
    return trace.read_text().split() if trace.exists() else []


async def test_music_is_soft_while_it_listens_and_loud_again_after(trace: Path) -> None:
    ducking = await asyncio.to_thread(CommandDucking, _note(trace, "soft"), _note(trace, "loud"))
    async with running(ducking):
        for ducked in (True, True, False):
            ducking.set_active(active=ducked)
            await until(lambda: ducking.is_settled)
    assert _words(trace) == ["soft", "loud"]


async def test_only_what_is_wanted_last_is_done(trace: Path) -> None:
    ducking = await asyncio.to_thread(CommandDucking, _note(trace, "soft"), None)
    async with running(ducking):
        ducking.set_active(active=True)
        ducking.set_active(active=False)
        await until(lambda: ducking.is_settled)
    assert _words(trace) == []


async def test_music_is_loud_again_when_the_satellite_ends(trace: Path) -> None:
    ducking = await asyncio.to_thread(CommandDucking, None, _note(trace, "loud"))
    async with running(ducking):
        ducking.set_active(active=True)
        await until(lambda: ducking.is_settled)
    assert _words(trace) == ["loud"]


async def test_a_command_that_fails_harms_nothing(trace: Path) -> None:
    ducking = await asyncio.to_thread(CommandDucking, "false", _note(trace, "loud"))
    async with running(ducking):
        for ducked in (True, False):
            ducking.set_active(active=ducked)
            await until(lambda: ducking.is_settled)
    assert _words(trace) == ["loud"]


def test_a_program_that_is_not_here_is_refused() -> None:
    with pytest.raises(ConfigError, match="--duck-command: there is no program 'no-such-mixer'"):
        CommandDucking("no-such-mixer 30%", None)


@pytest.mark.parametrize(("seconds", "longest"), [(1.2, 1.2), (89_479.0, MAX_SECONDS)], ids=["usual", "odd WAV file"])
def test_the_awake_sound_is_not_sent_and_nothing_else_is_lost(seconds: float, longest: float) -> None:
    mute = AwakeMute(seconds)
    assert mute.apply(b"ab", 99.0) == b"ab"
    mute.start(100.0)
    assert mute.apply(b"ab", 100.0 + longest - 0.01) == bytes(2)
    assert mute.apply(b"ab", 100.0 + longest) == b"ab"
