"""Presences: a label that a camera sees, from its first frame until it has not been seen for a while. Rules only.

Frames may arrive twice, late, or at two bridges: the presences of a camera are numbered, and time never goes back in one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from wyoming_rosie.bus.schema import message
from wyoming_rosie_bridge.vision.edge.frames import MOTION

QUIET_SECONDS = 8.0
"""A presence ends when its label was not seen for so long."""
COOL_DOWN_SECONDS = 30.0
"""A presence that begins so soon after the last one is a repetition, which needs no notification."""
MAX_LABELS = 16


@message("vision.presence")
class Presence:
    """A label that a camera sees, or saw last."""

    label: str
    number: int
    event_id: str
    start: float
    last_seen: float
    score: float = 0.0
    """The best one."""
    box: tuple[float, ...] = ()
    frame: str | None = None
    repeat: bool = False
    ended: bool = False


@message("vision.presences")
class Presences:
    """The presences of one camera, at most one per label."""

    of: tuple[Presence, ...] = ()
    begun: int = 0
    """How many presences there have been; the last one has this number."""


@dataclass(frozen=True)
class SeenFrame:
    """A frame in which a camera saw something; `at` is in seconds since the epoch."""

    camera: str
    label: str
    at: float
    score: float = 0.0
    box: tuple[float, ...] = ()
    frame: str | None = None


@dataclass(frozen=True)
class PresenceChange:
    """A presence that began or ended."""

    phase: Literal["new", "end"]
    presence: Presence


Changed: TypeAlias = tuple[Presences, tuple[PresenceChange, ...]]


def see(state: Presences, sighting: SeenFrame) -> Changed:
    """Return the presences after a sighting, and what changed; whatever is seen moves, so that it is motion as well."""
    state, changes = expire(state, sighting.at)
    for label in dict.fromkeys((MOTION, sighting.label)):
        seen = sighting if label == sighting.label else replace(sighting, label=label, score=0.0)
        state, more = _see_label(state, seen)
        changes += more
    return state, changes


def expire(state: Presences, now: float) -> Changed:
    """Return the presences after the end of those that were not seen for QUIET_SECONDS, and these ends."""
    over = [one for one in state.of if not one.ended and now - one.last_seen > QUIET_SECONDS]
    for presence in over:
        state = _with(state, replace(presence, ended=True))
    return state, tuple(PresenceChange("end", replace(presence, ended=True)) for presence in over)


def rename(state: Presences, presence: Presence, event_id: str) -> Presences:
    """Return the presences with the event ID on which the bridges have agreed."""
    return _with(state, replace(presence, event_id=event_id))


def is_any_open(state: Presences) -> bool:
    """Return whether a presence has not ended."""
    return any(not one.ended for one in state.of)


def _see_label(state: Presences, sighting: SeenFrame) -> Changed:
    last = next((one for one in state.of if one.label == sighting.label), None)
    if last is None or last.ended:
        return _begin(state, sighting, last)
    best = sighting.score > last.score
    seen = replace(
        last,
        last_seen=max(last.last_seen, sighting.at),
        score=max(last.score, sighting.score),
        box=sighting.box if best else last.box,
    )
    return _with(state, seen), ()


def _begin(state: Presences, sighting: SeenFrame, last: Presence | None) -> Changed:
    if last is not None and sighting.at <= last.last_seen:
        return state, ()  # delivered again after the end
    if last is None and len(state.of) >= MAX_LABELS:
        state = _without_oldest(state)
    number = state.begun + 1
    begun = Presence(
        sighting.label,
        number,
        f"{sighting.camera}-{sighting.label}-{round(1000 * sighting.at)}",
        sighting.at,
        sighting.at,
        sighting.score,
        sighting.box,
        sighting.frame,
        last is not None and sighting.at - last.last_seen < COOL_DOWN_SECONDS,
    )
    return _with(replace(state, begun=number), begun), (PresenceChange("new", begun),)


def _with(state: Presences, presence: Presence) -> Presences:
    return replace(state, of=(*_others(state.of, presence.label), presence))


def _without_oldest(state: Presences) -> Presences:
    """Forget the presence that was seen first; its end is never told, which a camera of so many labels must bear."""
    oldest = min(state.of, key=lambda one: (not one.ended, one.last_seen))
    return replace(state, of=tuple(_others(state.of, oldest.label)))


def _others(presences: Iterable[Presence], label: str) -> Iterable[Presence]:
    return (one for one in presences if one.label != label)
