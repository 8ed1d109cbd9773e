"""A component for the Home Assistant under test: a conversation agent whose answer arrives in parts."""

# mypy: ignore-errors

import asyncio

from homeassistant.components import conversation
from homeassistant.components.conversation.const import DATA_COMPONENT

FIRST = "The kitchen lights are on, the living room lamp is off, and all of the windows are closed. "
SECOND = "That is everything I know."
PERMISSION = "input_boolean.bulb"


class StreamingAgent(conversation.ConversationEntity):
    """Says its second sentence once the test has turned the permission on."""

    _attr_name = "Streaming agent"
    _attr_supports_streaming = True
    supported_languages = "*"

    async def _async_handle_message(self, user_input, chat_log):
        async for _ in chat_log.async_add_delta_content_stream(self.entity_id, self._parts()):
            pass
        return conversation.async_get_result_from_chat_log(user_input, chat_log)

    async def _parts(self):
        yield {"role": "assistant"}
        for word in FIRST.split():
            yield {"content": f"{word} "}
        while not self.hass.states.is_state(PERMISSION, "on"):
            await asyncio.sleep(0.05)
        yield {"content": SECOND}


async def async_setup(hass, config):
    await hass.data[DATA_COMPONENT].async_add_entities([StreamingAgent()])
    return True
