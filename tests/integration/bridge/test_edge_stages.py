"""Frames on the streams: other programs' frames are classified, events begin and end once, Frigate is told once."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from tests.integration.bridge.edge_bridge import EdgeBridge
from tests.pedestrians import find_video, read_frames
from tests.waiting import wait_until
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.interface import Buses, Consumer, DeadLetter
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.messages import Frame
from wyoming_rosie.errors import ConfigError, UnreachableError
from wyoming_rosie.http.server import serve_http
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.vision.edge.frigate_events import FrigateEvents
from wyoming_rosie_bridge.vision.edge.presence import QUIET_SECONDS
from wyoming_rosie_bridge.vision.edge.role import EdgeVision
from wyoming_rosie_bridge.vision.edge.settings import EdgeSettings
from wyoming_rosie_bridge.vision.edge.stages import EventStage, FrigateStage, subject_of, valid_boxes
from wyoming_rosie_bridge.vision.frigate.reconcile import FrigateApi
from wyoming_rosie_bridge.worker import PoisonError

BOX = (0.1, 0.1, 0.2, 0.5)
WATCH = Consumer(names.VISION_STREAM, "test", "vision.event.>")


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def context(buses: Buses, clock: Clock) -> BridgeContext:
    return BridgeContext(buses, StageMetrics(Metrics()), clock=clock)


def frame(clock: Clock, key: str, label: str | None = "person", camera: str = "yard", **changes: Any) -> Envelope:
    message = Frame(camera, "memory:frame", label, 0.8, (BOX,))
    return schema.wrap(replace(message, **changes), key=key, source="test", now=clock.now)


async def published(buses: Buses) -> list[tuple[str, str, str]]:
    """Return subject, label and phase of what was published since `watch`."""
    deliveries = await buses.events.source(WATCH).take(100, 0.0)
    for one in deliveries:
        await one.ack()
    return [(one.place, one.envelope.data["label"], one.envelope.data["phase"]) for one in deliveries]


@pytest.fixture
def buses() -> Buses:
    made = create_memory_buses()
    made.events.source(WATCH)
    return made


async def test_a_person_becomes_events_and_one_job(buses: Buses) -> None:
    clock = Clock()
    stage = EventStage(context(buses, clock))
    for second in range(5):
        await stage.handle(frame(clock, f"k{second}"))
        clock.now += 1
    assert await published(buses) == [
        ("vision.event.motion.simple", "motion", "new"),
        ("vision.event.person", "person", "new"),
        ("vision.event.person_detected", "person", "new"),
    ]
    assert len(await buses.jobs.source(names.VISION_JOBS, 30).take(10, 0.0)) == 1
    clock.now += QUIET_SECONDS
    async with asyncio.timeout(60):
        expiring = asyncio.create_task(stage.expire_presences())
        ended: list[tuple[str, str, str]] = []
        while len(ended) < 3:
            ended += await published(buses)
            await asyncio.sleep(0.05)
        expiring.cancel()
    assert {phase for _, _, phase in ended} == {"end"}


async def test_a_frame_that_is_delivered_again_tells_nothing_new(buses: Buses) -> None:
    clock = Clock()
    stage = EventStage(context(buses, clock))
    envelope = frame(clock, "k1")
    await stage.handle(envelope)
    assert len(await published(buses)) == 3
    await stage.handle(envelope)
    assert await published(buses) == []


async def test_two_bridges_tell_a_presence_once(buses: Buses) -> None:
    clock = Clock()
    stages = [EventStage(context(buses, clock)) for _ in range(2)]
    await asyncio.gather(*(stage.handle(frame(clock, f"k{index}")) for index, stage in enumerate(stages)))
    assert len(await published(buses)) == 3


async def test_a_bridge_that_was_killed_ends_what_it_began(buses: Buses) -> None:
    clock = Clock()
    await EventStage(context(buses, clock)).handle(frame(clock, "k1", "motion"))
    clock.now += 2 * QUIET_SECONDS
    after = EventStage(context(buses, clock))
    after.watch(["yard"])
    expiring = asyncio.create_task(after.expire_presences())
    found: list[tuple[str, str, str]] = []
    async with asyncio.timeout(60):
        while len(found) < 2:
            found += await published(buses)
            await asyncio.sleep(0.05)
    expiring.cancel()
    assert [phase for _, _, phase in found] == ["new", "end"]


@pytest.mark.parametrize(
    ("label", "subject"),
    [("motion", "motion.simple"), ("large_moving_object", "motion.simple"), ("person", "person"), ("car", "vehicle"),
     ("package", "package"), ("dog", "object.dog")],
)  # fmt: skip
def test_labels_have_subjects(label: str, subject: str) -> None:
    assert ".".join(subject_of(label)) == subject


@pytest.mark.parametrize("label", ["a.b.>", "*", " ", "x" * 500, "ü/../#", None])
async def test_labels_of_strangers_stay_under_their_subject(buses: Buses, label: str | None) -> None:
    clock = Clock()
    await EventStage(context(buses, clock)).handle(frame(clock, "k1", label))
    for subject, _, _ in await published(buses):
        assert subject == "vision.event.motion.simple" or subject.startswith("vision.event.object.")
        assert len(subject.split(".")) == 4
        assert not set(subject) & set("*> #/")


@pytest.mark.parametrize(
    "boxes",
    [((0.5, 0.5, 0.4, 0.9),), ((-1.0, 0.0, 1.0, 1.0),), ((0.0, 0.0, 2.0, 1.0),), ((0.1,),), ((1e300, 0, 1, 1),), ()],
)
def test_boxes_that_lie_outside_are_left_out(boxes: tuple[tuple[float, ...], ...]) -> None:
    assert valid_boxes(boxes) == ()
    assert valid_boxes((*boxes, BOX)) == (BOX,)


async def dead_letters(buses: Buses) -> list[DeadLetter]:
    return [letter for bus in buses.dead_letters for letter in await bus.list(10)]


async def add_frame(buses: Buses, content: bytes, key: str, **changes: Any) -> None:
    uri = await buses.jobs.put_blob(key, content, 60)
    message = replace(Frame("garden", uri), **changes)
    await buses.jobs.add(names.VISION_RAW, schema.wrap(message, key=key, source="test", now=time.time()))


async def test_frames_of_other_programs_are_classified_and_the_empty_ones_dropped() -> None:
    cv2 = pytest.importorskip("cv2", reason="pip install 'wyoming-rosie[vision]'")
    video = find_video()
    if video is None:
        pytest.skip("there is no vtest.avi: apt install opencv-doc")
    image = next(image for index, image in read_frames(video) if index == 640)
    people = cv2.imencode(".jpg", image)[1].tobytes()
    nobody = cv2.imencode(".jpg", image[:160, :400])[1].tobytes()
    bridge = EdgeBridge(EdgeSettings())
    async with bridge.running():
        await add_frame(bridge.buses, nobody, "nobody")
        await add_frame(bridge.buses, b"no picture", "poison")
        await add_frame(bridge.buses, people, "../camera", camera="../x")
        await bridge.buses.jobs.add(
            names.VISION_RAW, schema.wrap(Frame("garden", "memory:gone"), key="gone", source="test", now=time.time())
        )
        await add_frame(bridge.buses, people, "people", boxes=((0.45, 0.7, 0.6, 1.0),))
        await wait_until(lambda: bridge.phases("garden", "person"))
        letters = await dead_letters(bridge.buses)
    assert {(letter.reason) for letter in letters} == {"no-picture", "bad-message"}
    assert bridge.phases("garden", "motion") == ["new"]


class FakeFrigate:
    """Frigate's API for events that others create."""

    def __init__(self) -> None:
        self.created: list[tuple[str, str, dict[str, Any], str]] = []
        self.status = 200

    async def create(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "")
        self.created.append((request.match_info["camera"], request.match_info["label"], await request.json(), token))
        return web.json_response({"success": True, "event_id": f"e{len(self.created)}"}, status=self.status)


@asynccontextmanager
async def frigate_server(fake: FakeFrigate) -> AsyncIterator[FrigateApi]:
    application = web.Application()
    application.router.add_post("/api/events/{camera}/{label}/create", fake.create)
    async with serve_http(application, "127.0.0.1", 0, "--test") as bound:
        yield FrigateApi(f"http://127.0.0.1:{bound.port}", "token")


async def test_frigate_is_told_once_per_job(buses: Buses) -> None:
    clock, fake = Clock(), FakeFrigate()
    async with frigate_server(fake) as api:
        stage = FrigateStage(context(buses, clock), FrigateEvents(api))
        job = replace(frame(clock, "k1"), deadline=clock.now + 60)
        await stage.handle(job)
        await stage.handle(job)
        await stage.handle(replace(frame(clock, "k2"), deadline=clock.now))
    ((camera, label, body, token),) = fake.created
    assert (camera, label, token, body["score"]) == ("yard", "person", "Bearer token", 0.8)


async def test_what_frigate_refuses_is_poison_and_what_fails_is_tried_again(buses: Buses) -> None:
    clock, fake = Clock(), FakeFrigate()
    async with frigate_server(fake) as api:
        stage = FrigateStage(context(buses, clock), FrigateEvents(api))
        for status, error in ((404, PoisonError), (400, PoisonError), (500, UnreachableError), (401, UnreachableError)):
            fake.status = status
            with pytest.raises(error):
                await stage.handle(frame(clock, "k1"))
    with pytest.raises(UnreachableError):
        await stage.handle(frame(clock, "k1"))
    fake.status = 200


async def test_without_frigate_jobs_are_confirmed(buses: Buses) -> None:
    clock = Clock()
    await FrigateStage(context(buses, clock), None).handle(frame(clock, "k1"))


async def test_a_person_on_a_camera_is_told_to_frigate_by_the_running_bridge() -> None:
    fake = FakeFrigate()
    async with frigate_server(fake) as api:
        bridge = EdgeBridge(EdgeSettings(), frigate=api)
        async with bridge.running():
            await bridge.buses.jobs.add(names.VISION_FILTERED, frame(Clock(), "k1"))
            await wait_until(lambda: fake.created)
    assert json.dumps(fake.created[0][2])


def test_without_the_extra_cameras_are_refused_with_what_to_install() -> None:
    plain, modules = context(create_memory_buses(), Clock()), ("cv2", "no_such_module_of_ours")
    stages = EdgeVision(EdgeSettings(), None, plain, modules).stages()
    assert [stage.name for stage in stages] == ["vision-events", "vision-frigate"]
    with pytest.raises(ConfigError, match=r"no_such_module_of_ours; run: .*\[vision\]"):
        EdgeVision(EdgeSettings(camera={"yard": "mqtt:x"}), None, plain, modules)


@pytest.mark.parametrize(
    "changes",
    [{"frames_per_second": 0.0}, {"frames_per_second": float("nan")}, {"snapshot_seconds": 0.0}, {"detector": "onnx"}],
    ids=str,
)
def test_settings_with_which_no_camera_can_be_looked_at_are_refused(changes: dict[str, Any]) -> None:
    settings = replace(EdgeSettings(camera={"yard": "mqtt:x"}), **changes)
    with pytest.raises(ConfigError, match=r"--vision\.edge\."):
        EdgeVision(settings, None, context(create_memory_buses(), Clock()))


async def test_the_bridge_imports_nothing_of_the_extra() -> None:
    blocked = "import sys; sys.modules.update(dict.fromkeys(('cv2', 'av', 'numpy', 'onnxruntime')))"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{blocked}; import wyoming_rosie_bridge.__main__", stderr=asyncio.subprocess.PIPE
    )
    _, errors = await child.communicate()
    assert child.returncode == 0, errors.decode()
