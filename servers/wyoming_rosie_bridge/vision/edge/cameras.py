"""Cameras, each with a task of its own: their frames are looked at in child processes, and what they show goes to the buses."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import structlog

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.interface import MqttMessage
from wyoming_rosie.bus.messages import CameraMotion, Frame
from wyoming_rosie.errors import EngineError
from wyoming_rosie.metrics import Counter, Metrics
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.workers import ProcessWorker
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.vision.edge.children import load_video
from wyoming_rosie_bridge.vision.edge.frames import MOTION, Box, FrameReport, StreamStatus
from wyoming_rosie_bridge.vision.edge.pictures import (
    MAX_PICTURE_BYTES,
    REQUEST_SECONDS,
    FileAge,
    PictureError,
    PictureWorker,
    find_new_pictures,
    read_picture,
    request_picture,
)
from wyoming_rosie_bridge.vision.edge.settings import EdgeSettings
from wyoming_rosie_bridge.vision.edge.sources import CameraSource

_LOG = structlog.get_logger()
FRAME_SECONDS = 60.0
"""How long the picture of a frame is kept."""
MAX_WAITING = 4
"""Reports that wait for the buses; beyond that the oldest is dropped."""
WATCHDOG_SECONDS = 10.0
"""A child process that does not answer for so long, or is in one call for so long, is killed."""
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 5.0
MAX_CHILD_PAUSE_SECONDS = 30.0
"""Between child processes of which none has read a frame: each costs a second of CPU time to start."""
NOT_READ_YET = "it has not been read yet"
_DROPPED = "dropped"
DIGITS = 4


class CameraMetrics:
    """Counts the frames of the cameras."""

    def __init__(self) -> None:
        self._frames: Counter | None = None

    def register(self, metrics: Metrics) -> None:
        """Add the counters to a program's metrics."""
        self._frames = metrics.counter(
            "camera_frames", "Frames of cameras: still, calibrating, a label, or dropped", "camera", "outcome"
        )

    def count(self, camera: str, outcome: str) -> None:
        """Count a frame."""
        if self._frames is not None:
            self._frames.add(camera, outcome)


class FramePublisher:
    """Gives one camera's reports to the buses. When these are slow, reports are dropped, the oldest first."""

    def __init__(self, camera: str, settings: EdgeSettings, context: BridgeContext, metrics: CameraMetrics) -> None:
        self._camera, self._context, self._metrics = camera, context, metrics
        self._classifies_elsewhere = settings.classify_elsewhere
        self._waiting: deque[FrameReport] = deque()
        self._arrived = asyncio.Event()
        self._boot = secrets.token_hex(4)
        self._count = 0
        self._has_problem = False

    def offer(self, report: FrameReport) -> None:
        """Publish a report later, unless newer ones push it out."""
        self._metrics.count(self._camera, report.label or report.phase)
        if report.phase != "motion":
            return
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._metrics.count(self._camera, _DROPPED)
        self._waiting.append(report)
        self._arrived.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._publish(self._waiting.popleft())

    async def _publish(self, report: FrameReport) -> None:
        self._count += 1
        key = f"edge:{self._camera}:{self._boot}:{self._count}"
        try:
            raw = CameraMotion(round_boxes(report.regions), round(report.changed, DIGITS))
            await self._publish_motion("motion_raw", key, raw)
            if report.jpeg is not None:
                await self._pass_on(report, report.jpeg, key)
        except BusError as err:
            self._metrics.count(self._camera, _DROPPED)
            if not self._has_problem:
                _LOG.warning("frames are dropped", camera=self._camera, reason=str(err))
            self._has_problem = True
        else:
            self._has_problem = False

    async def _pass_on(self, report: FrameReport, jpeg: bytes, key: str) -> None:
        """Store a frame for those who look on: other bridges, or the stage that makes events of it."""
        uri = await self._context.buses.jobs.put_blob(f"frame/{key}", jpeg, FRAME_SECONDS)
        if self._classifies_elsewhere:
            await self._add(names.VISION_RAW, Frame(self._camera, uri, boxes=round_boxes(report.regions)), key)
            return
        boxes, score = round_boxes(report.boxes), round(report.score, DIGITS)
        await self._add(names.VISION_FILTERED, Frame(self._camera, uri, report.label, score, boxes), key)
        await self._publish_motion("motion_filtered", key, CameraMotion(boxes, score, report.label or MOTION, uri))

    async def _add(self, stream: str, frame: Frame, key: str) -> None:
        envelope = schema.wrap(frame, key=key, source=self._context.source, now=self._context.clock())
        await self._context.buses.jobs.add(stream, envelope)

    async def _publish_motion(self, leaf: str, key: str, motion: CameraMotion) -> None:
        envelope = schema.wrap(motion, key=key, source=self._context.source, now=self._context.clock())
        topic = names.camera_topic(self._camera, leaf)
        await self._context.buses.mqtt.publish(topic, envelope.encode(), qos=0)


class Camera:
    """Reads one camera until cancelled; one that fails or hangs costs nobody else, and is opened again."""

    def __init__(
        self,
        source: CameraSource,
        settings: EdgeSettings,
        context: BridgeContext,
        pictures: PictureWorker,
        metrics: CameraMetrics,
    ) -> None:
        self.name = source.camera
        self.problem: str | None = NOT_READ_YET
        self._source, self._settings, self._pictures = source, settings, pictures
        self._publisher = FramePublisher(source.camera, settings, context, metrics)
        self._newest: bytes | None = None
        self._arrived = asyncio.Event()
        if source.kind == "mqtt":
            context.buses.mqtt.subscribe(source.address, self._receive, qos=0)

    async def run(self) -> None:
        """Read the camera, and publish what it shows."""
        _LOG.info("camera", camera=self.name, place=self._source.place)
        readers: dict[str, Callable[[], Awaitable[None]]] = {
            "stream": self._read_video,
            "file": self._read_video,
            "http": self._request_pictures,
            "mqtt": self._await_pictures,
            "folder": self._watch_folder,
        }
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publisher.run())
            await readers[self._source.kind]()

    def _set_problem(self, problem: str | None) -> None:
        if problem != self.problem:
            if problem is not None:
                _LOG.warning("camera fails", camera=self.name, place=self._source.place, reason=problem)
            elif self.problem != NOT_READ_YET:
                _LOG.info("camera works again", camera=self.name)
        self.problem = problem

    async def _read_video(self) -> None:
        """Read frames from child processes, one after the other: each is killed when it hangs."""
        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_CHILD_PAUSE_SECONDS)
        while True:
            worker = ProcessWorker(partial(load_video, self._source, self._settings), f"camera {self.name}")
            try:
                await worker.start()
                await self._read_child(worker, backoff)
            except EngineError as err:
                self._set_problem(str(err))
            else:
                _LOG.info("video has ended", camera=self.name)
                return
            finally:
                await worker.close()
            await backoff.sleep()

    async def _read_child(self, worker: ProcessWorker, backoff: Backoff) -> None:
        """Read frames until the video ends. Raises EngineError when the child fails or hangs."""
        while True:
            answer = await _call_or_kill(worker, "next_report")
            if isinstance(answer, FrameReport):
                self._set_problem(None)
                backoff.reset()
                self._publisher.offer(answer)
            elif answer.has_ended:
                self._set_problem(answer.problem)
                return
            elif answer.silent_seconds > WATCHDOG_SECONDS:
                raise EngineError("the library that reads it hangs; its process is started anew")
            else:
                self._set_problem(answer.problem)

    async def _request_pictures(self) -> None:
        import aiohttp

        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS)) as session:
            while True:
                began = time.monotonic()
                try:
                    await self._look_at(await request_picture(session, self._source))
                except (PictureError, EngineError) as err:
                    self._set_problem(str(err))
                    await backoff.sleep()
                    continue
                backoff.reset()
                await asyncio.sleep(max(0.0, began + self._settings.snapshot_seconds - time.monotonic()))

    async def _receive(self, message: MqttMessage) -> None:
        if len(message.payload) <= MAX_PICTURE_BYTES and not message.retained:  # a retained picture is an old one
            self._newest = message.payload
            self._arrived.set()

    async def _await_pictures(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            content, self._newest = self._newest, None
            if content is not None:
                await self._try_to_look_at(content)

    async def _watch_folder(self) -> None:
        """Look at the pictures that are put into a folder from now on."""
        folder, last = Path(self._source.address), (time.time_ns(), "")
        while True:
            last = await self._look_into(folder, last)
            await asyncio.sleep(self._settings.snapshot_seconds)

    async def _look_into(self, folder: Path, last: FileAge) -> FileAge:
        try:
            for age, path in await asyncio.to_thread(find_new_pictures, folder, last):
                last = age
                await self._try_to_look_at(await asyncio.to_thread(read_picture, path))
        except OSError as err:
            self._set_problem(f"the folder cannot be read: {err.strerror}")
        except PictureError as err:
            self._set_problem(str(err))
        else:
            if self.problem == NOT_READ_YET:
                self._set_problem(None)
        return last

    async def _try_to_look_at(self, content: bytes) -> None:
        try:
            await self._look_at(content)
        except (PictureError, EngineError) as err:
            self._set_problem(str(err))

    async def _look_at(self, content: bytes) -> None:
        """Look at a picture, and offer what it shows. Raises PictureError, EngineError."""
        self._publisher.offer(await self._pictures.follow(self.name, content))
        self._set_problem(None)


def round_boxes(boxes: Sequence[Box]) -> tuple[tuple[float, ...], ...]:
    """Return boxes with as many digits as a pixel needs."""
    return tuple(tuple(round(part, DIGITS) for part in box) for box in boxes)


async def _call_or_kill(worker: ProcessWorker, method: str) -> FrameReport | StreamStatus:
    """Return what the child answers; kill it when it does not within WATCHDOG_SECONDS, or when cancelled. Raises EngineError."""
    call = asyncio.create_task(worker.call(method))
    try:
        await asyncio.wait([call], timeout=WATCHDOG_SECONDS)
    finally:
        if not call.done():
            await worker.close()
            await asyncio.wait([call])
            call.exception()  # that it was killed; nobody asks for it when this was cancelled
    answer: FrameReport | StreamStatus = call.result()
    return answer
