"""Frigate's messages go through the rules of the object table; what follows is published, then recorded."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BadMessageError, BusError
from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.bus.interface import MqttMessage
from wyoming_rosie.bus.schema import wrap
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.vision.frigate import payloads
from wyoming_rosie_bridge.vision.frigate.locks import KeyedLocks
from wyoming_rosie_bridge.vision.frigate.reconcile import FrigateApi, find_missed
from wyoming_rosie_bridge.vision.frigate.records import FrigateIndex, ObjectRecords
from wyoming_rosie_bridge.vision.frigate.settings import FrigateSettings, check_settings, create_api, create_rules
from wyoming_rosie_bridge.vision.frigate.state import (
    Input,
    ObjectTable,
    PublishEvent,
    SaveState,
    Silence,
    State,
    ids_of,
)
from wyoming_rosie_bridge.vision.frigate.tracking import SILENCE_SECONDS, TrackedObject

_LOG = structlog.get_logger()
STAGE = "frigate"
AT_A_TIME = 16
"""Messages that are handled at the same time; those about the same object are not."""
PHASES = ("new", "update", "end")
"""The order in which the events of one message are published."""
WATCH_SECONDS = 30.0
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 5.0


class FrigateRunner:
    """Subscribes to one Frigate. It never publishes over MQTT."""

    def __init__(self, settings: FrigateSettings, context: BridgeContext) -> None:
        check_settings(settings)
        self._context = context
        self._api: FrigateApi | None = create_api(settings)
        self._table = ObjectTable(create_rules(settings))
        self._records = ObjectRecords(context.buses.jobs, settings.instance)
        self._prefix = settings.topic_prefix
        self._locks = KeyedLocks()
        self._restoring, self._indexing = asyncio.Lock(), asyncio.Lock()
        self._missed = asyncio.Event()
        self._gap_since = context.clock()
        """Last contact before messages may have been lost."""
        self._is_gap = True
        self._is_restored = False
        self._contact = self._gap_since
        self._listening_since: float | None = None
        self._is_available: bool | None = None
        self._api_problem: str | None = None
        self._indexed: frozenset[str] = frozenset()
        self._is_subscribed = False

    def subscribe(self) -> None:
        """Subscribe to the topics that are read, and no more: `#` would bring the pictures of each object as well."""
        self._is_subscribed = True
        mqtt, prefix = self._context.buses.mqtt, self._prefix
        parsers: dict[str, Callable[[bytes], Input]] = {
            "events": payloads.parse_event,
            "reviews": payloads.parse_review,
            "tracked_object_update": payloads.parse_tracked_object_update,
            "triggers": payloads.parse_trigger,
        }
        for leaf, parse in parsers.items():
            mqtt.subscribe(f"{prefix}/{leaf}", partial(self._on_message, parse=parse), at_a_time=AT_A_TIME)
        mqtt.subscribe(f"{prefix}/available", self._on_available)
        mqtt.subscribe(f"{prefix}/+/motion", self._on_motion)
        mqtt.subscribe(f"{prefix}/+/classification/+", self._on_classification)
        mqtt.on_connect(self._note_gap)

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        """Return what runs until the bridge ends."""
        return [self._fill_gaps(), self._watch()] if self._is_subscribed else []

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        """Add the health check and the metrics."""
        health.add_check("frigate", self.problem)
        metrics.gauge("frigate_objects", "Objects of Frigate that are remembered", lambda: len(self._table))

    def problem(self) -> str | None:
        """Return why Frigate is not heard, as a sentence."""
        if self._is_available is False:
            return "Frigate says that it is not online"
        return self._api_problem

    async def _on_motion(self, message: MqttMessage) -> None:
        camera, _ = self._levels(message)
        await self._on_message(message, lambda raw: payloads.parse_motion(camera, raw))

    async def _on_classification(self, message: MqttMessage) -> None:
        camera, _, model = self._levels(message)
        await self._on_message(message, lambda raw: payloads.parse_classification(camera, model, raw))

    def _levels(self, message: MqttMessage) -> list[str]:
        return message.topic.removeprefix(f"{self._prefix}/").split("/")

    async def _on_available(self, message: MqttMessage) -> None:
        try:
            self._is_available = payloads.parse_available(message.payload)
        except BadMessageError as err:
            self._refuse(message, err)
            return
        if self._is_available:
            self._table.rules = replace(self._table.rules, cameras=None)  # its configuration may have changed
            self._note_gap()
        else:
            self._listening_since = None

    async def _on_message(self, message: MqttMessage, parse: Callable[[bytes], Input]) -> None:
        with self._context.metrics.handled(STAGE) as handled:
            try:
                given = parse(message.payload)
            except BadMessageError as err:
                handled.outcome = "refused"
                self._refuse(message, err)
                return
            try:
                handled.outcome = "published" if await self._apply(given) else "unchanged"
            except BusError:
                self._note_gap()  # while messages wait, others may be dropped
                raise
        if not self._is_gap:
            self._contact = self._context.clock()

    def _refuse(self, message: MqttMessage, err: BadMessageError) -> None:
        self._context.metrics.count_refused(err.code)
        _LOG.debug("Frigate's message refused", topic=message.topic[:100], reason=str(err))

    async def _apply(self, given: Input) -> bool:
        """Publish and record what follows from an input; return whether anything does. Raises BusError."""
        await self._restore_all()
        async with self._locks.hold(ids_of(given)):
            for state_id in self._table.unknown_ids(given):
                await self._restore(state_id)
            now = self._context.clock()
            plan = self._table.plan(given, now)
            for phase in PHASES:
                events = [one for one in plan.effects if isinstance(one, PublishEvent) and one.event.phase == phase]
                await _together([step for one in events for step in self._publish(one, now)])
            await _together([self._records.save(one.state) for one in plan.effects if isinstance(one, SaveState)])
            self._table.commit(plan, now)
            if any(_is_active(state) and state.id not in self._indexed for state in plan.states):
                await self._save_index()
        return bool(plan.effects)

    def _publish(self, effect: PublishEvent, now: float) -> list[Coroutine[Any, Any, None]]:
        source = self._context.source
        message = wrap(effect.event, key=effect.message_id, source=source, now=now, trace=effect.trace)
        steps = [self._publish_on(effect.subject, message, effect.message_id)]
        if effect.alias is not None:
            steps.append(self._publish_on(effect.alias, message, f"alias:{effect.message_id}"))
        return steps

    async def _publish_on(self, subject: str, message: Envelope, message_id: str) -> None:
        await self._context.buses.events.publish(subject, message, message_id)
        pass_failpoint(f"{STAGE}.published")

    async def _restore(self, state_id: str) -> None:
        state = await self._records.recall(state_id)
        if state is None:
            self._table.note_unrecorded(state_id)
        else:
            self._table.restore(state)

    async def _save_index(self) -> None:
        """Record which objects are active; some of the index may have ended since, as their own records say."""
        async with self._indexing:  # an older index must not overtake a newer one
            active = self._table.active_ids()
            await self._records.save_index(FrigateIndex(tuple(active), self._contact))
            self._indexed = frozenset(active)

    def _note_gap(self) -> None:
        """Remember that messages may have been lost until now."""
        if not self._is_gap:
            self._is_gap, self._gap_since = True, self._contact
        self._listening_since = self._context.clock()
        self._missed.set()

    async def _fill_gaps(self) -> None:
        """Ask Frigate for what was lost, after each connection and each start of Frigate."""
        while True:
            await self._missed.wait()
            self._missed.clear()
            await self._until_it_works(self._fill_gap)

    async def _until_it_works(self, attempt: Callable[[], Coroutine[Any, Any, None]]) -> None:
        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        while True:
            try:
                await attempt()
            except (BusError, UnreachableError) as err:
                if not backoff.failures:
                    _LOG.warning("Frigate's objects wait", reason=str(err))
                await backoff.sleep()
                continue
            return

    async def _restore_all(self) -> None:
        """Restore the objects that were active when this program ended. Raises BusError."""
        if self._is_restored:
            return
        async with self._restoring:
            if not self._is_restored:
                await self._restore_index()

    async def _restore_index(self) -> None:
        index = await self._records.recall_index()
        if index.contact is not None:
            self._gap_since = self._contact = index.contact
        for object_id in index.active:
            await self._restore(object_id)
        self._is_restored = True
        if index.active:
            _LOG.info("Frigate's objects restored", objects=len(index.active))

    async def _fill_gap(self) -> None:
        await self._restore_all()
        since = self._gap_since
        if self._api is not None:
            try:
                await self._ask_frigate(self._api, since)
            except UnreachableError as err:
                self._api_problem = str(err)
                raise
            self._api_problem = None
        if not self._missed.is_set():
            self._is_gap, self._contact = False, self._context.clock()

    async def _ask_frigate(self, api: FrigateApi, since: float) -> None:
        async with api.open() as session:
            if self._table.rules.cameras is None:
                self._table.rules = replace(self._table.rules, cameras=await session.get_cameras())
            missed = await find_missed(session, self._table.active_ids(), since)
        for _ in range(session.refused):
            self._context.metrics.count_refused(BadMessageError.code)
        changed = 0
        for one in missed:
            changed += await self._apply(one)
        _LOG.info("Frigate was asked for what was lost", objects=len(missed), changed=changed)

    async def _watch(self) -> None:
        """End objects that are silent for too long, and record that Frigate is heard."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self._until_it_works(self._watch_once)

    async def _watch_once(self) -> None:
        now = self._context.clock()
        if self._context.buses.mqtt.problem is not None:
            self._listening_since = None
            return
        if self._is_gap or self._is_available is False:
            return
        self._contact = now
        await self._save_index()
        if self._listening_since is not None and now - self._listening_since >= SILENCE_SECONDS:
            for object_id in self._table.silent_ids(now - SILENCE_SECONDS):
                await self._apply(Silence(object_id))


def _is_active(state: State) -> bool:
    return isinstance(state, TrackedObject) and state.phase == "active"


async def _together(steps: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run steps at once and wait for all. Raises the first error."""
    for result in await asyncio.gather(*steps, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
