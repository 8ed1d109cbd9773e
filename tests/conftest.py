import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import hypothesis
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from tests.daemons import READY_SECONDS, Daemon
from wyoming_rosie import logging
from wyoming_rosie.protocol.client import Client, connect

# A machine that does other things too makes any example slow once in a while.
hypothesis.settings.register_profile("default", deadline=None, max_examples=25)
hypothesis.settings.register_profile("exhaustive", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("default")

# Hundreds of programs start in these tests; without bytecode, each would compile all its modules.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Programs that a test interrupts inherit what this process ignores, as it does when it was started in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

OUR_PACKAGES = [
    "wyoming_rosie", "wyoming_rosie_wake", "wyoming_rosie_vad", "wyoming_rosie_asr", "wyoming_rosie_intent",
    "wyoming_rosie_tts", "wyoming_rosie_hub", "wyoming_rosie_bridge", "wyoming_rosie_satellite",
]  # fmt: skip
StartDaemon: TypeAlias = Callable[..., Awaitable[Daemon]]
OpenPeer: TypeAlias = Callable[[str], Awaitable[Client]]


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[BlockBuster]:
    with blockbuster_ctx(OUR_PACKAGES) as watcher:
        yield watcher


@pytest.fixture(autouse=True, scope="session")
def _logs_as_in_production() -> None:
    logging.configure("test", debug=True)


@pytest.fixture(autouse=True, scope="session")
def _state_of_modules_is_not_the_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let what the daemons of a whole module remember end with the session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def _folders_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Name a folder that does not exist for each test; most write nothing."""
    root = tmp_path_factory.mktemp("folders")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _folders_are_not_the_users(monkeypatch: pytest.MonkeyPatch, _folders_of_tests: Iterator[Path]) -> None:
    """Let what daemons fetch and keep end with the test."""
    folder = next(_folders_of_tests)
    for variable in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(folder / variable))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded speech, noise and payloads; it is no part of the project."""
    folder = Path(os.environ.get("WYOMING_ROSIE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("recorded test data is absent: set WYOMING_ROSIE_TEST_DATA to its folder")
    return folder


@asynccontextmanager
async def starting_daemons() -> AsyncIterator[StartDaemon]:
    """Start installed daemons during the block; each must end with status 0 on SIGTERM, unless it was killed."""
    started: list[Daemon] = []

    async def start(role: str, *arguments: str) -> Daemon:
        started.append(await Daemon.start(role, *arguments))
        return started[-1]

    yield start
    statuses = [await one.stop() for one in started]
    assert statuses == [-signal.SIGKILL if one.was_killed else 0 for one in started]


@pytest.fixture
async def daemon() -> AsyncIterator[StartDaemon]:
    """Start installed daemons with `await daemon("wake", "--flag")`."""
    async with starting_daemons() as start:
        yield start


@pytest.fixture
async def peer() -> AsyncIterator[OpenPeer]:
    """Open connections with `await peer(uri)`."""
    async with AsyncExitStack() as stack:

        async def open_peer(uri: str) -> Client:
            return await stack.enter_async_context(connect(uri, READY_SECONDS))

        yield open_peer
