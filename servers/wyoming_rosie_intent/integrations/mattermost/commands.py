"""Commands by voice: messages to persons and channels after a yes, and unread mentions read aloud."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_rosie_intent.integrations.mattermost.client import (
    ChatUser,
    Directory,
    IncomingWebhook,
    MattermostClient,
    Recipient,
)
from wyoming_rosie_intent.integrations.mattermost.posts import Post, end_sentence, to_speech
from wyoming_rosie_intent.plugins import CommandContext, PluginResult
from wyoming_rosie_intent.plugins.failures import log_failure
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure, HttpLimits
from wyoming_rosie_intent.plugins.names import SpokenNames
from wyoming_rosie_intent.plugins.texts import PluginTexts

SERVICE = "Mattermost"
MAX_MESSAGE_CHARACTERS = 2000
MAX_CHOICES = 5
MAX_READ = 5
"""Mentions that are read in one answer."""
_MAX_KEPT = 512
_FAILURES = {
    HttpFailure.UNAUTHORIZED: "sign_in",
    HttpFailure.FORBIDDEN: "not_allowed",
    HttpFailure.TIMEOUT: "too_slow",
    HttpFailure.BUSY: "too_slow",
}


@dataclass(frozen=True)
class ChatAccount:
    """Who speaks in Mattermost; the bot says for whom."""

    client: MattermostClient
    is_own: bool = False  # the person's, not the bot's


class ChatCommands:
    """Executes the intents. A message is sent once, however often it is confirmed, and a mention read once."""

    def __init__(
        self, texts: PluginTexts, webhooks: Sequence[IncomingWebhook] = (), limits: HttpLimits | None = None
    ) -> None:
        self._texts = texts
        self._limits = limits or HttpLimits()
        self._webhooks: SpokenNames[Recipient] = SpokenNames((one.name, one) for one in webhooks)
        self._sent: OrderedDict[str, None] = OrderedDict()  # keys of commands
        self._read: OrderedDict[str, None] = OrderedDict()  # ids of posts

    async def execute(
        self, intent: str, entities: Mapping[str, Any], context: CommandContext, account: ChatAccount | None
    ) -> PluginResult:
        """Return the answer or the question of a command."""
        try:
            if intent == "ReadMentions":
                return await self._read_mentions(account, context)
            return await self._send_message(entities, context, account)
        except HttpError as err:
            log_failure(SERVICE, intent, err)
            return self._fail(_FAILURES.get(err.failure, "unreachable"), context)

    async def _send_message(
        self, entities: Mapping[str, Any], context: CommandContext, account: ChatAccount | None
    ) -> PluginResult:
        recipients, text = self._split(entities, context, self._webhooks)
        if not recipients:
            if account is None:
                return self._fail("no_account", context)
            recipients, text = self._find_recipients(entities, context, await account.client.get_directory())
        if not recipients:
            name = str(entities.get("recipient", ""))[:100]
            return PluginResult(self._texts.render("nobody", context.language, name=name), False, declines=True)
        if len(recipients) > MAX_CHOICES:
            return self._fail("too_many", context)
        if len(recipients) > 1:
            options = {_describe(one, recipients): {"recipient_id": one.id} for one in recipients}
            question = self._texts.render("which", context.language, names=list(options))
            return PluginResult(question=question, options=options)
        if not text:
            return self._fail("no_text", context)
        return await self._send(recipients[0], text, context, account)

    async def _send(
        self, recipient: Recipient, text: str, context: CommandContext, account: ChatAccount | None
    ) -> PluginResult:
        values = {"name": _name(recipient), "is_channel": not isinstance(recipient, ChatUser), "text": text}
        if not context.is_confirmed:
            question = self._texts.render("ask_send", context.language, **values)
            return PluginResult(question=question, entities={"recipient_id": recipient.id})
        if context.key not in self._sent:
            await self._post(recipient, text, context, account)
            _keep(self._sent, context.key)
        return PluginResult(self._texts.render("sent", context.language, **values))

    async def _post(
        self, recipient: Recipient, text: str, context: CommandContext, account: ChatAccount | None
    ) -> None:
        if isinstance(recipient, IncomingWebhook):
            await recipient.post(self._sign(text, context, None), self._limits)
            return
        assert account is not None
        client = account.client
        channel_id = await client.open_direct_channel(recipient) if isinstance(recipient, ChatUser) else recipient.id
        await client.post(channel_id, self._sign(text, context, account), key=context.key)

    def _sign(self, text: str, context: CommandContext, account: ChatAccount | None) -> str:
        """Return a message with the name of the person for whom it is written, unless by that person's account."""
        if (account is not None and account.is_own) or not context.person:
            return text
        return self._texts.render("signed", context.language, name=context.person, text=text)

    def _find_recipients(
        self, entities: Mapping[str, Any], context: CommandContext, directory: Directory
    ) -> tuple[tuple[Recipient, ...], str]:
        """Return who is meant, and the message, which may follow the name."""
        items, text = self._split(entities, context, directory.names)
        known: Mapping[str, Recipient] = {**directory.users, **directory.channels}
        chosen = known.get(str(entities.get("recipient_id")))
        if chosen is not None:
            return (chosen,), text
        is_channel = entities.get("kind") == "channel"
        return tuple(one for one in items if not is_channel or not isinstance(one, ChatUser)), text

    def _split(
        self, entities: Mapping[str, Any], context: CommandContext, names: SpokenNames[Recipient]
    ) -> tuple[tuple[Recipient, ...], str]:
        """Return those whose name a command begins with, and the message."""
        name, text = (str(entities.get(key) or "").strip()[:MAX_MESSAGE_CHARACTERS] for key in ("recipient", "text"))
        if text:
            return names.find(name).items, self._remove_connector(text, context)
        found, text = names.find_first(name)
        return found.items, self._remove_connector(text, context)

    def _remove_connector(self, text: str, context: CommandContext) -> str:
        first, _, rest = text.partition(" ")
        connectors = self._texts.get_value("connectors", context.language) or ()
        return rest.strip() if first.casefold().rstrip(",:") in connectors else text

    async def _read_mentions(self, account: ChatAccount | None, context: CommandContext) -> PluginResult:
        if account is None:
            return self._fail("no_account", context)
        posts = [post for post in await account.client.fetch_mentions() if post.id not in self._read]
        if not posts:
            return PluginResult(self._texts.render("no_mentions", context.language))
        directory = await account.client.get_directory()
        spoken = [self._say(post, directory, context) for post in posts[:MAX_READ]]
        for post in posts[:MAX_READ]:
            _keep(self._read, post.id)
        more = len(posts) - MAX_READ
        sentences = [self._texts.render("mentions", context.language, count=len(posts)), *spoken]
        if more > 0:
            sentences.append(self._texts.render("more", context.language, count=more))
        return PluginResult(" ".join(sentences))

    def _say(self, post: Post, directory: Directory, context: CommandContext) -> str:
        user = directory.users.get(post.user_id)
        values = {
            "name": user.name if user else post.sender or "?",
            "channel": "" if post.is_direct else post.channel_name,
            "text": end_sentence(to_speech(post.message, self._texts.render("code", context.language))),
        }
        return self._texts.render("mention", context.language, **values)

    def _fail(self, key: str, context: CommandContext) -> PluginResult:
        return PluginResult(self._texts.render(key, context.language), success=False)


def _name(recipient: Recipient) -> str:
    return recipient.name if isinstance(recipient, ChatUser) else recipient.display_name or recipient.name


def _describe(recipient: Recipient, others: tuple[Recipient, ...]) -> str:
    """Return a name that no other has, with the name of the account where needed."""
    name = _name(recipient)
    is_unique = [_name(one) for one in others].count(name) == 1
    return name if is_unique else f"{name}, {recipient.username if isinstance(recipient, ChatUser) else recipient.name}"


def _keep(kept: "OrderedDict[str, None]", key: str) -> None:
    kept[key] = None
    if len(kept) > _MAX_KEPT:
        kept.popitem(last=False)
