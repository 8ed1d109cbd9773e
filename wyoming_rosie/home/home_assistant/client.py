"""Home Assistant client: stays connected, tracks states and the home, and calls services."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.home.home_assistant import registry
from wyoming_rosie.home.home_assistant.connection import WebSocketConnection, open_connection
from wyoming_rosie.home.home_assistant.errors import (
    CommandRefusedError,
    NotConnectedError,
    TokenRefusedError,
)
from wyoming_rosie.home.home_assistant.registry import Registries
from wyoming_rosie.home.home_assistant.states import ReportedStates
from wyoming_rosie.home.model import Home
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.secrets import read_secret_file, read_secret_variable
from wyoming_rosie.runtime.tasks import run_until_first_exit

_LOG = structlog.get_logger()
TOKEN_VARIABLE = "HOME_ASSISTANT_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class Settings:
    url: str = option("http://homeassistant.local:8123", "URL of Home Assistant")
    token_file: Path | None = option(None, f"file with a long-lived access token; otherwise {TOKEN_VARIABLE} is read")


class ConnectionProblem(StrEnum):
    """Reason why Home Assistant cannot be used; each value is the key of a phrase."""

    UNREACHABLE = "unreachable"
    REFUSED = "refuses_token"
    NO_TOKEN = "no_token"  # noqa: S105 - the name of a phrase


@dataclass(frozen=True)
class Timeouts:
    """Timeouts and intervals in seconds."""

    result: float = 3.0  # for a service call, while a person waits for the answer
    state_change: float = 2.0  # after its result, until the state has changed
    first_pause: float = 0.5  # before reconnecting; doubles after each failure
    longest_pause: float = 10.0
    refused_pause: float = 300.0  # Home Assistant may ban clients that retry a wrong token sooner
    token_poll: float = 1.0  # interval for checking whether a refused token was replaced
    settle: float = 0.5  # registries change in bursts
    starting: float = 2.0  # interval for refreshing while Home Assistant is starting
    full_refresh: float = (
        300.0  # interval for refreshing what is not reported: entities exposed without a registry entry
    )


DEFAULT_TIMEOUTS = Timeouts()
_BURST_SECONDS = 0.005
"""The state changes of one call arrive one by one, thousands of them in a large home."""
_REGISTRY_EVENTS = ("floor_registry_updated", "area_registry_updated", "device_registry_updated", "entity_registry_updated")  # fmt: skip
_UNEXPECTED_DATA = (ValueError, KeyError, TypeError, AttributeError)
"""Errors raised by responses of an unexpected shape."""


@dataclass(frozen=True)
class ServiceCall:
    """One service call; each entity soon reaches one of the `expected_states`, which are empty when unknown."""

    domain: str
    service: str
    entities: tuple[str, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    expected_states: frozenset[str] = frozenset()


class HomeAssistantClient:
    """Client of one Home Assistant, connected while `run` runs and it is reachable."""

    def __init__(
        self, settings: Settings, file_home: Home, on_home: Callable[[Home], None], timeouts: Timeouts
    ) -> None:
        self.problem: ConnectionProblem | None = ConnectionProblem.UNREACHABLE
        self._logged_problem: ConnectionProblem | None = None
        self.states = ReportedStates()
        self.areas: Mapping[str, str] = {}  # of devices, by their ids
        self._settings = settings
        self._last_token: str | None = None  # the latest token; None when there was none
        self._home_file = file_home
        self._on_home = on_home
        self.timeouts = timeouts
        self._backoff = Backoff(timeouts.first_pause, timeouts.longest_pause)
        self._home: Home | None = None
        self._connection: WebSocketConnection | None = None
        self._stale = asyncio.Event()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled, with a backoff after failures."""
        while True:
            try:
                await self._run_connection()
            except TokenRefusedError as err:
                self._on_problem(ConnectionProblem.REFUSED, err)
                await self._wait_for_token(self.timeouts.refused_pause)
            except ConfigError as err:
                self._on_problem(ConnectionProblem.NO_TOKEN, err)
                await self._wait_for_token(self.timeouts.refused_pause)
            except (RosieError, OSError, *_UNEXPECTED_DATA) as err:
                self._on_problem(ConnectionProblem.UNREACHABLE, err)
                await self._backoff.sleep()

    @property
    def home(self) -> Home:
        """The home of Home Assistant; empty before the first connection."""
        return self._home or Home()

    def set_home_file(self, file_home: Home) -> None:
        """Use the room policies and preferences of a changed home file, and report the home again."""
        self._home_file = file_home
        self._stale.set()

    async def call_service(self, call: ServiceCall, *, wants_response: bool = False) -> Mapping[str, Any]:
        """Call a service, without retries. Raises NotConnectedError, CommandRefusedError, NoResultError."""
        if self._connection is None:
            raise NotConnectedError("there is no connection to Home Assistant")
        result = await self._connection.send_command(
            "call_service",
            self.timeouts.result,
            domain=call.domain,
            service=call.service,
            service_data=dict(call.data),
            target={"entity_id": list(call.entities)},
            **({"return_response": True} if wants_response else {}),
        )
        response = (result or {}).get("response")
        return response if isinstance(response, dict) else {}

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until a condition of the states holds, at most `timeouts.state_change` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.timeouts.state_change):
                while not holds():
                    await self._changed.wait()
                    await asyncio.sleep(_BURST_SECONDS)

    async def _run_connection(self) -> None:
        self._last_token = None
        self._last_token = await asyncio.to_thread(read_token, self._settings)
        async with open_connection(self._settings.url, self._last_token) as connection:
            self.states = ReportedStates()
            try:
                await run_until_first_exit(connection.listen(), self._track_changes(connection))
            finally:
                self._connection = None
                self.problem = ConnectionProblem.UNREACHABLE

    async def _wait_for_token(self, seconds: float) -> None:
        """Wait until another token than the refused one is configured, at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds * random.uniform(0.8, 1.2)):  # noqa: S311 - no secret
                while await asyncio.to_thread(self._read_token) in (None, self._last_token):  # noqa: ASYNC110 - a file sends no event
                    await asyncio.sleep(self.timeouts.token_poll)

    def _read_token(self) -> str | None:
        try:
            return read_token(self._settings) or None
        except ConfigError:
            return None

    async def _track_changes(self, connection: WebSocketConnection) -> None:
        await connection.subscribe("subscribe_entities", self._on_event)
        for event in _REGISTRY_EVENTS:
            with suppress(CommandRefusedError):
                await connection.subscribe("subscribe_events", lambda _: self._stale.set(), event_type=event)
        while True:
            self._stale.clear()
            is_running = await self._update_home(connection)
            self._on_connected(connection)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.timeouts.full_refresh if is_running else self.timeouts.starting):
                    await self._stale.wait()
            await asyncio.sleep(self.timeouts.settle)

    def _on_event(self, event: Mapping[str, Any]) -> None:
        if self.states.apply_event(event):
            self._stale.set()
        self._changed.set()
        self._changed.clear()

    async def _update_home(self, connection: WebSocketConnection) -> bool:
        """Refresh the home and report a changed one; return whether Home Assistant has finished starting."""
        registries = await _get_registries(connection)
        aliases = await _get_aliases(connection, registry.find_exposed(registries, self.states), registries)
        self.areas = registry.get_device_areas(registries)
        home = await asyncio.to_thread(registry.create_home, registries, dict(self.states), aliases, self._home_file)
        is_running = registries.settings.get("state") == "RUNNING"
        if home != self._home and (is_running or self._home is None):
            self._home = home
            self._on_home(home)
        return is_running

    def _on_connected(self, connection: WebSocketConnection) -> None:
        if self._connection is None:
            _LOG.info("home assistant connected", url=self._settings.url, entities=len(self.states))
        self._connection = connection
        self.problem = self._logged_problem = None
        self._backoff.reset()

    def _on_problem(self, problem: ConnectionProblem, reason: Exception) -> None:
        """Record a problem and log it once."""
        if self._logged_problem != problem:
            _LOG.warning("home assistant not connected", problem=problem.value, reason=str(reason))
        self.problem = self._logged_problem = problem


def read_token(settings: Settings) -> str:
    """Return the token, from its file or the environment. Raises ConfigError."""
    if settings.token_file is not None:
        return read_secret_file(settings.token_file, "--home-assistant.token-file")
    if (found := read_secret_variable(TOKEN_VARIABLE)) is not None:
        return found
    raise ConfigError(f"Home Assistant needs a token: set {TOKEN_VARIABLE} or --home-assistant.token-file")


def check_token(settings: Settings) -> None:
    """Raise ConfigError without a token; a token file may appear later."""
    if settings.token_file is None:
        read_token(settings)


async def _get_registries(connection: WebSocketConnection) -> Registries:
    return Registries(
        tuple(await _get_registry(connection, "config/floor_registry/list")),
        tuple(await _get_registry(connection, "config/area_registry/list")),
        tuple(await _get_registry(connection, "config/device_registry/list")),
        tuple(await _get_registry(connection, "config/entity_registry/list")),
        await _get_exposed(connection),
        await _get_exposes_new(connection),
        await connection.send_command("get_config"),
    )


async def _get_registry(connection: WebSocketConnection, kind: str) -> Sequence[Mapping[str, Any]]:
    """Return a registry; old versions have no floor registry."""
    try:
        return tuple(await connection.send_command(kind))
    except CommandRefusedError as err:
        _LOG.debug("home assistant registry refused", kind=kind, reason=err.reason)
        return ()


async def _get_exposed(connection: WebSocketConnection) -> frozenset[str]:
    try:
        response = (await connection.send_command("homeassistant/expose_entity/list"))["exposed_entities"]
    except CommandRefusedError:
        _LOG.warning(
            "home assistant exposed entities unknown",
            problem="the token is not an administrator's: only registry entries are known",
        )
        return frozenset()
    return frozenset(entity for entity, assistants in response.items() if assistants.get(registry.ASSISTANT))


async def _get_exposes_new(connection: WebSocketConnection) -> bool:
    try:
        response = await connection.send_command("homeassistant/expose_new_entities/get", assistant=registry.ASSISTANT)
    except CommandRefusedError:
        return False
    return bool(response["expose_new"])


async def _get_aliases(connection: WebSocketConnection, entities: Sequence[str], registries: Registries) -> dict[str, tuple[str, ...]]:  # fmt: skip
    registered = {str(entry["entity_id"]) for entry in registries.entities}
    entity_ids = [entity for entity in entities if entity in registered]
    if not entity_ids:
        return {}
    entries = await connection.send_command("config/entity_registry/get_entries", entity_ids=entity_ids)
    return {entity: tuple(entry.get("aliases") or ()) for entity, entry in entries.items() if entry}
