"""Staying connected to Home Assistant: how things are there, which home it knows, and calls of its services."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.home.model import Home
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_intent.actors.home_assistant import registry
from wyoming_rosie_intent.actors.home_assistant.connection import Connection, connect
from wyoming_rosie_intent.actors.home_assistant.errors import (
    RefusedError,
    TokenRefusedError,
    UnreachableError,
)
from wyoming_rosie_intent.actors.home_assistant.registry import Registries
from wyoming_rosie_intent.actors.home_assistant.services import Call
from wyoming_rosie_intent.actors.home_assistant.states import States

_LOG = structlog.get_logger()


class Problem(StrEnum):
    """Why nothing can be asked of Home Assistant; each is the name of a phrase."""

    UNREACHABLE = "unreachable"
    REFUSED = "refuses_token"
    NO_TOKEN = "no_token"  # noqa: S105 - the name of a phrase


@dataclass(frozen=True)
class Patience:
    """How long what is waited for may take, and how long it is left alone, in seconds."""

    result: float = 3.0  # a service's work, while a person waits for the answer
    seen: float = 2.0  # after its result, until the thing shows it
    first_pause: float = 0.5  # before the next try to connect; each is twice as long
    longest_pause: float = 10.0
    refused_pause: float = 300.0  # Home Assistant may ban whoever tries a wrong token more often
    token_look: float = 1.0  # between looks at a token that did not do: somebody may mend it
    settle: float = 0.5  # registries change in bursts
    starting: float = 2.0  # between looks at a Home Assistant that is not whole yet
    unnoticed: float = 300.0  # between looks for changes that it does not tell of: what it exposes without a registry


PATIENCE = Patience()
_BURST_SECONDS = 0.005
"""What changes because of one call comes one after the other, thousands of times for a big house."""
_REGISTRY_EVENTS = ("floor_registry_updated", "area_registry_updated", "device_registry_updated", "entity_registry_updated")  # fmt: skip
_ODD = (ValueError, KeyError, TypeError, AttributeError)
"""What comes of an answer that has not the shape of Home Assistant's."""


class Link:
    """One Home Assistant; connected as long as `run` runs and it can be reached."""

    def __init__(
        self, url: str, token: Callable[[], str], own: Home, on_home: Callable[[Home], None], patience: Patience
    ) -> None:
        self.problem: Problem | None = Problem.UNREACHABLE
        self._told: Problem | None = None
        self.states = States()
        self.areas: Mapping[str, str] = {}  # of devices, by their ids
        self._url = url
        self._token = token
        self._tried: str | None = None  # the latest token; None when there was none
        self._own = own
        self._on_home = on_home
        self.patience = patience
        self._backoff = Backoff(patience.first_pause, patience.longest_pause)
        self._home: Home | None = None
        self._connection: Connection | None = None
        self._stale = asyncio.Event()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled; pauses grow while that fails."""
        while True:
            try:
                await self._stay()
            except TokenRefusedError as err:
                self._lost(Problem.REFUSED, err)
                await self._another_token(self.patience.refused_pause)
            except ConfigError as err:
                self._lost(Problem.NO_TOKEN, err)
                await self._another_token(self.patience.refused_pause)
            except (RosieError, OSError, *_ODD) as err:
                self._lost(Problem.UNREACHABLE, err)
                await self._backoff.sleep()

    @property
    def home(self) -> Home:
        """Return the home that is known; an empty one until there was a connection."""
        return self._home or Home()

    def use(self, own: Home) -> None:
        """Take what Home Assistant does not know from this home, and hand on the whole anew."""
        self._own = own
        self._stale.set()

    async def call(self, call: Call, *, wants_response: bool = False) -> Mapping[str, Any]:
        """Call a service once, whatever happens. Raises UnreachableError, RefusedError, LostError."""
        if self._connection is None:
            raise UnreachableError("there is no connection to Home Assistant")
        result = await self._connection.ask(
            "call_service",
            self.patience.result,
            domain=call.domain,
            service=call.service,
            service_data=dict(call.data),
            target={"entity_id": list(call.entities)},
            **({"return_response": True} if wants_response else {}),
        )
        response = (result or {}).get("response")
        return response if isinstance(response, dict) else {}

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of the states, but not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience.seen):
                while not holds():
                    await self._changed.wait()
                    await asyncio.sleep(_BURST_SECONDS)

    async def _stay(self) -> None:
        self._tried = None
        self._tried = await asyncio.to_thread(self._token)
        async with connect(self._url, self._tried) as connection:
            self.states = States()
            try:
                await run_until_first_exit(connection.listen(), self._follow(connection))
            finally:
                self._connection = None
                self.problem = Problem.UNREACHABLE

    async def _another_token(self, seconds: float) -> None:
        """Wait so long, or until there is another token than the one that was tried."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds * random.uniform(0.8, 1.2)):  # noqa: S311 - no secret
                while await asyncio.to_thread(self._known_token) in (None, self._tried):  # noqa: ASYNC110 - a file tells nobody
                    await asyncio.sleep(self.patience.token_look)

    def _known_token(self) -> str | None:
        try:
            return self._token() or None
        except ConfigError:
            return None

    async def _follow(self, connection: Connection) -> None:
        await connection.subscribe("subscribe_entities", self._hear)
        for event in _REGISTRY_EVENTS:
            with suppress(RefusedError):
                await connection.subscribe("subscribe_events", lambda _: self._stale.set(), event_type=event)
        while True:
            self._stale.clear()
            is_running = await self._read(connection)
            self._found(connection)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.patience.unnoticed if is_running else self.patience.starting):
                    await self._stale.wait()
            await asyncio.sleep(self.patience.settle)

    def _hear(self, event: Mapping[str, Any]) -> None:
        if self.states.hear(event):
            self._stale.set()
        self._changed.set()
        self._changed.clear()

    async def _read(self, connection: Connection) -> bool:
        """Learn the home anew and hand it on if it is another; tell whether Home Assistant has loaded all of it."""
        registries = await _registries(connection)
        aliases = await _aliases(connection, registry.exposed(registries, self.states), registries)
        self.areas = registry.areas_of_devices(registries)
        home = await asyncio.to_thread(registry.home_of, registries, dict(self.states), aliases, self._own)
        is_running = registries.settings.get("state") == "RUNNING"
        if home != self._home and (is_running or self._home is None):
            self._home = home
            self._on_home(home)
        return is_running

    def _found(self, connection: Connection) -> None:
        if self._connection is None:
            _LOG.info("home assistant", url=self._url, entities=len(self.states))
        self._connection = connection
        self.problem = self._told = None
        self._backoff.reset()

    def _lost(self, problem: Problem, reason: Exception) -> None:
        """Say once what is wrong."""
        if self._told != problem:
            _LOG.warning("home assistant", problem=problem.value, reason=str(reason))
        self.problem = self._told = problem


async def _registries(connection: Connection) -> Registries:
    return Registries(
        tuple(await _listed(connection, "config/floor_registry/list")),
        tuple(await _listed(connection, "config/area_registry/list")),
        tuple(await _listed(connection, "config/device_registry/list")),
        tuple(await _listed(connection, "config/entity_registry/list")),
        await _exposed(connection),
        await _exposes_new(connection),
        await connection.ask("get_config"),
    )


async def _listed(connection: Connection, kind: str) -> Sequence[Mapping[str, Any]]:
    """Return a registry; an old Home Assistant has none of floors."""
    try:
        return tuple(await connection.ask(kind))
    except RefusedError as err:
        _LOG.debug("home assistant", refused=kind, reason=err.reason)
        return ()


async def _exposed(connection: Connection) -> frozenset[str]:
    try:
        told = (await connection.ask("homeassistant/expose_entity/list"))["exposed_entities"]
    except RefusedError:
        _LOG.warning(
            "home assistant", problem="the token is no administrator's: only what its registry exposes is known"
        )
        return frozenset()
    return frozenset(entity for entity, assistants in told.items() if assistants.get(registry.ASSISTANT))


async def _exposes_new(connection: Connection) -> bool:
    try:
        told = await connection.ask("homeassistant/expose_new_entities/get", assistant=registry.ASSISTANT)
    except RefusedError:
        return False
    return bool(told["expose_new"])


async def _aliases(connection: Connection, entities: Sequence[str], registries: Registries) -> dict[str, tuple[str, ...]]:  # fmt: skip
    registered = {str(entry["entity_id"]) for entry in registries.entities}
    wanted = [entity for entity in entities if entity in registered]
    if not wanted:
        return {}
    entries = await connection.ask("config/entity_registry/get_entries", entity_ids=wanted)
    return {entity: tuple(entry.get("aliases") or ()) for entity, entry in entries.items() if entry}
