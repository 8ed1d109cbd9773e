"""Cameras over RTSP: a server that hangs costs no other camera, and is read again when it comes back."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import pytest

pytest.importorskip("cv2", reason="the edge classifier needs OpenCV: pip install 'wyoming-rosie[vision]'")
pytest.importorskip("av", reason="the edge classifier needs PyAV: pip install 'wyoming-rosie[vision]'")

from tests.brokers import free_port
from tests.integration.bridge.edge_bridge import EdgeBridge
from tests.waiting import wait_until
from wyoming_rosie_bridge.vision.edge.settings import EdgeSettings

SCRIPT = Path(__file__).parents[2] / "rtsp_server.py"
PYTHON = "/usr/bin/python3"
PACKAGES = "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
HAS_SERVER = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
PASSWORD = "p:ss/w@rd"


class RtspServer:
    """A camera of its own process."""

    def __init__(self, *user: str) -> None:
        self.port, self._user = free_port(), user
        self.process: asyncio.subprocess.Process | None = None

    def url(self, user: str = "") -> str:
        return f"rtsp://{user}127.0.0.1:{self.port}/yard"

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            PYTHON, str(SCRIPT), str(self.port), *self._user, stdout=asyncio.subprocess.PIPE
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            assert await self.process.stdout.readline() == b"ready\n"

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


StartServer: TypeAlias = Callable[..., Awaitable[RtspServer]]


@pytest.fixture
async def server() -> AsyncIterator[StartServer]:
    if not await asyncio.to_thread(has_server):
        pytest.skip(f"there is no RTSP server for {PYTHON}: apt install {PACKAGES}")
    started: list[RtspServer] = []

    async def start(*user: str) -> RtspServer:
        started.append(RtspServer(*user))
        await started[-1].start()
        return started[-1]

    yield start
    for one in started:
        await one.kill()


def has_server() -> bool:
    if sys.platform != "linux" or not Path(PYTHON).exists():
        return False
    return subprocess.run([PYTHON, "-c", HAS_SERVER], capture_output=True, check=False).returncode == 0


def frames(bridge: EdgeBridge, camera: str) -> int:
    return sum(topic == f"cameras/{camera}/motion_raw" for topic, _ in bridge.motion)


async def wait_for_more_frames(bridge: EdgeBridge, camera: str) -> None:
    before = frames(bridge, camera)
    await wait_until(lambda: frames(bridge, camera) > before + 3)


def problems(bridge: EdgeBridge) -> str:
    return bridge.health.run_checks()["cameras"] or ""


async def test_a_server_that_hangs_costs_no_other_and_is_read_again(server: StartServer) -> None:
    one, other = await server(), await server()
    bridge = EdgeBridge(EdgeSettings(camera={"one": one.url(), "other": other.url()}))
    async with bridge.running():
        await wait_for_more_frames(bridge, "one")
        await wait_for_more_frames(bridge, "other")

        one.send(signal.SIGSTOP)
        await wait_until(lambda: problems(bridge).startswith("one: "))
        await wait_for_more_frames(bridge, "other")
        assert "other" not in problems(bridge)
        one.send(signal.SIGCONT)
        await wait_for_more_frames(bridge, "one")
        assert problems(bridge) == ""


@pytest.mark.soak
async def test_a_server_that_dies_is_read_again_when_it_is_back(server: StartServer) -> None:
    one = await server()
    bridge = EdgeBridge(EdgeSettings(camera={"one": one.url()}))
    async with bridge.running():
        await wait_for_more_frames(bridge, "one")
        await one.kill()
        await wait_until(lambda: problems(bridge).startswith("one: "))
        await one.start()
        await wait_for_more_frames(bridge, "one")
        assert problems(bridge) == ""


@pytest.mark.soak
async def test_a_child_process_that_hangs_is_killed_and_another_reads_the_camera(server: StartServer) -> None:
    one = await server()
    bridge = EdgeBridge(EdgeSettings(camera={"one": one.url()}))
    async with bridge.running():
        await wait_for_more_frames(bridge, "one")
        (child,) = [each for each in multiprocessing.active_children() if each.name == "camera one"]
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)
        await wait_until(lambda: problems(bridge).startswith("one: "))
        await wait_for_more_frames(bridge, "one")
        assert not child.is_alive()


async def test_a_password_opens_the_camera_and_a_wrong_one_is_told(server: StartServer) -> None:
    camera = await server("viewer", PASSWORD)
    right, wrong = f"viewer:{quote(PASSWORD, safe='')}@", "viewer:wrong@"
    bridge = EdgeBridge(EdgeSettings(camera={"right": camera.url(right), "wrong": camera.url(wrong)}))
    async with bridge.running():
        await wait_for_more_frames(bridge, "right")
        await wait_until(lambda: "wrong: " in problems(bridge))
        assert "401" in problems(bridge)
        assert "viewer" not in problems(bridge)
