"""Home Assistant as a plugin: the same actor, for programs that call plugins by intent."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from wyoming_rosie.home.home_assistant.client import Settings, read_token
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.home_assistant import HomeAssistantActor
from wyoming_rosie_intent.engine import AreaScope, Match
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.policy import Policy
from wyoming_rosie_intent.plugins.plugin import IntegrationPlugin
from wyoming_rosie_intent.responses import responses

_INTENTS = (
    "HassTurnOn", "HassTurnOff", "HassGetState", "HassLightSet", "HassSetPosition", "HassFanSetSpeed",
    "HassClimateSetTemperature", "HassClimateGetTemperature", "HassMediaPause", "HassMediaUnpause", "HassSetVolume",
    "HassListAddItem", "HassListCompleteItem", "HassVacuumStart", "HassVacuumReturnToBase", "HassGetWeather",
)  # fmt: skip
_READY_SECONDS = 5.0


class HomeAssistantPlugin(IntegrationPlugin):
    """Settings: `url` and `token_file`. Commands that need a confirmation are not executed."""

    name = "Home Assistant"
    version = "1"

    def __init__(self) -> None:
        self._executor: ActionExecutor | None = None
        self._actor: HomeAssistantActor | None = None
        self._run_task: asyncio.Task[None] | None = None
        self._has_home = asyncio.Event()

    async def initialize(self, config: Mapping[str, Any]) -> None:
        await self.close()
        file = config.get("token_file")
        settings = Settings(str(config.get("url", Settings().url)), Path(file) if file else None)
        await asyncio.to_thread(read_token, settings)
        await asyncio.to_thread(responses.prepare, "en")
        actor = self._actor = HomeAssistantActor(settings, Home(), self._set_home)
        self._executor = ActionExecutor(Home(), actor, Policy())
        self._run_task = asyncio.create_task(actor.run())
        with suppress(TimeoutError):  # it keeps trying, as its status reports
            await asyncio.wait_for(self._has_home.wait(), _READY_SECONDS)

    async def handle_command(self, intent: str, entities: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self._executor is not None
        slots = {key: value for key, value in entities.items() if key != "domain"}
        area_scope = AreaScope.NAMED if "area" in slots else AreaScope.ANYWHERE
        plan = self._executor.plan([Match(intent, slots, domain=entities.get("domain"), area_scope=area_scope)], None)
        answer = await self._executor.execute(plan.commands, datetime.now().astimezone())
        messages = [
            answer.text,
            *plan.error_messages,
            *([responses.render_question(plan.needs_confirmation)] if plan.needs_confirmation else []),
        ]
        return {"success": answer.done, "message": " ".join(filter(None, messages))}

    async def get_status(self) -> Mapping[str, Any]:
        problem = self._actor.problem if self._actor else "Home Assistant is not set up."
        return {"healthy": problem is None, "message": problem}

    def get_intents(self) -> Sequence[str]:
        return _INTENTS

    async def close(self) -> None:
        if self._run_task is not None:
            self._run_task.cancel()
            await asyncio.gather(self._run_task, return_exceptions=True)

    def _set_home(self, home: Home) -> None:
        assert self._executor is not None
        self._executor.home = home
        self._has_home.set()
