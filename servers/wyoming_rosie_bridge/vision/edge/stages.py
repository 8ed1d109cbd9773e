"""Stages for frames on the streams: classify those of other programs, make events of those that show something, tell Frigate."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope, load_json, trusted_time
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.messages import Frame, VisionEvent
from wyoming_rosie_bridge.effects import run_once
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.vision.edge import presence
from wyoming_rosie_bridge.vision.edge.cameras import DIGITS, FRAME_SECONDS, round_boxes
from wyoming_rosie_bridge.vision.edge.frames import LARGE_MOVING_OBJECT, MOTION, PERSON, Box
from wyoming_rosie_bridge.vision.edge.frigate_events import FrigateEvents
from wyoming_rosie_bridge.vision.edge.pictures import MAX_PICTURE_BYTES, PictureError, PictureWorker
from wyoming_rosie_bridge.vision.edge.presence import Presence, PresenceChange, Presences, SeenFrame
from wyoming_rosie_bridge.vision.frigate.tracking import VEHICLES
from wyoming_rosie_bridge.worker import PoisonError, Stage

_LOG = structlog.get_logger()
INSTANCE = "edge"
IDLE_SECONDS = 60.0
EXPIRE_SECONDS = 1.0
"""Pause between looks for presences that are over."""
MAX_BOXES = 20
PERSON_ALIAS = "person_detected"
_SUBJECTS = {
    MOTION: ("motion", "simple"),
    LARGE_MOVING_OBJECT: ("motion", "simple"),
    PERSON: ("person",),
    **dict.fromkeys(VEHICLES, ("vehicle",)),
    "package": ("package",),
}


class ClassifyStage:
    """Looks at the frames that other programs put into vision:raw, and passes on those that show something."""

    def __init__(self, context: BridgeContext, pictures: PictureWorker) -> None:
        self._context, self._pictures = context, pictures

    def stage(self) -> Stage:
        source = self._context.buses.jobs.source(names.VISION_RAW, IDLE_SECONDS)
        return Stage("vision-classify", source, self.handle, _on_dead, concurrency=2)

    async def handle(self, envelope: Envelope) -> None:
        """Classify a frame by itself. Raises PoisonError for what is no picture, BusError."""
        frame = _unwrap_frame(envelope)
        content = await self._context.buses.jobs.get_blob(frame.frame)
        if content is None:
            self._context.metrics.count_end("expired")
            return
        if len(content) > MAX_PICTURE_BYTES:
            raise PoisonError("no-picture", f"the picture has more than {MAX_PICTURE_BYTES} bytes")
        try:
            report = await self._pictures.classify(content, valid_boxes(frame.boxes))
        except PictureError as err:
            raise PoisonError("no-picture", str(err)) from err
        if report.label is None:
            self._context.metrics.count_end("dropped")
            return
        boxes, score = round_boxes(report.boxes), round(report.score, DIGITS)
        seen = replace(frame, label=report.label, score=score, boxes=boxes)
        following = schema.follow(envelope, seen, self._context.source, envelope.ts)  # the time of the frame
        await self._context.buses.jobs.add(names.VISION_FILTERED, following)


class EventStage:
    """Makes events of the frames in vision:filtered: one at the begin and one at the end of each presence."""

    def __init__(self, context: BridgeContext) -> None:
        self._context = context
        self._jobs, self._events = context.buses.jobs, context.buses.events
        self._lock = asyncio.Lock()
        self._open: set[str] = set()

    def stage(self) -> Stage:
        source = self._jobs.source(names.VISION_FILTERED, IDLE_SECONDS)
        return Stage("vision-events", source, self.handle, _on_dead, concurrency=1)

    async def handle(self, envelope: Envelope) -> None:
        """Note what a frame shows, and publish what has changed. Raises BusError."""
        frame = _unwrap_frame(envelope)
        at = trusted_time(envelope.ts, self._context.clock())
        boxes = valid_boxes(frame.boxes)
        label = names.escape_token(frame.label or MOTION)
        sighting = SeenFrame(frame.camera, label, at, frame.score, boxes[0] if boxes else (), frame.frame)
        async with self._lock:
            state = await self._recall(frame.camera)
            state, changes = presence.see(state, sighting)
            state = await self._publish(frame.camera, state, changes)
            if any(change.phase == "new" and change.presence.label == label != MOTION for change in changes):
                await self._tell_frigate(envelope, replace(frame, label=label), at, state)
            await self._record(frame.camera, state)

    async def expire_presences(self) -> None:
        """End presences of which nothing was seen for a while, until cancelled."""
        while True:
            await asyncio.sleep(EXPIRE_SECONDS)
            for camera in sorted(self._open):
                try:
                    await self._expire(camera)
                except BusError as err:
                    _LOG.debug("presences wait", camera=camera, reason=str(err))

    def watch(self, cameras: Sequence[str]) -> None:
        """End the presences of these cameras that an earlier process has left open."""
        self._open.update(cameras)

    async def _expire(self, camera: str) -> None:
        async with self._lock:
            before = await self._recall(camera)
            state, changes = presence.expire(before, self._context.clock())
            if changes:
                state = await self._publish(camera, state, changes)
                await self._record(camera, state)
            elif not presence.is_any_open(state):
                self._open.discard(camera)

    async def _publish(self, camera: str, state: Presences, changes: Sequence[PresenceChange]) -> Presences:
        """Publish changes, each once; return the state with the event IDs on which all bridges agree."""
        for change in changes:
            seen = change.presence
            if change.phase == "new":
                name = f"edge:{camera}:{seen.label}:{seen.number}"
                event_id = await self._jobs.decide(name, seen.event_id)
                state = presence.rename(state, seen, event_id)
                seen = replace(seen, event_id=event_id)
            await self._publish_one(camera, PresenceChange(change.phase, seen))
        return state

    async def _publish_one(self, camera: str, change: PresenceChange) -> None:
        event = to_event(camera, change)
        key = f"edge:{event.event_id}:{event.phase}"
        envelope = schema.wrap(
            event, key=key, source=self._context.source, now=self._context.clock(), trace=event.event_id
        )
        await self._events.publish(names.vision_subject(*subject_of(event.label)), envelope, key)
        if event.label == PERSON:
            await self._events.publish(names.vision_subject(PERSON_ALIAS), envelope, f"alias:{key}")

    async def _tell_frigate(self, envelope: Envelope, frame: Frame, at: float, state: Presences) -> None:
        """Add a job for the presence that has begun, once for all bridges."""
        event_id = next(one.event_id for one in state.of if one.label == frame.label)
        job = schema.follow(envelope, frame, self._context.source, at, deadline=at + FRAME_SECONDS)
        await self._jobs.add(names.VISION_JOBS, job, f"edge:job:{event_id}")

    async def _recall(self, camera: str) -> Presences:
        text = await self._jobs.recall(f"edge:presences:{camera}")
        return schema.from_data(Presences, load_json(text.encode())) if text else Presences()

    async def _record(self, camera: str, state: Presences) -> None:
        text = json.dumps(schema.to_data(state))
        await self._jobs.record(f"edge:presences:{camera}", text, names.DECISION_SECONDS)
        if presence.is_any_open(state):
            self._open.add(camera)


class FrigateStage:
    """Creates an event in Frigate for each frame in vision:jobs:frigate, if there is a Frigate."""

    def __init__(self, context: BridgeContext, frigate: FrigateEvents | None) -> None:
        self._context, self._frigate = context, frigate

    def stage(self) -> Stage:
        source = self._context.buses.jobs.source(names.VISION_JOBS, IDLE_SECONDS)
        return Stage("vision-frigate", source, self.handle, _on_dead, concurrency=2)

    async def handle(self, envelope: Envelope) -> None:
        """Create an event, once unless this process dies between Frigate's answer and our record.

        Raises PoisonError for what Frigate refuses, UnreachableError, BusError.
        """
        frame = _unwrap_frame(envelope)
        if envelope.is_expired(self._context.clock()):
            self._context.metrics.count_end("expired")  # Frigate would record what is in view now
            return
        if self._frigate is None:
            self._context.metrics.count_end("dropped")
            return
        create = partial(self._frigate.create, frame)
        await run_once(self._context.buses.jobs, f"edge:frigate:{envelope.key}", create, repeatable=True)
        self._context.metrics.count_end("done")


def subject_of(label: str) -> tuple[str, ...]:
    """Return the tokens of a label's subject, after vision.event."""
    return _SUBJECTS.get(label, ("object", label))


def to_event(camera: str, change: PresenceChange) -> VisionEvent:
    """Return the event that tells a change."""
    seen: Presence = change.presence
    return VisionEvent(
        seen.event_id,
        INSTANCE,
        camera,
        seen.label,
        change.phase,
        score=seen.score or None,
        top_score=seen.score or None,
        box=seen.box,
        start=seen.start,
        end=seen.last_seen if change.phase == "end" else None,
        snapshot_url=seen.frame if change.phase == "new" else None,
        repeat=seen.repeat,
    )


def valid_boxes(boxes: Sequence[Sequence[float]]) -> tuple[Box, ...]:
    """Return those boxes that lie in the frame; other programs may send anything."""
    return tuple(
        (box[0], box[1], box[2], box[3])
        for box in boxes[:MAX_BOXES]
        if len(box) == 4 and 0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1
    )


def _unwrap_frame(envelope: Envelope) -> Frame:
    frame = schema.unwrap(Frame, envelope)
    names.check_device_id(frame.camera)
    return frame


async def _on_dead(_: Envelope, __: str) -> None:
    """Do nothing: nobody waits for a frame."""
