"""Plugin for Mattermost: messages and mentions by voice; channels that ask the house, and are spoken in a room."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie_intent.integrations.mattermost.channels import ChannelDialogue, ChannelListener
from wyoming_rosie_intent.integrations.mattermost.client import ChatChannel, IncomingWebhook, MattermostClient
from wyoming_rosie_intent.integrations.mattermost.commands import SERVICE, ChatAccount, ChatCommands
from wyoming_rosie_intent.integrations.mattermost.hub import HubClient
from wyoming_rosie_intent.integrations.mattermost.posts import DIRECT, ChannelPolicy, neutralize
from wyoming_rosie_intent.integrations.mattermost.webhooks import ChatCommand, WebhookServer
from wyoming_rosie_intent.integrations.mattermost.websocket import MattermostSocket
from wyoming_rosie_intent.plugins import (
    CommandContext,
    MultilingualPlugin,
    PluginResult,
    PluginTool,
    ToolParameter,
)
from wyoming_rosie_intent.plugins.accounts import (
    PersonAccounts,
    list_account_settings,
    parse_limits,
    parse_token_account,
)
from wyoming_rosie_intent.plugins.failures import log_failure
from wyoming_rosie_intent.plugins.http_client import HttpClient, HttpError, HttpLimits
from wyoming_rosie_intent.plugins.service_url import check_url

_LOG = structlog.get_logger()
TOOLS = (
    PluginTool(
        "SendMessage",
        "Sends a chat message to a person or a channel",
        {
            "recipient": ToolParameter("the name of the person or channel", is_required=True),
            "text": ToolParameter("the message", is_required=True),
        },
        changes=True,
    ),
    PluginTool("ReadMentions", "Reads the chat messages in which the person is mentioned and which are unread"),
)


class Mattermost(MultilingualPlugin):
    """Settings: `url`, `token`, `persons`, and for channels `hub`, `channels`, `direct`, `listen`, `commands`."""

    name = SERVICE
    version = "1.0.0"
    is_private = True
    languages = Path(__file__).with_name("languages")
    tools = TOOLS

    def __init__(self) -> None:
        super().__init__()
        self._commands = ChatCommands(self.texts)
        self._limits = HttpLimits()
        self._accounts: PersonAccounts[ChatAccount] = PersonAccounts()
        self._hub: HubClient | None = None
        self._dialogue: ChannelDialogue | None = None
        self._socket: MattermostSocket | None = None
        self._listening: asyncio.Task[None] | None = None
        self._webhooks: WebhookServer | None = None
        self._replies: HttpClient | None = None
        self._language = "en"

    async def initialize(self, config: Mapping[str, Any]) -> None:
        await self.close()
        try:
            self._limits = parse_limits(config)
            webhooks = _create_webhooks(config)
            self._commands = ChatCommands(self.texts, webhooks, self._limits)
            self._accounts = _create_accounts(config, needs_token=not webhooks)
            await asyncio.gather(*(account.client.connect() for account in self._accounts))
            if "hub" in config:
                await self._open_channels(config)
        except (RosieError, asyncio.CancelledError):
            await self.close()
            raise

    async def get_status(self) -> Mapping[str, Any]:
        problem = self._socket.problem if self._socket is not None else None
        return {"healthy": problem is None, "message": problem}

    async def execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        find = self._accounts.find_own if intent == "ReadMentions" else self._accounts.find
        return await self._commands.execute(intent, entities, context, find(context.person))

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        closing = [self._webhooks, self._hub, self._replies, *(one.client for one in self._accounts)]
        self._listening = self._webhooks = self._hub = self._replies = self._socket = None
        self._accounts = PersonAccounts()
        await asyncio.gather(*(one.close() for one in closing if one is not None))

    @property
    def _bot(self) -> MattermostClient:
        assert self._accounts.household is not None, "channels are open only with a bot"
        return self._accounts.household.client

    async def _open_channels(self, config: Mapping[str, Any]) -> None:
        """Listen to the channels that have settings, and to slash commands."""
        if self._accounts.household is None:
            raise ConfigError('channels need the token of a bot: token = { secret_file = "PATH" }')
        self._hub = HubClient(config["hub"])
        policies = {name: ChannelPolicy.parse(name, table) for name, table in config.get("channels", {}).items()}
        direct = ChannelPolicy.parse("direct", config.get("direct", {}))
        self._dialogue = ChannelDialogue(self._hub, self.texts, policies, direct)
        self._socket = MattermostSocket(str(config["url"]), self._bot, self._follows)
        listener = ChannelListener(self._dialogue, self._bot, lambda: datetime.now().astimezone())
        self._listening = asyncio.create_task(listener.run(self._socket.posts()))
        self._listening.add_done_callback(_log_end)
        if "listen" in config:
            await self._open_webhooks(config)

    def _follows(self, channel: ChatChannel) -> bool:
        assert self._dialogue is not None
        policy = self._dialogue.find_policy(channel)
        return policy.asks or policy.announces

    async def _open_webhooks(self, config: Mapping[str, Any]) -> None:
        tokens = [token for token in config.get("commands", {}).values() if isinstance(token, str) and token.strip()]
        self._replies = HttpClient(str(config["url"]), limits=self._limits)
        self._language = str(config.get("language", "en"))
        self._webhooks = WebhookServer(
            str(config["listen"]),
            [token.strip() for token in tokens],
            self._answer_command,
            self._send_late,
            promise=self.texts.render("later", self._language),
            refusal=self.texts.render("no_hub", self._language),
        )
        await self._webhooks.start()

    async def _answer_command(self, command: ChatCommand) -> str:
        assert self._dialogue is not None
        try:
            channel = (await self._bot.get_directory()).channels.get(command.channel_id)
        except HttpError as err:
            log_failure(SERVICE, "command", err)
            return self.texts.render("no_hub", self._language)
        is_direct = channel is None and self._bot.me.id in command.channel_name.split("__")  # the ids of both users
        known = channel or (ChatChannel(command.channel_id, "", type=DIRECT) if is_direct else None)
        policy = self._dialogue.find_policy(known)
        return (await self._dialogue.ask(command.text, command.channel_id, command.user_id, policy)).text

    async def _send_late(self, command: ChatCommand, text: str) -> None:
        """Send the answer to a command that could not wait for it; only to this Mattermost."""
        if command.response_url:
            assert self._replies is not None
            body = {"response_type": "ephemeral", "text": neutralize(text)}
            await self._replies.request("POST", command.response_url, body=body)
        else:
            await self._bot.post(command.channel_id, text, command.post_id)


def _create_webhooks(config: Mapping[str, Any]) -> list[IncomingWebhook]:
    """Create the incoming webhooks, by the names that people say. Raises ConfigError for a wrong address."""
    addresses = {name: str(url).strip() for name, url in config.get("webhooks", {}).items()}
    for url in addresses.values():
        check_url(url, has_secret=True)
    return [IncomingWebhook(name, url) for name, url in addresses.items()]


def _create_accounts(config: Mapping[str, Any], *, needs_token: bool) -> PersonAccounts[ChatAccount]:
    """Create the account of each person, and that of the bot, which is the household's. Raises ConfigError."""
    found = list_account_settings(config, "token")
    if not found and needs_token:
        raise ConfigError('Mattermost needs url = "https://HOST" and token = { secret_file = "PATH" }')
    accounts = {person: parse_token_account(SERVICE, settings) for person, settings in found.items()}
    return PersonAccounts(
        {
            person: ChatAccount(MattermostClient(one.url, one.token, one.limits), is_own=bool(person))
            for person, one in accounts.items()
        }
    )


def _log_end(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOG.error("channels are no longer read", reason=type(error).__name__)
