"""Native intents: Home Assistant's own sentences, which are answered at once and without a model."""

import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from homeassistant.components import conversation
from homeassistant.components.conversation import async_handle_intents, async_handle_sentence_triggers
from homeassistant.helpers import intent

from .const import NATIVE_LOOSE, NATIVE_NONE
from .turn import Turn

_LOG = logging.getLogger(__name__)
_NOT_UNDERSTOOD = frozenset(
    {intent.IntentResponseErrorCode.NO_INTENT_MATCH, intent.IntentResponseErrorCode.NO_VALID_TARGETS}
)


async def answer_natively(
    turn: Turn, confidence: str, languages: Iterable[str]
) -> conversation.ConversationResult | None:
    """Return the answer of Home Assistant's own agent; None if it does not understand, or finds nothing to act on."""
    if confidence == NATIVE_NONE:
        return None
    spoken = turn.user_input.language
    for language in dict.fromkeys((spoken, *languages)):
        response = await _match(turn, replace(turn.user_input, language=language))
        if response is not None:
            return turn.answered(response)
    return await _match_loosely(turn) if confidence == NATIVE_LOOSE else None


async def _match(turn: Turn, user_input: conversation.ConversationInput) -> intent.IntentResponse | None:
    text = await _call(async_handle_sentence_triggers, turn, user_input)
    if text is not None:
        response = intent.IntentResponse(language=user_input.language)
        response.async_set_speech(text)
        return response
    try:
        found: intent.IntentResponse | None = await _call(async_handle_intents, turn, user_input)
    except (
        intent.IntentError
    ) as err:  # a sentence of an integration that is not loaded, or one with values that do not fit
        _LOG.debug("A native sentence could not be executed: %s", type(err).__name__)
        return None
    return found


async def _call(function: Callable[..., Any], turn: Turn, user_input: conversation.ConversationInput) -> Any:
    """Call a function of Home Assistant's agent, with the log of the conversation in the versions that want it."""
    takes_log = "chat_log" in inspect.signature(function).parameters
    log = (turn.chat_log,) if takes_log else ()
    return await function(turn.hass, user_input, *log)


async def _match_loosely(turn: Turn) -> conversation.ConversationResult | None:
    """Ask Home Assistant's agent as a person does, with all the guesses of its version."""
    asked, length = turn.user_input, len(turn.chat_log.content)
    result = await conversation.async_converse(
        turn.hass,
        asked.text,
        turn.chat_log.conversation_id,
        asked.context,
        language=asked.language,
        agent_id=conversation.HOME_ASSISTANT_AGENT,
        device_id=asked.device_id,
    )
    if result.response.error_code in _NOT_UNDERSTOOD:
        del turn.chat_log.content[length:]  # the model is not to see that it was not understood
        return None
    return result
