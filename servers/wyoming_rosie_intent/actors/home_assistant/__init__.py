"""The actor that lets Home Assistant act, over its WebSocket and with a long-lived token."""

from wyoming_rosie_intent.actors.home_assistant.actor import HomeAssistantActor

__all__ = ["HomeAssistantActor"]
