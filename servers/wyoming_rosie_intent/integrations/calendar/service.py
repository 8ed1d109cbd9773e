"""What a service of calendars has to offer."""

from collections.abc import Mapping
from typing import Any, Protocol

from wyoming_rosie_intent.integrations.calendar.model import CalendarSource


class CalendarService(Protocol):
    """Opens accounts; a table of settings has an account if it has the `account_setting`."""

    @property
    def name(self) -> str:
        """The name for use in answers."""
        ...

    @property
    def account_setting(self) -> str: ...

    @property
    def is_outside_home(self) -> bool:
        """Whether it is one of the internet, to which nothing goes that is said in a private room."""
        ...

    def open_source(self, settings: Mapping[str, Any], person: str) -> CalendarSource:
        """Return the calendars of an account, without connecting. Raises ConfigError for settings that are wrong."""
        ...
