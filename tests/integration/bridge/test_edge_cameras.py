"""Cameras of every kind become motion, frames and events; one that fails costs nobody else, and shows no secret."""

import asyncio
import json
import os
import struct
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

cv2 = pytest.importorskip("cv2", reason="the edge classifier needs OpenCV: pip install 'wyoming-rosie[vision]'")
av = pytest.importorskip("av", reason="the edge classifier needs PyAV: pip install 'wyoming-rosie[vision]'")
np = pytest.importorskip("numpy")

from tests.integration.bridge.edge_bridge import EdgeBridge  # noqa: E402
from tests.pedestrians import find_video  # noqa: E402
from tests.waiting import wait_until  # noqa: E402
from wyoming_rosie.bus.errors import BusError  # noqa: E402
from wyoming_rosie.bus.memory import MemoryJobs, create_memory_buses  # noqa: E402
from wyoming_rosie.http.server import serve_http  # noqa: E402
from wyoming_rosie.runtime.tasks import run_beside  # noqa: E402
from wyoming_rosie_bridge.vision.edge.pipeline import encode_jpeg  # noqa: E402
from wyoming_rosie_bridge.vision.edge.settings import EdgeSettings  # noqa: E402

SECRET = "s3cr3t"
PICTURES_PER_SECOND = 10


def moving_block(count: int) -> Iterator[Any]:
    """Yield pictures of a still room, through which a block then moves."""
    room = cv2.resize(np.random.default_rng(1).integers(60, 160, (18, 32)).astype(np.uint8), (320, 180))
    for index in range(count):
        image = cv2.cvtColor(room, cv2.COLOR_GRAY2BGR)
        if index > count // 3:
            x = 8 * (index - count // 3) % 280
            image[60:130, x : x + 24] = 255
        yield image


def write_video(path: Path, seconds: float) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mjpeg", rate=PICTURES_PER_SECOND)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuvj420p"
        for image in moving_block(int(seconds * PICTURES_PER_SECOND)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        container.mux(stream.encode(None))


async def show(publish: Callable[[int, bytes], Awaitable[object]]) -> None:
    """Publish pictures of a moving block at their pace, again and again."""
    for index, image in enumerate(cycle(list(moving_block(90)))):
        await publish(index, encode_jpeg(image))
        await asyncio.sleep(0.05)


def settings(**cameras: str) -> EdgeSettings:
    return EdgeSettings(camera=cameras, frames_per_second=PICTURES_PER_SECOND, snapshot_seconds=0.05)


async def test_a_video_becomes_motion_frames_and_one_event(tmp_path: Path) -> None:
    await asyncio.to_thread(write_video, tmp_path / "block.avi", 4)
    async with EdgeBridge(settings(yard=f"file:{tmp_path / 'block.avi'}")).running() as bridge:
        await wait_until(lambda: bridge.phases("yard", "motion") == ["new", "end"])
        assert bridge.topics("yard") == {"motion_raw", "motion_filtered"}
        subject, event = bridge.events[0]
        assert (subject, event.instance) == ("vision.event.motion.simple", "edge")
        assert event.start is not None
        filtered = [one for topic, one in bridge.motion if topic.endswith("filtered")]
        jpeg = await bridge.buses.jobs.get_blob(filtered[-1].frame or "")
        assert jpeg is not None
        assert jpeg.startswith(b"\xff\xd8")
        assert not bridge.health.run_checks()["cameras"]


async def test_people_become_events_with_a_job_for_frigate(tmp_path: Path) -> None:
    video = find_video()
    if video is None:
        pytest.skip("there is no vtest.avi: apt install opencv-doc")
    bridge = EdgeBridge(EdgeSettings(camera={"yard": f"file:{video}"}))
    async with bridge.running():
        await wait_until(lambda: bridge.phases("yard", "person"))
    subjects = [subject for subject, event in bridge.events if event.label == "person"]
    assert subjects[:2] == ["vision.event.person", "vision.event.person_detected"]
    assert any(one.label == "person" and one.frame for _, one in bridge.motion)


class PictureServer:
    """A camera that serves pictures over HTTP; with a password if asked to."""

    def __init__(self, scheme: str = "") -> None:
        self.pictures = [encode_jpeg(image) for image in moving_block(60)]
        self.served, self.scheme, self.hangs, self.refused = 0, scheme, False, 0

    async def serve(self, request: web.Request) -> web.Response:
        if self.hangs:
            await asyncio.sleep(60)
        if self.scheme and not self._is_allowed(request):
            self.refused += 1
            challenge = 'Digest realm="camera", nonce="1", qop="auth"' if self.scheme == "Digest" else "Basic"
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        self.served += 1
        return web.Response(body=self.pictures[self.served % len(self.pictures)])

    def _is_allowed(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        if self.scheme == "Digest":
            return given.startswith("Digest ") and 'username="viewer"' in given and SECRET not in given
        return given == "Basic " + b64encode(f"viewer:{SECRET}".encode()).decode()


@asynccontextmanager
async def picture_server(server: PictureServer) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/picture.jpg", server.serve)
    async with serve_http(application, "127.0.0.1", 0, "--test") as bound:
        yield f"127.0.0.1:{bound.port}/picture.jpg"


@pytest.mark.parametrize("scheme", ["", "Basic", "Digest"])
async def test_pictures_over_http_become_motion(scheme: str) -> None:
    server = PictureServer(scheme)
    async with picture_server(server) as place:
        user = f"viewer:{SECRET}@" if scheme else ""
        async with EdgeBridge(settings(door=f"http://{user}{place}")).running() as bridge:
            await wait_until(lambda: "motion_filtered" in bridge.topics("door"))
    assert bool(server.refused) == bool(scheme)


async def test_a_camera_that_hangs_costs_no_other_and_is_told_by_health() -> None:
    hanging, working = PictureServer(), PictureServer()
    hanging.hangs = True
    async with (
        picture_server(hanging) as one,
        picture_server(working) as two,
        EdgeBridge(settings(a=f"http://{one}", b=f"http://{two}")).running() as bridge,
    ):
        await wait_until(lambda: bridge.health.run_checks()["cameras"] == "a: it does not answer")
        await wait_until(lambda: "motion_raw" in bridge.topics("b"))
        hanging.hangs = False
        await wait_until(lambda: not bridge.health.run_checks()["cameras"])


async def test_pictures_over_mqtt_become_motion_and_others_are_borne() -> None:
    async with EdgeBridge(settings(door="mqtt:doorbell/picture")).running() as bridge:

        async def publish(index: int, picture: bytes) -> None:
            await bridge.buses.mqtt.publish("doorbell/picture", picture)
            if index % 10 == 0:
                await bridge.buses.mqtt.publish("doorbell/picture", b"no picture")
                await wait_until(lambda: "JPEG" in str(bridge.health.run_checks()["cameras"]))

        async with run_beside(show(publish)):
            await wait_until(lambda: "motion_filtered" in bridge.topics("door"))


def picture_bomb(side: int) -> bytes:
    """Return a small PNG that claims to be `side` pixels wide and high."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side))
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


async def test_a_picture_of_too_many_pixels_is_refused() -> None:
    bomb = await asyncio.to_thread(picture_bomb, 16_000)
    assert len(bomb) < 100_000
    async with EdgeBridge(settings(door="mqtt:doorbell/picture")).running() as bridge:
        await bridge.buses.mqtt.publish("doorbell/picture", bomb)
        await wait_until(lambda: "too many pixels" in str(bridge.health.run_checks()["cameras"]))


async def test_new_pictures_in_a_folder_become_motion(tmp_path: Path) -> None:
    def write(index: int, picture: bytes) -> Awaitable[object]:
        return asyncio.to_thread((tmp_path / f"{index:05}.jpg").write_bytes, picture)

    bridge = EdgeBridge(settings(drive=f"folder:{tmp_path}"))
    async with bridge.running(), run_beside(show(write)):
        await wait_until(lambda: "motion_filtered" in bridge.topics("drive"))


async def test_a_bridge_that_classifies_gets_the_frames_of_one_that_does_not(tmp_path: Path) -> None:
    await asyncio.to_thread(write_video, tmp_path / "block.avi", 4)
    small = EdgeBridge(replace(settings(yard=f"file:{tmp_path / 'block.avi'}"), classify_elsewhere=True))
    async with small.running():  # its own stages are the ones that classify
        await wait_until(lambda: small.phases("yard", "motion"))
    assert small.topics("yard") == {"motion_raw"}


class SlowJobs(MemoryJobs):
    """Redis that does not answer until it is allowed to."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()

    async def put_blob(self, key: str, content: bytes, seconds: float) -> str:
        await self.answers.wait()
        return await super().put_blob(key, content, seconds)


async def test_frames_are_dropped_and_counted_while_a_bus_is_slow() -> None:
    buses = create_memory_buses()
    slow = SlowJobs()
    server = PictureServer()
    async with picture_server(server) as place:
        bridge = EdgeBridge(settings(door=f"http://{place}"), replace(buses, jobs=slow))
        async with bridge.running():
            await wait_until(lambda: bridge.count("dropped") > 3)
            slow.answers.set()
            await wait_until(lambda: "motion_filtered" in bridge.topics("door"))


class AbsentJobs(MemoryJobs):
    """Redis that cannot be reached."""

    async def put_blob(self, key: str, content: bytes, seconds: float) -> str:
        raise BusError("Redis: gone")


async def test_motion_is_published_while_redis_is_away() -> None:
    async with picture_server(PictureServer()) as place:
        bridge = EdgeBridge(settings(door=f"http://{place}"), replace(create_memory_buses(), jobs=AbsentJobs()))
        async with bridge.running():
            await wait_until(lambda: bridge.count("dropped") > 0 and bridge.topics("door"))
            assert bridge.topics("door") == {"motion_raw"}


async def test_no_secret_shows_in_logs_health_or_the_process_list() -> None:
    with capture_logs() as lines:
        bridge = EdgeBridge(
            settings(
                a=f"rtsp://viewer:{SECRET}@127.0.0.1:1/{SECRET}",
                b=f"http://viewer:{SECRET}@127.0.0.1:1/x.jpg?key={SECRET}",
            )
        )
        async with bridge.running():
            await wait_until(lambda: len(str(bridge.health.run_checks()["cameras"]).split(";")) == 2)
            commands = await asyncio.to_thread(command_lines)
            metrics = await asyncio.to_thread(bridge.metrics.text)
    assert any("spawn" in command for command in commands)
    assert len([line for line in lines if line["event"] == "camera fails"]) == 2
    told = json.dumps([*lines, *commands, bridge.health.run_checks(), metrics.decode()], default=str)
    assert SECRET not in told
    assert "viewer" not in told


def command_lines() -> list[str]:
    """Return the command lines of this process's descendants."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                line = (folder / "cmdline").read_bytes().decode().replace("\0", " ")
            except OSError:
                continue
            if parent == os.getpid():
                found.append(line)
    return found
