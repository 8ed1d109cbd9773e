"""Home Assistant acts: intents become its services, and questions are answered from what it reports."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie.runtime.secrets import read_secret_file, read_secret_variable
from wyoming_rosie_intent.actors.home_assistant import seen, services
from wyoming_rosie_intent.actors.home_assistant.errors import HomeAssistantError, LostError, RefusedError, SilentError
from wyoming_rosie_intent.actors.home_assistant.link import PATIENCE, Link, Patience, Problem
from wyoming_rosie_intent.actors.home_assistant.services import Call
from wyoming_rosie_intent.actors.home_assistant.states import State
from wyoming_rosie_intent.engine import Answer, Command
from wyoming_rosie_intent.entity_states import Thing
from wyoming_rosie_intent.responses import queries, responses
from wyoming_rosie_intent.rules import todo_lists
from wyoming_rosie_intent.state_view import States

MOST_NAMED = 4
_DETAILS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "todo": ("get_items", {"status": ["needs_action"]}),
    "weather": ("get_forecasts", {"type": "daily"}),
}
"""The service that tells more than the state, by domain."""
_TELLING = frozenset({
    "brightness", "color_temp_kelvin", "current_humidity", "current_position", "current_temperature", "device_class", "fan_mode",
    "hs_color", "humidity", "hvac_action", "is_volume_muted", "media_artist", "media_title", "percentage", "preset_mode", "source",
    "target_temp_high", "target_temp_low", "temperature", "unit_of_measurement", "volume_level",
})  # fmt: skip
"""Others are nobody's business: where somebody is, the key to a camera's picture."""
_WHOLE: Mapping[str, float] = {"brightness": 255, "volume_level": 1.0}
"""What is told in percent, and how much is all of it."""
TOKEN_VARIABLE = "HOME_ASSISTANT_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class Settings:
    url: str = option("http://homeassistant.local:8123", "where Home Assistant answers")
    token_file: Path | None = option(None, f"file with a long-lived access token; without one, {TOKEN_VARIABLE} has it")


class Fault(StrEnum):
    """Why a thing did not do what it was told."""

    SILENT = "silent"  # it did not answer
    UNWILLING = "unwilling"
    UNABLE = "unable"
    LOST = "lost"  # nobody knows whether it did
    UNREACHED = "unreached"  # nothing was asked of it


class HomeAssistantActor:
    """Acts as long as `run` runs. `on_home` gets the home whenever Home Assistant's is another than before."""

    def __init__(
        self, settings: Settings, own: Home, on_home: Callable[[Home], None], patience: Patience = PATIENCE
    ) -> None:
        self._link = Link(settings.url, lambda: token(settings), own, on_home, patience)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await self._link.run()

    def use(self, own: Home) -> None:
        """Take the rules for rooms and the preferences from this home from now on."""
        self._link.use(own)

    def area_of(self, device: str) -> str | None:
        """Return the id of the area that a device is in, as far as Home Assistant has told."""
        return self._link.areas.get(device)

    @property
    def problem(self) -> str | None:
        """What keeps it from acting, as a sentence; None when all is well."""
        return responses.say(self._link.problem) if self._link.problem else None

    async def act(self, command: Command, now: datetime) -> Answer:
        """Answer a question or carry out a command, once. What goes wrong is said in the answer."""
        if command.targets and self._link.problem:
            return Answer(responses.say(self._link.problem, command.match.language), done=False)
        house = await self._house(command)
        if (answer := queries.answer(house, command, now)) is not None:
            return answer
        if command.targets and all(todo_lists.is_there_already(command, house[one.id]) for one in command.targets):
            return Answer(responses.already_there(command))
        return await self._carry_out(command)

    def states(self) -> Mapping[str, Mapping[str, object]]:
        """Return the states of what is exposed, and of their attributes those that say how a thing is."""
        states = self._link.states
        exposed = {one.id: states[one.id] for one in self._link.home.entities if one.id in states}
        return States(exposed, _told)

    async def _house(self, command: Command) -> dict[str, Thing]:
        """Return how the things are that the command is about."""
        wants_more = command.match.intent.startswith("HassGet") or todo_lists.adds(command.match)
        more = await self._details(command) if wants_more else {}
        states = self._link.states
        return {one.id: seen.thing(one.domain, states.get(one.id), more.get(one.id)) for one in command.targets}

    async def _details(self, command: Command) -> Mapping[str, Mapping[str, Any]]:
        """Return what states do not tell, by entity: a list's items, the weather to come; nothing if nobody says."""
        found: dict[str, Mapping[str, Any]] = {}
        for domain, (service, data) in _DETAILS.items():
            if entities := tuple(one.id for one in command.targets if one.domain == domain):
                with suppress(HomeAssistantError):
                    found |= await self._link.call(Call(domain, service, entities, data), wants_response=True)
        return found

    async def _carry_out(self, command: Command) -> Answer:
        states = self._link.states
        there = tuple(one for one in command.targets if one.id in states and states[one.id].is_known)
        made = services.calls(command.match, there, states)
        faults = {one.id: Fault.SILENT for one in command.targets} | {one.id: Fault.UNABLE for one in there}
        for entity in (entity for call in made for entity in call.entities):
            del faults[entity]
        for outcome in await asyncio.gather(*map(self._call, made)):
            faults |= outcome
        return _answer(command, faults)

    async def _call(self, call: Call) -> dict[str, Fault]:
        """Call a service; return what went wrong, by entity."""
        try:
            await self._link.call(call)
            await self._link.until(lambda: not self._unseen(call))
        except RefusedError as err:
            is_unknown = err.reason in {"not_found", "not_supported"}
            return dict.fromkeys(call.entities, Fault.UNABLE if is_unknown else Fault.UNWILLING)
        except SilentError:
            return dict.fromkeys(self._unseen(call) if call.shows else call.entities, Fault.SILENT)
        except LostError:
            return dict.fromkeys(call.entities, Fault.LOST)
        except HomeAssistantError:
            return dict.fromkeys(call.entities, Fault.UNREACHED)
        return dict.fromkeys(self._unseen(call), Fault.SILENT)

    def _unseen(self, call: Call) -> tuple[str, ...]:
        """Return the entities that do not show the call's work, of those that would."""
        states = self._link.states
        return tuple(entity for entity in call.entities if call.shows and not _shows(states.get(entity), call.shows))


def _shows(state: State | None, shows: frozenset[str]) -> bool:
    """Tell whether a thing is in one of the states, as far as it can tell."""
    return state is not None and (state.value in shows or bool(state.attributes.get("assumed_state")))


def _told(state: State) -> dict[str, object]:
    telling = {key: value for key, value in state.attributes.items() if key in _TELLING}
    percent = {key: round(100 * telling[key] / whole) for key, whole in _WHOLE.items() if _is_number(telling.get(key))}
    return {"state": state.value, **telling, **percent}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def token(settings: Settings) -> str:
    """Return the token, from its file or the environment. Raises ConfigError."""
    if settings.token_file is not None:
        return read_secret_file(settings.token_file, "--home-assistant.token-file")
    if (found := read_secret_variable(TOKEN_VARIABLE)) is not None:
        return found
    raise ConfigError(f"Home Assistant needs a token: set {TOKEN_VARIABLE} or --home-assistant.token-file")


def _answer(command: Command, faults: Mapping[str, Fault]) -> Answer:
    worked = tuple(one for one in command.targets if one.id not in faults)
    said = [responses.done(command, worked)] if worked else []
    for fault in Fault:
        if failed := [one for one in command.targets if faults.get(one.id) is fault]:
            said.append(_failed(command, failed, fault))
    return Answer(" ".join(said) or responses.say("cannot", command.match.language), done=bool(worked))


def _failed(command: Command, failed: Sequence[Entity], fault: Fault) -> str:
    language = command.match.language
    match fault:
        case Fault.SILENT:
            return responses.say("did_not_answer", language, named=_named(failed, language))
        case Fault.UNWILLING:
            return responses.say("did_not_accept", language, named=_named(failed, language))
        case Fault.UNABLE:
            return responses.impossible(replace(command, targets=tuple(failed)))
        case Fault.LOST:
            return responses.say("lost", language, named=_named(failed, language))
        case Fault.UNREACHED:
            return responses.say(Problem.UNREACHABLE, language)
        case _:
            assert_never(fault)


def _named(things: Sequence[Entity], language: str) -> str:
    """Name a few things; count many."""
    if len(things) <= MOST_NAMED:
        return responses.listed([responses.the(one.name, language) for one in things], language)
    domains = {one.domain for one in things}
    kind = responses.kind_of_things(domains.pop() if len(domains) == 1 else "other", (), language)
    return responses.say("some_of", language, number=len(things), kind=kind)
