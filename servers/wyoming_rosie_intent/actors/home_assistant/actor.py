"""Home Assistant acts: intents become its services, and questions are answered from what it reports."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import Entity, Home
from wyoming_rosie_intent import answers, questions
from wyoming_rosie_intent.actors.home_assistant import seen, services
from wyoming_rosie_intent.actors.home_assistant.errors import HomeAssistantError, LostError, RefusedError, SilentError
from wyoming_rosie_intent.actors.home_assistant.link import PATIENCE, UNREACHABLE, Link, Patience
from wyoming_rosie_intent.actors.home_assistant.services import Call
from wyoming_rosie_intent.engine import Answer, Command
from wyoming_rosie_intent.things import Thing

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

    @property
    def problem(self) -> str | None:
        """What keeps it from acting, as a sentence; None when all is well."""
        return self._link.problem

    async def act(self, command: Command, now: datetime) -> Answer:
        """Answer a question or carry out a command, once. What goes wrong is said in the answer."""
        if command.targets and self._link.problem:
            return Answer(self._link.problem, done=False)
        house = await self._house(command)
        if (answer := questions.answer(house, command, now)) is not None:
            return answer
        return await self._carry_out(command)

    def states(self) -> Mapping[str, Mapping[str, object]]:
        return {entity: {**state.attributes, "state": state.value} for entity, state in self._link.states.items()}

    async def _house(self, command: Command) -> dict[str, Thing]:
        """Return how the things are that the command is about."""
        is_question = command.match.intent.startswith("HassGet")
        lists = [one.id for one in command.targets if is_question and one.domain == "todo"]
        items = await self._items(lists) if lists else {}
        states = self._link.states
        return {one.id: seen.thing(one.domain, states.get(one.id), items.get(one.id, ())) for one in command.targets}

    async def _items(self, lists: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return what is still to be done or bought; a list that does not say has nothing."""
        asked = Call("todo", "get_items", tuple(lists), {"status": ["needs_action"]})
        try:
            response = await self._link.call(asked, wants_response=True)
        except HomeAssistantError:
            return {}
        return {name: tuple(str(one.get("summary", "")) for one in of["items"]) for name, of in response.items()}

    async def _carry_out(self, command: Command) -> Answer:
        states = self._link.states
        there = tuple(one for one in command.targets if one.id in states and states[one.id].is_known)
        made = services.calls(command.match, there, states)
        faults = {one.id: Fault.SILENT if one not in there else Fault.UNABLE for one in command.targets}
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
        there = [entity for entity in call.entities if entity in states]
        showing = [entity for entity in there if call.shows and not states[entity].attributes.get("assumed_state")]
        return tuple(entity for entity in showing if states[entity].value not in call.shows)


def token(settings: Settings) -> str:
    """Return the token, from its file or the environment. Raises ConfigError."""
    if settings.token_file is None:
        if given := os.environ.get(TOKEN_VARIABLE, "").strip():
            return given
        raise ConfigError(f"Home Assistant needs a token: set {TOKEN_VARIABLE} or --home-assistant.token-file")
    try:
        return settings.token_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"cannot read the token file {settings.token_file}: {err}") from err


def _answer(command: Command, faults: Mapping[str, Fault]) -> Answer:
    worked = tuple(one for one in command.targets if one.id not in faults)
    said = [answers.done(command, worked)] if worked else []
    for fault in Fault:
        if failed := [one for one in command.targets if faults.get(one.id) is fault]:
            said.append(_failed(command, failed, fault))
    return Answer(" ".join(said) or answers.CANNOT, done=bool(worked))


def _failed(command: Command, failed: Sequence[Entity], fault: Fault) -> str:
    named = answers.listed([answers.the(one.name) for one in failed])
    match fault:
        case Fault.SILENT:
            return f"Sorry, {named} did not answer."
        case Fault.UNWILLING:
            return f"Sorry, {named} did not accept that."
        case Fault.UNABLE:
            return answers.impossible(replace(command, targets=tuple(failed)))
        case Fault.LOST:
            return f"I lost the connection to Home Assistant, and do not know whether {named} heard it."
        case Fault.UNREACHED:
            return UNREACHABLE
        case _:
            assert_never(fault)
