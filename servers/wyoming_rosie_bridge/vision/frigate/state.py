"""The state of all objects: each input becomes effects, without I/O and without a clock.

`plan` changes nothing: the caller carries the effects out and then calls `commit`. What fails in between is planned again.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar
from urllib.parse import quote

from wyoming_rosie.bus import names
from wyoming_rosie.bus.messages import VisionEvent, Zones
from wyoming_rosie_bridge.vision.frigate.payloads import ClassifiedState, Enrichment, MotionState, Review, Sighting
from wyoming_rosie_bridge.vision.frigate.tracking import (
    DOOR_STATES,
    VEHICLES,
    SwitchedState,
    TrackedObject,
    TrackingRules,
    Transition,
    Transitions,
    class_id,
    end_object,
    enrich,
    moment_of,
    motion_id,
    rate,
    see,
    switch_class,
    switch_motion,
)

K = TypeVar("K")
V = TypeVar("V")
MAX_OBJECTS = 10_000
MAX_RECENT = 10_000
KEEP_SECONDS = 86_400.0
"""How long an object of which nothing is heard is known, in memory and in the record."""
SAVE_SECONDS = 3_600.0
"""How old the record of an object becomes that is heard of all the time, such as a parked car."""


@dataclass(frozen=True)
class Silence:
    """Nothing was heard of an object for so long that it must have ended."""

    id: str


Input: TypeAlias = Sighting | Enrichment | Review | MotionState | ClassifiedState | Silence
State: TypeAlias = TrackedObject | SwitchedState


@dataclass(frozen=True)
class PublishEvent:
    """Publish an event on a subject, and the same one on its alias."""

    subject: str
    message_id: str
    trace: str
    event: VisionEvent
    alias: str | None = None


@dataclass(frozen=True)
class SaveState:
    """Record the state of an object, after its events are published."""

    state: State


Effect: TypeAlias = PublishEvent | SaveState
RecentKey: TypeAlias = tuple[str, str, str]
"""Camera, label and zone."""


@dataclass(frozen=True)
class Plan:
    """What an input leads to."""

    effects: tuple[Effect, ...] = ()
    states: tuple[State, ...] = ()
    recent: Mapping[RecentKey, float] = field(default_factory=dict)
    """When an object of a kind was last reported."""


class ObjectTable:
    """The objects that are known: at most MAX_OBJECTS, those heard of last."""

    def __init__(self, rules: TrackingRules) -> None:
        self.rules = rules
        self._states: OrderedDict[str, State] = OrderedDict()
        self._recent: OrderedDict[RecentKey, float] = OrderedDict()
        self._unrecorded: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def get(self, state_id: str) -> State | None:
        """Return what is known about an object or a state."""
        return self._states.get(state_id)

    def active_ids(self) -> list[str]:
        """Return the objects that have begun and not ended."""
        return [one.id for one in self._states.values() if isinstance(one, TrackedObject) and one.phase == "active"]

    def silent_ids(self, before: float) -> list[str]:
        """Return the active objects of which nothing was heard since a time."""
        found = (self._states[one] for one in self.active_ids())
        return [one.id for one in found if isinstance(one, TrackedObject) and one.heard_at < before]

    def unknown_ids(self, given: Input) -> list[str]:
        """Return the IDs in an input for which a record may exist that this table does not know."""
        return [one for one in ids_of(given) if one not in self._states and one not in self._unrecorded]

    def restore(self, state: State) -> None:
        """Take over a record, unless something newer is known."""
        if state.id not in self._states:
            _put(self._states, state.id, state, MAX_OBJECTS)

    def note_unrecorded(self, state_id: str) -> None:
        """Remember that there is no record of an object."""
        _put(self._unrecorded, state_id, None, MAX_OBJECTS)

    def plan(self, given: Input, now: float) -> Plan:
        """Return what an input leads to, as far as it concerns the cameras of this Frigate."""
        match given:
            case Sighting():
                return self._plan_sighting(given, now)
            case Enrichment():
                return self._plan_objects([(given.id, *enrich(self._object(given.id), given, now))], now)
            case Review():
                return self._plan_review(given, now)
            case Silence():
                return self._plan_silence(given, now)
            case MotionState() | ClassifiedState():
                return self._plan_switch(given, now)

    def commit(self, plan: Plan, now: float) -> None:
        """Take over the states of a plan whose effects were carried out, and forget what is too old."""
        for state in plan.states:
            self._unrecorded.pop(state.id, None)
            _put(self._states, state.id, state, MAX_OBJECTS)
        for key, at in plan.recent.items():
            _put(self._recent, key, at, MAX_RECENT)
        while (oldest := next(iter(self._states.values()), None)) and heard_at(oldest) < now - KEEP_SECONDS:
            self._states.popitem(last=False)

    def _plan_sighting(self, seen: Sighting, now: float) -> Plan:
        known = self._object(seen.id)
        found, transitions = see(known, seen, self.rules, now)
        if found is None:
            return Plan()
        return self._plan_objects(
            [(seen.id, found, transitions)], now, moment_of(seen, found, now), is_late=seen.is_late
        )

    def _plan_review(self, review: Review, now: float) -> Plan:
        ids = [one for one in review.detections if not review.is_late or self._object(one)]
        changes = [(one, *rate(self._object(one), one, review.severity, now)) for one in ids]
        return self._plan_objects(changes, now, is_late=review.is_late)

    def _plan_silence(self, silence: Silence, now: float) -> Plan:
        known = self._object(silence.id)
        if known is None or known.phase != "active":
            return Plan()
        return self._plan_objects([(known.id, *end_object(known, known.heard_at))], now, is_late=True)

    def _plan_switch(self, seen: MotionState | ClassifiedState, now: float) -> Plan:
        if self.rules.cameras is not None and seen.camera not in self.rules.cameras:
            return Plan()  # zones have topics of the same form
        (state_id,) = ids_of(seen)
        known = self._states.get(state_id)
        before = known if isinstance(known, SwitchedState) else None
        found, transitions = (
            switch_motion(before, seen, now) if isinstance(seen, MotionState) else switch_class(before, seen, now)
        )
        if found is before:
            return Plan()
        events = [self._publish_switch(before, found, one) for one in transitions]
        return Plan((*events, SaveState(found)), (found,))

    def _plan_objects(
        self,
        changes: Iterable[tuple[str, TrackedObject, Transitions]],
        now: float,
        at: float | None = None,
        *,
        is_late: bool = False,
    ) -> Plan:
        effects: list[Effect] = []
        states: list[State] = []
        recent: dict[RecentKey, float] = {}
        for object_id, changed, transitions in changes:
            is_old = changed.phase == "active" and now - changed.saved_at >= SAVE_SECONDS
            found = replace(changed, saved_at=now) if transitions or is_old else changed
            if transitions or is_old:
                effects += self._publish_each(found, transitions, recent, now if at is None else at, is_late=is_late)
                effects.append(SaveState(found))
            if found is not self._states.get(object_id):
                states.append(found)
        return Plan(tuple(effects), tuple(states), recent)

    def _publish_each(
        self,
        found: TrackedObject,
        transitions: Transitions,
        recent: dict[RecentKey, float],
        at: float,
        *,
        is_late: bool,
    ) -> list[Effect]:
        entered = tuple(one.zone for one in transitions if one.is_entry and one.zone)
        effects: list[Effect] = []
        for one in transitions:
            begins, ends = one.phase == "new" or one.is_entry, one.phase == "end" or (one.zone and not one.is_entry)
            key = found.camera, found.label, one.zone or ""
            is_repeat = bool(begins) and self._is_recent(recent, key, at)
            if begins or ends:
                recent[key] = at
            new_zones = (one.zone,) if one.is_entry and one.zone else entered if one.phase == "new" else ()
            event = self._describe(found, one, new_zones, is_repeat=is_repeat, is_late=is_late)
            effects.append(self._publish(found.id, one, subject_of(found.label, one), event))
        return effects

    def _is_recent(self, recent: Mapping[RecentKey, float], key: RecentKey, at: float) -> bool:
        last = recent.get(key, self._recent.get(key))
        return last is not None and abs(at - last) < self.rules.cool_down_seconds

    def _publish(self, object_id: str, transition: Transition, subject: str, event: VisionEvent) -> PublishEvent:
        trace = f"frigate:{self.rules.instance}:{object_id}"
        is_person = subject == names.vision_subject("person")
        alias = names.vision_subject("person_detected") if is_person else None
        return PublishEvent(subject, f"{trace}:{transition.name}", trace, event, alias)

    def _publish_switch(self, before: SwitchedState | None, found: SwitchedState, one: Transition) -> PublishEvent:
        is_motion = found.id == motion_id(found.camera)
        begun = found.since if one.phase != "end" or before is None else before.since
        event = VisionEvent(
            event_id=f"{found.id}:{round(1000 * begun)}",
            instance=self.rules.instance,
            camera=found.camera,
            label=found.name,
            phase=one.phase,
            start=begun,
            end=found.since if one.phase == "end" else None,
            state=None if is_motion else found.value,
        )
        subject = names.vision_subject("motion", "simple") if is_motion else class_subject(found.name, found.value)
        return self._publish(found.id, one, subject, event)

    def _describe(
        self, found: TrackedObject, one: Transition, new_zones: tuple[str, ...], *, is_repeat: bool, is_late: bool
    ) -> VisionEvent:
        return VisionEvent(
            event_id=found.id,
            instance=self.rules.instance,
            camera=found.camera,
            label=found.label,
            phase=one.phase,
            sub_label=found.details.sub_label,
            plate=found.details.plate,
            zones=Zones(
                tuple(visit.zone for visit in found.zones if visit.is_inside),
                tuple(visit.zone for visit in found.zones),
                new_zones,
            ),
            score=found.score,
            top_score=found.best_score,
            box=self._relative_box(found),
            stationary=found.stationary,
            start=found.start,
            end=found.end,
            severity=found.severity,
            description=found.details.description,
            carrier=found.details.carrier,
            state=found.details.state,
            snapshot_url=self._snapshot_url(found),
            repeat=is_repeat,
            late=is_late,
        )

    def _relative_box(self, found: TrackedObject) -> tuple[float, ...]:
        size = (self.rules.cameras or {}).get(found.camera)
        if not found.box_is_relative and (size is None or not found.box):
            return found.box
        width, height = (1, 1) if found.box_is_relative or size is None else size
        parts = (edge / length for edge, length in zip(found.box, (width, height, width, height), strict=False))
        return tuple(round(min(1.0, max(0.0, part)), 4) for part in parts)

    def _snapshot_url(self, found: TrackedObject) -> str | None:
        if not (self.rules.url and found.has_snapshot):
            return None
        return f"{self.rules.url}/api/events/{quote(found.id, safe='')}/snapshot.jpg"

    def _object(self, object_id: str) -> TrackedObject | None:
        known = self._states.get(object_id)
        return known if isinstance(known, TrackedObject) else None


def ids_of(given: Input) -> tuple[str, ...]:
    """Return the IDs of the states that an input concerns."""
    match given:
        case Review():
            return given.detections
        case MotionState():
            return (motion_id(given.camera),)
        case ClassifiedState():
            return (class_id(given.camera, given.model),)
        case Sighting() | Enrichment() | Silence():
            return (given.id,)


def subject_of(label: str, transition: Transition) -> str:
    """Return the subject of an object's transition."""
    if transition.zone is not None:
        return names.vision_subject("zone", transition.zone, "entered" if transition.is_entry else "left")
    if label in ("person", "package"):
        return names.vision_subject(label)
    return names.vision_subject("vehicle") if label in VEHICLES else names.vision_subject("object", label)


def class_subject(model: str, state: str) -> str:
    """Return the subject of what a classification model says about a camera's picture."""
    if state.lower() in DOOR_STATES:
        return names.vision_subject("door")
    if "package" in model.lower():
        return names.vision_subject("package")
    return names.vision_subject("object", model)


def heard_at(state: State) -> float:
    """Return when something was last heard of a state."""
    return state.heard_at if isinstance(state, TrackedObject) else state.since


def _put(table: "OrderedDict[K, V]", key: K, value: V, limit: int) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > limit:
        table.popitem(last=False)
