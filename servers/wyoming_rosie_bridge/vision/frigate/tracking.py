"""The rules for one object or state: what Frigate says about it becomes few transitions.

Names of transitions depend on what Frigate said and on nothing else, so that a message that is handled again, after a kill or
by a second bridge, leads to the same names.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Literal, TypeAlias

from wyoming_rosie.bus.names import escape_token
from wyoming_rosie_bridge.vision.frigate.payloads import (
    ClassifiedState,
    Details,
    Enrichment,
    MotionState,
    Severity,
    Sighting,
)

DEFAULT_FLOOR = 0.6
COOL_DOWN_SECONDS = 30.0
HYSTERESIS_SECONDS = 5.0
"""How long an object must stay moving, parked or outside of a zone until that is a change."""
SCORE_STEP, SCORE_SECONDS = 0.1, 30.0
SILENCE_SECONDS = 600.0
"""Time after which an object of which nothing is heard has ended: Frigate speaks of each at least once a minute."""
TRUSTED_AGE_SECONDS, TRUSTED_AHEAD_SECONDS = 86_400.0, 60.0
MAX_ZONES_OF_OBJECT = 50
VEHICLES = frozenset({"car", "motorcycle", "bus", "truck", "bicycle", "boat"})
CARRIERS = frozenset(
    {
        "amazon", "an_post", "canada_post", "dhl", "dpd", "fedex", "gls", "nzpost", "postnl", "postnord", "purolator",
        "royal_mail", "ups", "usps",
    }
)  # fmt: skip
DOOR_STATES = frozenset({"open", "opened", "closed", "ajar", "shut"})
_RANKS = {None: 0, "detection": 1, "alert": 2}


@dataclass(frozen=True)
class TrackingRules:
    """What is configured, and what is known about the cameras."""

    instance: str = "frigate"
    floor: float = DEFAULT_FLOOR
    """Score under which an object does not count."""
    label_floors: Mapping[str, float] = field(default_factory=dict)
    cool_down_seconds: float = COOL_DOWN_SECONDS
    url: str | None = None
    """Frigate's, for the URLs of snapshots."""
    cameras: Mapping[str, tuple[int, int] | None] | None = None
    """Width and height of the frames by camera; None while the cameras are not known."""

    def floor_of(self, label: str) -> float:
        """Return the least score of an object."""
        return self.label_floors.get(label, self.floor)


@dataclass(frozen=True)
class ZoneVisit:
    """An object's stay in a zone."""

    zone: str
    entries: int = 1
    is_inside: bool = True
    leaving_since: float | None = None


@dataclass(frozen=True)
class KnownDetails:
    """What was found out about an object beside its track."""

    sub_label: str | None = None
    plate: str | None = None
    carrier: str | None = None
    description: str | None = field(default=None, repr=False)
    state: str | None = None


@dataclass(frozen=True)
class TrackedObject:
    """What is known about an object of Frigate. Times are in seconds since the epoch."""

    id: str
    phase: Literal["pending", "active", "ended"] = "pending"
    """Pending: only reviews or enrichments spoke of it."""
    camera: str = ""
    label: str = ""
    start: float | None = None
    end: float | None = None
    frame_time: float = 0.0
    """Time of the newest frame; older ones are out of order."""
    heard_at: float = 0.0
    saved_at: float = 0.0
    details: KnownDetails = KnownDetails()
    details_changes: int = 0
    severity: Severity | None = None
    score: float | None = None
    best_score: float | None = None
    reported_score: float | None = None
    score_reported_at: float = 0.0
    box: tuple[float, ...] = ()
    box_is_relative: bool = False
    stationary: bool = False
    flipping_since: float | None = None
    flips: int = 0
    zones: tuple[ZoneVisit, ...] = ()
    has_snapshot: bool = False


@dataclass(frozen=True)
class SwitchedState:
    """The state of a camera's motion, or of something that a classification model watches."""

    id: str
    camera: str
    name: str
    value: str
    since: float


@dataclass(frozen=True)
class Transition:
    """A change that is an event; `name` is unique within the object."""

    name: str
    phase: Literal["new", "update", "end"]
    zone: str | None = None
    is_entry: bool = False


Transitions: TypeAlias = list[Transition]


def see(
    known: TrackedObject | None, seen: Sighting, rules: TrackingRules, now: float
) -> tuple[TrackedObject | None, Transitions]:
    """Return the object after a sighting, and what has changed."""
    if known is not None and known.phase == "ended":
        return known, []
    if known is None or known.phase == "pending":
        if not _is_credible(seen, rules):
            return known, []
        found = _begin(known or TrackedObject(seen.id), seen, now)
        transitions = [Transition("new", "new")]
    elif seen.kind != "end" and _is_out_of_order(known, seen, now):
        return known, []
    else:
        found, transitions = known, []
    at = moment_of(seen, found, now)
    found = _merge(found, seen, now)
    for rule in (_follow_zones, _follow_details, _follow_severity, _follow_stationary, _follow_score):
        found, more = rule(found, seen, at)
        transitions += more
    if seen.kind == "end":
        found, more = end_object(found, seen.end or at)
        transitions += more
    return found, transitions


def enrich(known: TrackedObject | None, given: Enrichment, now: float) -> tuple[TrackedObject, Transitions]:
    """Return the object with what was found out about it; it is no event before the object is one."""
    found = replace(known or TrackedObject(given.id), heard_at=now)
    return _change_details(found, given.details)


def rate(
    known: TrackedObject | None, object_id: str, severity: Severity, now: float
) -> tuple[TrackedObject, Transitions]:
    """Return the object with the severity of a review; it never falls."""
    found = replace(known or TrackedObject(object_id), heard_at=now)
    return _raise_severity(found, severity)


def end_object(found: TrackedObject, end: float) -> tuple[TrackedObject, Transitions]:
    """Return the object after its end: it also leaves its zones."""
    left = [Transition(_zone_name("left", visit), "update", visit.zone) for visit in found.zones if visit.is_inside]
    zones = tuple(replace(visit, is_inside=False, leaving_since=None) for visit in found.zones)
    latest = max(end, found.frame_time, found.start or 0.0)
    return replace(found, phase="ended", end=latest, zones=zones), [*left, Transition("end", "end")]


def switch_motion(known: SwitchedState | None, seen: MotionState, now: float) -> tuple[SwitchedState, Transitions]:
    """Return a camera's motion after a message, and its begin or end."""
    value = "on" if seen.is_on else "off"
    if known is not None and known.value == value:
        return known, []
    found = SwitchedState(motion_id(seen.camera), seen.camera, "motion", value, now)
    if known is None and not seen.is_on:  # Frigate says so when it starts
        return found, []
    return found, [Transition(_switch_name(known, found), "new" if seen.is_on else "end")]


def switch_class(known: SwitchedState | None, seen: ClassifiedState, now: float) -> tuple[SwitchedState, Transitions]:
    """Return what a classification model says after a message, and its change."""
    if known is not None and known.value == seen.state:
        return known, []
    found = SwitchedState(class_id(seen.camera, seen.model), seen.camera, seen.model, seen.state, now)
    return found, [Transition(_switch_name(known, found), "new" if known is None else "update")]


def motion_id(camera: str) -> str:
    """Return the ID of a camera's motion."""
    return f"motion:{camera}"


def class_id(camera: str, model: str) -> str:
    """Return the ID of what a classification model watches."""
    return f"class:{camera}:{model}"


def moment_of(seen: Sighting, known: TrackedObject | None, now: float) -> float:
    """Return the time of a sighting: that of its frame, or ours if that is not known or cannot be."""
    at = _trusted_frame_time(seen, now)
    return max(now if at is None else at, known.frame_time if known else 0.0)


def carrier_of(label: str, details: Details) -> str | None:
    """Return the company of a delivery vehicle."""
    if label not in VEHICLES:
        return None
    return next((one for one in (*details.attributes, details.sub_label) if one in CARRIERS), None)


def _trusted_frame_time(seen: Sighting, now: float) -> float | None:
    at = seen.frame_time
    return at if at is not None and now - TRUSTED_AGE_SECONDS <= at <= now + TRUSTED_AHEAD_SECONDS else None


def _is_credible(seen: Sighting, rules: TrackingRules) -> bool:
    score = seen.score if seen.top_score is None else seen.top_score
    return not seen.is_false_positive and (score is None or score >= rules.floor_of(seen.label))


def _is_out_of_order(known: TrackedObject, seen: Sighting, now: float) -> bool:
    at = _trusted_frame_time(seen, now)
    return at is not None and at < known.frame_time


def _begin(pending: TrackedObject, seen: Sighting, now: float) -> TrackedObject:
    best = _best_score(None, seen)
    return replace(
        pending,
        phase="active",
        camera=seen.camera,
        label=seen.label,
        start=seen.start,
        stationary=bool(seen.is_stationary),
        reported_score=best,
        score_reported_at=moment_of(seen, None, now),
        details=_add_details(pending.details, seen.label, seen.details),
        severity=_higher(pending.severity, seen.severity),
    )


def _merge(found: TrackedObject, seen: Sighting, now: float) -> TrackedObject:
    """Return the object with what a sighting says, as far as that is no event."""
    return replace(
        found,
        heard_at=now,
        frame_time=max(found.frame_time, _trusted_frame_time(seen, now) or 0.0),
        start=found.start if found.start is not None else seen.start,
        score=seen.score if seen.score is not None else found.score,
        best_score=_best_score(found.best_score, seen),
        box=seen.box or found.box,
        box_is_relative=seen.is_late if seen.box else found.box_is_relative,
        has_snapshot=found.has_snapshot or seen.has_snapshot,
    )


def _follow_zones(found: TrackedObject, seen: Sighting, at: float) -> tuple[TrackedObject, Transitions]:
    visits = {visit.zone: visit for visit in found.zones}
    inside = None if seen.current_zones is None else frozenset(seen.current_zones)
    transitions: Transitions = []
    for zone in dict.fromkeys((*seen.entered_zones, *(seen.current_zones or ()))):
        visit = visits.get(zone)
        if visit is None and len(visits) < MAX_ZONES_OF_OBJECT:
            visits[zone] = ZoneVisit(zone)
        elif visit is not None and not visit.is_inside and inside is not None and zone in inside:
            visits[zone] = ZoneVisit(zone, visit.entries + 1)
        else:
            continue
        transitions.append(Transition(_zone_name("entered", visits[zone]), "update", zone, is_entry=True))
    if inside is not None:
        for zone, visit in visits.items():
            visits[zone] = _stay_or_leave(visit, zone in inside, at)
            if visit.is_inside and not visits[zone].is_inside:
                transitions.append(Transition(_zone_name("left", visit), "update", zone))
    zones = tuple(visits.values())
    return (found if zones == found.zones else replace(found, zones=zones)), transitions


def _stay_or_leave(visit: ZoneVisit, is_inside: bool, at: float) -> ZoneVisit:
    if is_inside or not visit.is_inside:
        return visit if visit.leaving_since is None else replace(visit, leaving_since=None)
    since = at if visit.leaving_since is None else visit.leaving_since
    if at - since >= HYSTERESIS_SECONDS:
        return replace(visit, is_inside=False, leaving_since=None)
    return visit if since == visit.leaving_since else replace(visit, leaving_since=since)


def _follow_details(found: TrackedObject, seen: Sighting, _: float) -> tuple[TrackedObject, Transitions]:
    return _change_details(found, seen.details)


def _change_details(found: TrackedObject, given: Details) -> tuple[TrackedObject, Transitions]:
    details = _add_details(found.details, found.label, given)
    if details == found.details:
        return found, []
    if found.phase == "pending":
        return replace(found, details=details), []
    count = found.details_changes + 1
    name = f"details:{count}:{_digest(astuple(details))}"
    return replace(found, details=details, details_changes=count), [Transition(name, "update")]


def _add_details(known: KnownDetails, label: str, given: Details) -> KnownDetails:
    """Return what is known with what is said now; what is not said stays."""
    return KnownDetails(
        given.sub_label or known.sub_label,
        given.plate or known.plate,
        carrier_of(label, given) or known.carrier,
        given.description or known.description,
        given.state or known.state,
    )


def _follow_severity(found: TrackedObject, seen: Sighting, _: float) -> tuple[TrackedObject, Transitions]:
    return _raise_severity(found, seen.severity)


def _raise_severity(found: TrackedObject, given: Severity | None) -> tuple[TrackedObject, Transitions]:
    severity = _higher(found.severity, given)
    if severity == found.severity:
        return found, []
    transitions = [] if found.phase == "pending" else [Transition(f"severity:{severity}", "update")]
    return replace(found, severity=severity), transitions


def _higher(one: Severity | None, other: Severity | None) -> Severity | None:
    return max(one, other, key=_RANKS.__getitem__)


def _follow_stationary(found: TrackedObject, seen: Sighting, at: float) -> tuple[TrackedObject, Transitions]:
    if seen.is_stationary is None:
        return found, []
    if seen.is_stationary == found.stationary:
        return (found if found.flipping_since is None else replace(found, flipping_since=None)), []
    since = at if found.flipping_since is None else found.flipping_since
    if at - since < HYSTERESIS_SECONDS:
        return (found if since == found.flipping_since else replace(found, flipping_since=since)), []
    flips = found.flips + 1
    flipped = replace(found, stationary=seen.is_stationary, flipping_since=None, flips=flips)
    return flipped, [Transition(f"{'stationary' if flipped.stationary else 'active'}:{flips}", "update")]


def _follow_score(found: TrackedObject, _: Sighting, at: float) -> tuple[TrackedObject, Transitions]:
    best, reported = found.best_score, found.reported_score or 0.0
    if best is None or best - reported < SCORE_STEP - 1e-9 or at - found.score_reported_at < SCORE_SECONDS:
        return found, []
    better = replace(found, reported_score=best, score_reported_at=at)
    return better, [Transition(f"score:{round(100 * best)}", "update")]


def _best_score(best: float | None, seen: Sighting) -> float | None:
    scores = [one for one in (best, seen.top_score, seen.score if seen.top_score is None else None) if one is not None]
    return max(scores, default=None)


def _zone_name(what: str, visit: ZoneVisit) -> str:
    return f"{what}:{escape_token(visit.zone)}:{visit.entries}"


def _switch_name(known: SwitchedState | None, found: SwitchedState) -> str:
    """Return the name of a change: the state before it tells it from the same change at another time."""
    before = found.since if known is None else known.since
    return f"{_digest([found.value])}:{round(1000 * before)}"


def _digest(values: Sequence[str | None]) -> str:
    return hashlib.blake2b("\0".join(value or "" for value in values).encode(), digest_size=4).hexdigest()
