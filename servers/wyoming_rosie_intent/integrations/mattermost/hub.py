"""The hub over its HTTP API: answers sentences of channels, and speaks in rooms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.integrations.mattermost.posts import ChannelPolicy
from wyoming_rosie_intent.plugins.http_client import FixedToken, HttpClient, HttpError, HttpFailure, HttpLimits

ANSWER_SECONDS = 65.0
"""A model may take a minute, which is the hub's own limit."""


@dataclass(frozen=True)
class HubAnswer:
    text: str = field(repr=False)
    expects_reply: bool = False


class HubClient:
    """Requests to the hub with a key that may talk and read. Raises ConfigError for settings that are wrong."""

    def __init__(self, settings: object) -> None:
        if not isinstance(settings, Mapping) or not isinstance(settings.get("url"), str):
            raise ConfigError('hub = { url = "http://127.0.0.1:8000", key = { secret_file = "PATH" } } is needed')
        key = settings.get("key")
        limits = HttpLimits(attempt_seconds=ANSWER_SECONDS, total_seconds=ANSWER_SECONDS, attempts=2)
        token = FixedToken(key) if isinstance(key, str) and key else None
        self._http = HttpClient(f"{settings['url'].rstrip('/')}/api/v1", token, limits=limits)

    async def ask(self, sentence: str, conversation_id: str, policy: ChannelPolicy) -> HubAnswer:
        """Return the answer to a sentence of a channel, with the rights of its room. Raises HttpError."""
        body: dict[str, Any] = {
            "text": sentence,
            "language": policy.language,
            "conversation_id": conversation_id,
            "may_act": policy.may_act,
        }
        body |= {"room": policy.room} if policy.room else {}
        answer = await self._http.send("POST", "prompt", body)
        if not isinstance(answer, Mapping) or not isinstance(answer.get("text"), str):
            raise HttpError(HttpFailure.INVALID, "the hub's answer has no text")
        return HubAnswer(answer["text"], answer.get("expects_reply") is True)

    async def announce(self, room: str, text: str, language: str) -> bool:
        """Have a satellite of a room say a text; False if there is none. Raises HttpError."""
        satellites = await self._http.get("satellites")
        for satellite in satellites if isinstance(satellites, list) else []:
            is_here = str(satellite.get("area") or "").casefold() == room.casefold()
            if is_here and satellite.get("is_connected") and isinstance(satellite.get("id"), str):
                body = {"text": text, "language": language}
                await self._http.send("POST", f"satellites/{satellite['id']}/announce", body)
                return True
        return False

    async def close(self) -> None:
        await self._http.close()
