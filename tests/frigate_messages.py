"""Messages as Frigate publishes them: single ones, a storm, and the day of a parked car.

The fields are those of the recorded update in Frigate's documentation. Frigate's own repository has no recorded `new` or `end`:
ours differ from an update by `type` and `end_time`, as its source says.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LABELS = ("person", "car", "dog", "package", "bicycle", "cat")
ZONES = ("driveway", "front_yard", "porch", "street")
CAMERAS = ("front_door", "garage", "garden", "gate")


@dataclass(frozen=True)
class TimedMessage:
    """A message of MQTT, and its time in seconds since the begin."""

    at: float
    topic: str
    payload: bytes


def object_id(start: float, number: int = 0) -> str:
    return f"{start:.6f}-o{number:05x}"


def after(start: float, frame_time: float, /, **changes: Any) -> dict[str, Any]:
    """Return an object as Frigate describes it."""
    return {
        "id": object_id(start),
        "camera": "front_door",
        "frame_time": frame_time,
        "snapshot": {
            "frame_time": frame_time,
            "box": [415, 489, 528, 700],
            "area": 12728,
            "score": 0.77,
            "attributes": [],
        },
        "label": "person",
        "sub_label": None,
        "top_score": 0.8,
        "false_positive": False,
        "start_time": start,
        "end_time": None,
        "score": 0.78,
        "box": [424, 500, 536, 712],
        "area": 23744,
        "ratio": 2.1,
        "region": [264, 450, 667, 853],
        "current_zones": [],
        "entered_zones": [],
        "thumbnail": None,
        "has_snapshot": True,
        "has_clip": True,
        "active": True,
        "stationary": False,
        "motionless_count": 0,
        "position_changes": 2,
        "attributes": {},
        "current_attributes": [],
        "path_data": [[[0.5, 0.7], frame_time]],
        "recognized_license_plate": None,
        **changes,
    }


def encode_event(kind: str, now: dict[str, Any], before: dict[str, Any] | None = None) -> bytes:
    """Return a payload of `frigate/events`."""
    return json.dumps({"type": kind, "before": before, "after": now}).encode()


def event(kind: str, start: float, frame_time: float, /, **changes: Any) -> bytes:
    """Return a payload of `frigate/events` about the object that began at `start`."""
    end = {"end_time": frame_time} if kind == "end" else {}
    return encode_event(kind, after(start, frame_time, **{**end, **changes}))


def storm(
    begin: float, objects: int = 200, updates_per_second: float = 5.0, seconds: float = 60.0, random_seed: int = 1
) -> list[TimedMessage]:
    """Return the messages of objects that all begin in the first second and flicker as much as they can."""
    messages = [
        message
        for number in range(objects)
        for message in _object_messages(
            begin, number, updates_per_second, seconds, random.Random(f"{random_seed}/{number}")
        )
    ]
    return sorted(messages, key=lambda message: message.at)


def parked_car(begin: float, seconds: float = 86_400.0) -> Iterator[TimedMessage]:
    """Yield the messages of a car that parks for the whole time: it drives for 10 s, and then Frigate speaks of it once a minute."""
    fixed: dict[str, Any] = {
        "label": "car",
        "top_score": 0.86,
        "current_zones": ["driveway"],
        "entered_zones": ["driveway"],
    }
    topic = "frigate/events"
    yield TimedMessage(0.0, topic, event("new", begin, begin, **fixed))
    for step in range(1, 50):
        yield TimedMessage(step / 5, topic, event("update", begin, begin + step / 5, **fixed))
    at = 10.0
    while at < seconds - 10:
        # a shadow makes it active for a moment, each hour
        active = at % 3600 < 1
        seen = {**fixed, "stationary": not active, "active": active, "motionless_count": int(5 * at)}
        yield TimedMessage(at, topic, event("update", begin, begin + at, **seen))
        at += 1.0 if active or at < 20 else 60.0
    yield TimedMessage(seconds, topic, event("end", begin, begin + seconds, **fixed, stationary=True))


def _object_messages(
    begin: float, number: int, per_second: float, seconds: float, chance: random.Random
) -> Iterator[TimedMessage]:
    offset = chance.random()
    start = begin + offset
    name = object_id(start, number)
    fixed = {"id": name, "label": chance.choice(LABELS), "camera": chance.choice(CAMERAS)}
    entered: list[str] = []
    top_score = chance.uniform(0.62, 0.75)
    before: dict[str, Any] | None = None
    count = max(2, round(seconds * per_second))
    for step in range(count):
        at = offset + step / per_second
        current = [zone for zone in ZONES if chance.random() < 0.3]
        entered = list(dict.fromkeys([*entered, *current]))
        top_score = max(top_score, chance.uniform(0.6, 0.97))
        kind = "new" if step == 0 else "end" if step == count - 1 else "update"
        seen = after(
            start, begin + at, **fixed, current_zones=current, entered_zones=entered, top_score=top_score,
            score=chance.uniform(0.5, 0.97), stationary=chance.random() < 0.5, end_time=begin + at if kind == "end" else None,
        )  # fmt: skip
        yield TimedMessage(at, "frigate/events", encode_event(kind, seen, before))
        before = seen
