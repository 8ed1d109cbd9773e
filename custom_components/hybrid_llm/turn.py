"""One turn: a sentence, the log of its conversation, and what is known of its answer."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from home_assistant_intents import get_intents
from homeassistant.components import conversation
from homeassistant.core import HomeAssistant
from homeassistant.helpers import intent

from .rules.languages import Failure, find_language, get_phrase


class Tier(StrEnum):
    """Who answered."""

    NATIVE = "native"
    MODEL = "model"
    DAEMON = "daemon"
    NONE = "none"


@dataclass
class Turn:
    """A turn in progress; whoever answers it sets the fields at the end."""

    hass: HomeAssistant
    user_input: conversation.ConversationInput
    chat_log: conversation.ChatLog
    entity_id: str
    spoke: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with the first words of the answer."""
    started: float = 0.0
    first_words_seconds: float | None = None
    tier: Tier = Tier.NONE
    is_warm: bool | None = None
    filler: str = ""

    def __post_init__(self) -> None:
        self.started = self.hass.loop.time()

    def mark_words(self) -> None:
        """Note that the answer has begun."""
        if not self.spoke.is_set():
            self.first_words_seconds = self.hass.loop.time() - self.started
            self.spoke.set()

    def result(self) -> conversation.ConversationResult:
        """Return what the log ends with."""
        make = getattr(conversation, "async_get_result_from_chat_log", None)
        if make is not None:
            made: conversation.ConversationResult = make(self.user_input, self.chat_log)
            return made
        response = intent.IntentResponse(language=self.user_input.language)
        response.async_set_speech(getattr(self.chat_log.content[-1], "content", None) or "")
        return self._finish(response)

    async def phrase(self, failure: Failure) -> str:
        """Return what is said on a failure: our words, else Home Assistant's for any failure, else ours in English."""
        language = self.user_input.language
        if find_language(language) is not None:
            return get_phrase(failure, language)
        text = await self.hass.async_add_executor_job(_read_error, language)
        return text or get_phrase(failure, "en")

    async def failed(self, failure: Failure) -> conversation.ConversationResult:
        """Return a spoken failure; it is no part of the conversation that the model sees."""
        response = intent.IntentResponse(language=self.user_input.language)
        response.async_set_error(intent.IntentResponseErrorCode.FAILED_TO_HANDLE, await self.phrase(failure))
        return conversation.ConversationResult(response, self.chat_log.conversation_id)

    def answered(self, response: intent.IntentResponse) -> conversation.ConversationResult:
        """Add a finished response to the log and return it."""
        speech = str(response.speech.get("plain", {}).get("speech", ""))
        self.add_text(speech)
        return self._finish(response)

    def add_text(self, text: str) -> None:
        """Add an answer to the log of the conversation."""
        content = conversation.AssistantContent(agent_id=self.entity_id, content=text)
        self.chat_log.async_add_assistant_content_without_tools(content)

    def _finish(self, response: intent.IntentResponse) -> conversation.ConversationResult:
        continues = self.chat_log.continue_conversation
        return conversation.ConversationResult(response, self.chat_log.conversation_id, continues)


def _read_error(tag: str) -> str | None:
    """Return what Home Assistant says in a language when something fails. Reads a file."""
    for language in (tag, tag.partition("-")[0]):
        errors = (get_intents(language) or {}).get("responses", {}).get("errors", {})
        text = str(errors.get("handle_error") or "")
        if text and "{" not in text:
            return text
    return None
