"""What can go wrong with Home Assistant, each as a sentence that can be spoken."""

from wyoming_rosie.errors import RosieError


class HomeAssistantError(RosieError):
    code = "home-assistant"


class NotConnectedError(HomeAssistantError):
    """There is no connection: nothing was asked of it."""


class TokenRefusedError(HomeAssistantError):
    """It does not know the token."""


class NoResultError(HomeAssistantError):
    """It was asked, and its answer never came: nobody knows whether it was done."""


class CommandTimeoutError(NoResultError):
    """It is there, but has not answered in time."""


class CommandRefusedError(HomeAssistantError):
    """It said no; `reason` is its word for it, such as not_found or unauthorized."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason
