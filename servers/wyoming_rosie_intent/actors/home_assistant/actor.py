"""Actor that calls Home Assistant's services and answers questions from its states."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

import structlog

from wyoming_rosie.home.home_assistant.client import (
    DEFAULT_TIMEOUTS,
    ConnectionProblem,
    HomeAssistantClient,
    ServiceCall,
    Settings,
    Timeouts,
    check_token,
)
from wyoming_rosie.home.home_assistant.errors import (
    CommandRefusedError,
    CommandTimeoutError,
    HomeAssistantError,
    NoResultError,
)
from wyoming_rosie.home.home_assistant.states import ReportedState
from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.actors.home_assistant import services, state_mapping
from wyoming_rosie_intent.engine import ActorContext, Answer, Command, SatelliteAnnouncer, ServedActor
from wyoming_rosie_intent.entity_states import EntityState, StateAttributesView
from wyoming_rosie_intent.execution import relative_values
from wyoming_rosie_intent.responses import queries, responses
from wyoming_rosie_intent.rules import todo_lists

_LOG = structlog.get_logger()
MAX_NAMED = 4
_SATELLITE, _IDLE = "assist_satellite.", "idle"
_DETAILS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "todo": ("get_items", {"status": ["needs_action"]}),
    "weather": ("get_forecasts", {"type": "daily"}),
}
"""Service that returns details beyond the state, by domain."""
_REPORTED_ATTRIBUTES = frozenset({
    "brightness", "color_temp_kelvin", "current_humidity", "current_position", "current_temperature", "device_class", "fan_mode",
    "hs_color", "humidity", "hvac_action", "is_volume_muted", "media_artist", "media_title", "mode", "percentage", "preset_mode", "source",
    "target_temp_high", "target_temp_low", "temperature", "unit_of_measurement", "volume_level",
})  # fmt: skip
"""Attributes that are passed on; others may be private, such as coordinates or a camera's access token."""
_WHOLE: Mapping[str, float] = {"brightness": 255, "volume_level": 1.0}
"""Attributes that are passed on in percent, with their values for 100 %."""


class FailureReason(StrEnum):
    """Reason why an entity did not execute a command."""

    SILENT = "silent"  # it did not respond
    UNWILLING = "unwilling"
    UNABLE = "unable"
    LOST = "lost"  # the result never arrived
    UNREACHED = "unreached"  # the command was not sent


class HomeAssistantActor(ServedActor):
    """Acts while `run` runs. Calls `on_home` with the home of Home Assistant after each change."""

    def __init__(
        self,
        settings: Settings,
        file_home: Home,
        on_home: Callable[[Home], None],
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        self._client = HomeAssistantClient(settings, file_home, on_home, timeouts)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await self._client.run()

    @property
    def reports_home(self) -> bool:
        return True

    @property
    def is_remote(self) -> bool:
        return True

    def set_home(self, file_home: Home) -> None:
        """Use the room policies and preferences of a changed home file."""
        self._client.set_home_file(file_home)

    def get_device_area(self, device: str) -> str | None:
        """Return the id of a device's area; None when it is not known."""
        return self._client.areas.get(device)

    @property
    def announcer(self) -> SatelliteAnnouncer:
        return self

    def satellites(self) -> Mapping[str, bool]:
        """Return the ids of Home Assistant's satellites that can be reached, and whether each is idle."""
        if self._client.problem is not None:
            return {}
        states = self._client.states.items()
        return {one: state.value == _IDLE for one, state in states if one.startswith(_SATELLITE) and state.is_available}

    async def announce(self, satellite: str, text: str) -> None:
        """Have a satellite say a text. A failure is logged."""
        try:
            await self._client.call_service(
                ServiceCall("assist_satellite", "announce", (satellite,), {"message": text})
            )
        except CommandTimeoutError:
            pass  # it is still being spoken
        except HomeAssistantError as err:
            _LOG.warning("announcement failed", satellite=satellite, reason=str(err))

    @property
    def problem(self) -> str | None:
        """The reason why it cannot act now, as a sentence; None when it can."""
        return responses.render(self._client.problem) if self._client.problem else None

    async def act(self, command: Command, now: datetime) -> Answer:
        """Answer a question or execute a command, once. Failures become part of the answer."""
        if command.targets and self._client.problem:
            return Answer(responses.render(self._client.problem, command.match.language), done=False)
        states = await self._get_entity_states(command)
        if (answer := queries.answer_query(states, command, now)) is not None:
            return answer
        command = todo_lists.with_listed_item(command, states)
        if command.targets and all(todo_lists.has_item(command, states[entity.id]) for entity in command.targets):
            return Answer(responses.render_already_listed(command))
        resolved = relative_values.resolve_steps(command, states)
        if command.targets and not resolved:
            return Answer(responses.render_off_already(command))
        return await self._execute(command, resolved)

    def states(self) -> Mapping[str, Mapping[str, object]]:
        """Return state and reported attributes of the exposed entities."""
        states = self._client.states
        exposed = {entity.id: states[entity.id] for entity in self._client.home.entities if entity.id in states}
        return StateAttributesView(exposed, _get_attributes)

    async def _get_entity_states(self, command: Command) -> dict[str, EntityState]:
        """Return the states of the command's targets."""
        wants_more = command.match.intent.startswith("HassGet") or todo_lists.names_item(command.match)
        more = await self._get_details(command) if wants_more else {}
        states = self._client.states
        return {
            entity.id: state_mapping.to_entity_state(entity.domain, states.get(entity.id), more.get(entity.id))
            for entity in command.targets
        }

    async def _get_details(self, command: Command) -> Mapping[str, Mapping[str, Any]]:
        """Return details that states lack, by entity: items of a list, the forecast. Failures leave them out."""
        found: dict[str, Mapping[str, Any]] = {}
        for domain, (service, data) in _DETAILS.items():
            if entities := tuple(entity.id for entity in command.targets if entity.domain == domain):
                with suppress(HomeAssistantError):
                    found |= await self._client.call_service(
                        ServiceCall(domain, service, entities, data), wants_response=True
                    )
        return found

    async def _execute(self, command: Command, resolved: Sequence[Command]) -> Answer:
        """Execute the resolved commands and answer the command."""
        targets = tuple(target for part in resolved for target in part.targets)
        made = tuple(
            call
            for part in resolved
            for call in services.create_calls(part.match, tuple(filter(self._is_available, part.targets)))
        )
        faults = {target.id: FailureReason.SILENT for target in targets} | {
            target.id: FailureReason.UNABLE for target in filter(self._is_available, targets)
        }
        for entity in (entity for call in made for entity in call.entities):
            del faults[entity]
        for outcome in await asyncio.gather(*map(self._call_service, made)):
            faults |= outcome
        match = responses.summarize_values(command.match, [part.match for part in resolved])
        return _create_answer(Command(match, targets), faults)

    def _is_available(self, entity: Entity) -> bool:
        state = self._client.states.get(entity.id)
        return state is not None and state.is_available

    async def _call_service(self, call: ServiceCall) -> dict[str, FailureReason]:
        """Call a service; return the failures by entity."""
        try:
            await self._client.call_service(call)
            await self._client.wait_until(lambda: not self._find_unchanged(call))
        except CommandRefusedError as err:
            is_unknown = err.reason in {"not_found", "not_supported"}
            return dict.fromkeys(call.entities, FailureReason.UNABLE if is_unknown else FailureReason.UNWILLING)
        except CommandTimeoutError:
            return dict.fromkeys(
                self._find_unchanged(call) if call.expected_states else call.entities, FailureReason.SILENT
            )
        except NoResultError:
            return dict.fromkeys(call.entities, FailureReason.LOST)
        except HomeAssistantError:
            return dict.fromkeys(call.entities, FailureReason.UNREACHED)
        return dict.fromkeys(self._find_unchanged(call), FailureReason.SILENT)

    def _find_unchanged(self, call: ServiceCall) -> tuple[str, ...]:
        """Return the entities that have not reached an expected state."""
        states = self._client.states
        return tuple(
            entity
            for entity in call.entities
            if call.expected_states and not _is_in_state(states.get(entity), call.expected_states)
        )


def _is_in_state(state: ReportedState | None, shows: frozenset[str]) -> bool:
    """Return whether an entity is in one of the states, or only assumes its state."""
    return state is not None and (state.value in shows or bool(state.attributes.get("assumed_state")))


def _get_attributes(state: ReportedState) -> dict[str, object]:
    telling = {key: value for key, value in state.attributes.items() if key in _REPORTED_ATTRIBUTES}
    percent = {key: round(100 * telling[key] / whole) for key, whole in _WHOLE.items() if _is_number(telling.get(key))}
    return {"state": state.value, **telling, **percent}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def load(settings: Settings, context: ActorContext) -> HomeAssistantActor:
    """Create the actor, not yet connected. Raises ConfigError without a token; a token file may appear later."""
    check_token(settings)
    return HomeAssistantActor(settings, context.home, context.on_home)


def _create_answer(command: Command, faults: Mapping[str, FailureReason]) -> Answer:
    worked = tuple(entity for entity in command.targets if entity.id not in faults)
    sentences = [responses.render_done(command, worked)] if worked else []
    for fault in FailureReason:
        if failed := [entity for entity in command.targets if faults.get(entity.id) is fault]:
            sentences.append(_create_failure(command, failed, fault))
    return Answer(" ".join(sentences) or responses.render("cannot", command.match.language), done=bool(worked))


def _create_failure(command: Command, failed: Sequence[Entity], fault: FailureReason) -> str:
    language = command.match.language
    match fault:
        case FailureReason.SILENT:
            return responses.render("did_not_answer", language, named=_name_entities(failed, language))
        case FailureReason.UNWILLING:
            return responses.render("did_not_accept", language, named=_name_entities(failed, language))
        case FailureReason.UNABLE:
            return responses.render_impossible(replace(command, targets=tuple(failed)))
        case FailureReason.LOST:
            return responses.render("lost", language, named=_name_entities(failed, language))
        case FailureReason.UNREACHED:
            return responses.render(ConnectionProblem.UNREACHABLE, language)
        case _:
            assert_never(fault)


def _name_entities(entities: Sequence[Entity], language: str) -> str:
    """List a few entities; count many."""
    if len(entities) <= MAX_NAMED:
        return responses.join_words([responses.add_article(entity.name, language) for entity in entities], language)
    domains = {entity.domain for entity in entities}
    kind = responses.name_class(domains.pop() if len(domains) == 1 else "other", (), language)
    return responses.render("some_of", language, number=len(entities), kind=kind)
