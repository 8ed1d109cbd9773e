"""Settings of the hub, and calls of parts that are not there yet."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.access import Caller
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie_hub.web.guard import NEEDS_ADMIN, Administrator
from wyoming_rosie_hub.web.house import House
from wyoming_rosie_hub.web.program_settings import HUB

_LOG = structlog.get_logger()
MAX_CHANGES = 64


class ConfigValueError(ApiRequestError):
    """A setting that cannot be so."""

    def __init__(self, text: str, key: str | None) -> None:
        super().__init__(text, "value", HTTPStatus.UNPROCESSABLE_ENTITY)
        self.key = key


def create_router(house: House) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/config", dependencies=[NEEDS_ADMIN])
    async def get_config() -> dict[str, Any]:
        """Return the hub's settings as `/config/hub` does, and the programs that are installed here."""
        return {**await read(HUB), "programs": list(house.programs())}

    @router.get("/config/{program}", dependencies=[NEEDS_ADMIN])
    async def get_program_config(program: str) -> dict[str, Any]:
        """Return a program's settings: value, default, type and meaning of each, and whether a change needs a restart.

        `value` is what the file, the environment or the default says; of a secret it is null.
        """
        return await read(program)

    @router.post("/config")
    async def change_config(changes: dict[str, Any], caller: Administrator) -> dict[str, Any]:
        """Change the hub's settings."""
        return await change(HUB, changes, caller)

    @router.post("/config/{program}")
    async def change_program_config(program: str, changes: dict[str, Any], caller: Administrator) -> dict[str, Any]:
        """Change settings by key, such as {"end_of_speech.complete_ms": 400}; null is the default.

        The answer lists the keys that hold now, those that need a restart, and those that a flag overrides.
        """
        return await change(program, changes, caller)

    async def read(program: str) -> dict[str, Any]:
        try:
            return asdict(await house.read_config(program))
        except ConfigError as err:
            raise ApiRequestError(str(err), "config", HTTPStatus.CONFLICT) from err

    async def change(program: str, changes: dict[str, Any], caller: Caller) -> dict[str, Any]:
        if not 0 < len(changes) <= MAX_CHANGES:
            raise ConfigValueError(f"send 1 to {MAX_CHANGES} settings by their keys", None)
        try:
            made = await house.change_config(program, changes)
        except ConfigError as err:
            raise ConfigValueError(str(err), find_key(str(err), changes)) from err
        _LOG.info("audit", action="settings changed", caller=caller.name, program=program, keys=sorted(changes))
        return asdict(made)

    return router


def find_key(problem: str, changes: dict[str, Any]) -> str | None:
    """Return which of the changes a problem is about."""
    normalized = problem.replace("-", "_")
    named = (key for key in changes if key in normalized or key.rpartition(".")[2] in normalized)
    return next(named, next(iter(changes)) if len(changes) == 1 else None)
