"""Plugin for Monica: who somebody is, birthdays, the last contact, and notes, calls and reminders after a yes."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie_intent.integrations.monica.client import MonicaClient
from wyoming_rosie_intent.integrations.monica.commands import MonicaCommands
from wyoming_rosie_intent.plugins import (
    CommandContext,
    HouseReminder,
    MultilingualPlugin,
    ParameterType,
    PluginResult,
    PluginTool,
    ToolParameter,
)
from wyoming_rosie_intent.plugins.accounts import PersonAccounts, list_account_settings, parse_token_account

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


class Monica(MultilingualPlugin):
    """Settings: `url` and `token`, also of each person; what belongs to a person is for that person only."""

    name = "Monica"
    version = "1.0.0"
    is_private = True
    languages = Path(__file__).with_name("languages")
    tools = TOOLS

    def __init__(self) -> None:
        super().__init__()
        self._commands = MonicaCommands(self.texts)
        self._clients: PersonAccounts[MonicaClient] = PersonAccounts()

    async def initialize(self, config: Mapping[str, Any]) -> None:
        await self.close()
        self._clients = _create_clients(config)
        try:
            await asyncio.gather(*(client.check() for client in self._clients))
        except RosieError:
            await self.close()
            raise

    async def get_status(self) -> Mapping[str, Any]:
        problem = next((client.problem for client in self._clients if client.problem), None)
        return {"healthy": problem is None, "message": problem}

    async def execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        return await self._commands.execute(intent, entities, context, self._clients.find(context.person))

    async def follow_reminder(self, reminder: HouseReminder, context: CommandContext) -> str:
        return await self._commands.follow_reminder(reminder, context, self._clients.find(context.person))

    async def close(self) -> None:
        clients, self._clients = self._clients, PersonAccounts()
        await asyncio.gather(*(client.close() for client in clients))


def _create_clients(config: Mapping[str, Any]) -> PersonAccounts[MonicaClient]:
    """Create the client of each account. Raises ConfigError."""
    accounts = {
        person: parse_token_account("Monica", settings)
        for person, settings in list_account_settings(config, "token").items()
    }
    if not accounts:
        raise ConfigError('Monica needs a token: token = { secret_file = "PATH" }, or one for each of the persons')
    return PersonAccounts({person: MonicaClient(one.url, one.token, one.limits) for person, one in accounts.items()})
