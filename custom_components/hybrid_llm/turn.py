"""One turn: a sentence, the log of its conversation, and what is known of its answer."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from homeassistant.components import conversation
from homeassistant.core import HomeAssistant
from homeassistant.helpers import intent

from .rules.languages import Failure, get_phrase


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

    def failed(self, failure: Failure) -> conversation.ConversationResult:
        """Return a spoken failure; it is no part of the conversation that the model sees."""
        response = intent.IntentResponse(language=self.user_input.language)
        text = get_phrase(failure, self.user_input.language)
        response.async_set_error(intent.IntentResponseErrorCode.FAILED_TO_HANDLE, text)
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
