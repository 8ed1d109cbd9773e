"""Messages between members and the trust service, which are user-events."""

from collections.abc import Mapping
from typing import Any

from wyoming.event import Event
from wyoming.user_event import UserEvent

from wyoming_rosie.errors import BadEventError

SERVICE_PORT = 10900
SERVICE_TYPE = "_rosie-trust._tcp.local."
ROSTER = "roster"
"""A member says which number its roster has, or sends its roster; the service sends its own, and each newer one."""
ROSTER_WANTED = "roster-wanted"
"""The service, whose registry is older than a member's roster, asks for that one."""
RENEW = "renew"
"""A member sends a certificate request; the service, without one, asks for it."""
RENEWED = "renewed"
"""The service sends the `certificate`, or the `problem` with the request."""
GROUP_KEY = "group-key"
"""The service sends a satellite the group key, and each new one."""
MAX_REQUEST_CHARACTERS = 4_096
MAX_CERTIFICATE_CHARACTERS = 16_384


def message(name: str, data: Mapping[str, Any] | None = None) -> Event:
    """Return a message as an event."""
    return UserEvent(name, dict(data or {})).event()


def name_of(event: Event) -> str | None:
    """Return the name of a message, None for another event."""
    name = event.data.get("name") if event.type == "user-event" else None
    return name if isinstance(name, str) else None


def data_of(event: Event) -> Mapping[str, Any]:
    """Return the data of a message."""
    data = event.data.get("data")
    return data if isinstance(data, dict) else {}


def text_of(event: Event, key: str, longest: int) -> str:
    """Return a text of a message. Raises BadEventError."""
    text = data_of(event).get(key)
    if not isinstance(text, str) or not 0 < len(text) <= longest:
        raise BadEventError(f"'{name_of(event)}' needs '{key}', a text of at most {longest} characters")
    return text
