"""Plugin for Monica: who somebody is, birthdays, the last contact, and notes, calls and reminders after a yes."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie_intent.integrations.monica.client import MonicaClient, create_limits
from wyoming_rosie_intent.integrations.monica.commands import MonicaCommands
from wyoming_rosie_intent.plugins import (
    CommandContext,
    IntegrationPlugin,
    ParameterType,
    PluginResult,
    PluginTool,
    ToolParameter,
    person_settings,
)
from wyoming_rosie_intent.plugins.plugin import Sentences, Values
from wyoming_rosie_intent.plugins.texts import PluginTexts

LANGUAGES = Path(__file__).with_name("languages")
CONTACT = ToolParameter("the name of the person", is_required=True)
TOOLS = (
    PluginTool("WhoIs", "Tells who somebody is, from the address book of the household", {"contact": CONTACT}),
    PluginTool("Birthday", "Tells when somebody's birthday is", {"contact": CONTACT}),
    PluginTool("NextBirthdays", "Tells the next birthdays", {"date": ToolParameter("that day", ParameterType.DATE)}),
    PluginTool("LastTalk", "Tells when the household last talked to somebody", {"contact": CONTACT}),
    PluginTool(
        "Remind",
        "Reminds of something about a person on a day; without a day it is a task",
        {
            "contact": CONTACT,
            "title": ToolParameter("what is to be done", is_required=True),
            "date": ToolParameter("the day", ParameterType.DATE),
        },
        changes=True,
    ),
    PluginTool(
        "AddNote",
        "Writes a note about a person",
        {"contact": CONTACT, "text": ToolParameter("the note", is_required=True)},
        changes=True,
    ),
    PluginTool(
        "AddCall",
        "Writes down that somebody of the household talked to a person",
        {
            "contact": CONTACT,
            "date": ToolParameter("the day, today by default", ParameterType.DATE),
            "text": ToolParameter("what it was about"),
        },
        changes=True,
    ),
)


class Monica(IntegrationPlugin):
    """Settings: `url` and `token`, also of each person; what belongs to a person is for that person only."""

    name = "Monica"
    version = "1.0.0"
    is_private = True

    def __init__(self) -> None:
        self._texts = PluginTexts(LANGUAGES)
        self._commands = MonicaCommands(self._texts)
        self._clients: dict[str, MonicaClient] = {}

    async def initialize(self, config: Mapping[str, Any]) -> None:
        await self.close()
        self._clients = _create_clients(config)
        try:
            await asyncio.gather(*(client.check() for client in self._clients.values()))
        except RosieError:
            await self.close()
            raise

    async def get_status(self) -> Mapping[str, Any]:
        problem = next((client.problem for client in self._clients.values() if client.problem), None)
        return {"healthy": problem is None, "message": problem}

    def get_intents(self) -> Mapping[str, Sentences]:
        return self._texts.get_intents()

    def get_lists(self) -> Mapping[str, Mapping[str, Values]]:
        return self._texts.get_lists()

    def get_tools(self) -> Sequence[PluginTool]:
        return TOOLS

    async def execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        person = (context.person or "").casefold()
        client = self._clients.get(person) or self._clients.get("")
        return await self._commands.execute(intent, entities, context, client)

    async def close(self) -> None:
        clients, self._clients = self._clients, {}
        await asyncio.gather(*(client.close() for client in clients.values()))


def _create_clients(config: Mapping[str, Any]) -> dict[str, MonicaClient]:
    """Create the client of each account, by person; the name of the household's is empty. Raises ConfigError."""
    shared = person_settings(config, None)
    tables = {"": shared} | {name.casefold(): {**shared, **own} for name, own in _own_accounts(config)}
    accounts = {name: table for name, table in tables.items() if "token" in table}
    if not accounts:
        raise ConfigError('Monica needs a token: token = { secret_file = "PATH" }, or one for each of the persons')
    return {name: _create_client(table) for name, table in accounts.items()}


def _own_accounts(config: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, table) for name, table in config.get("persons", {}).items() if "token" in table]


def _create_client(settings: Mapping[str, Any]) -> MonicaClient:
    url, token, seconds = settings.get("url"), settings["token"], settings.get("seconds", 20.0)
    if not isinstance(url, str) or not isinstance(token, str) or not token.strip():
        raise ConfigError('Monica needs url = "https://HOST" and token = { secret_file = "PATH" }')
    if not isinstance(seconds, int | float) or not seconds > 0:
        raise ConfigError("seconds: write how long a request may take, such as 20")
    return MonicaClient(url, token.strip(), create_limits(float(seconds)))
