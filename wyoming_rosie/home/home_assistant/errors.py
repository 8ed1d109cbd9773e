"""Errors of the Home Assistant client."""

from wyoming_rosie.errors import RosieError


class HomeAssistantError(RosieError):
    code = "home-assistant"


class NotConnectedError(HomeAssistantError):
    """There is no connection: the command was not sent."""


class TokenRefusedError(HomeAssistantError):
    """Home Assistant refused the token."""


class NoResultError(HomeAssistantError):
    """The command was sent, but its result never arrived: it may have been executed."""


class CommandTimeoutError(NoResultError):
    """Home Assistant did not respond in time."""


class CommandRefusedError(HomeAssistantError):
    """Home Assistant refused the command; `reason` is its error code, such as not_found or unauthorized."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason
