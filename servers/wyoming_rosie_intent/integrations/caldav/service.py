"""CalDAV as a service of calendars."""

from collections.abc import Mapping
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_intent.integrations.calendar.model import CalendarSource


class CalDavService:
    """Settings: `url`, `user` and `password` of an account, for the house or for each person."""

    name = "CalDAV"
    account_setting = "user"
    is_outside_home = False

    def open_source(self, settings: Mapping[str, Any], person: str) -> CalendarSource:
        missing = [name for name in ("url", "user", "password") if not settings.get(name)]
        if missing:
            raise ConfigError(f"the CalDAV account of {person or 'the house'} has no {missing[0]}")
        try:
            from wyoming_rosie_intent.integrations.caldav.source import CalDavSource
        except ModuleNotFoundError as err:
            raise ConfigError(f"{err.name} is missing; run {install_command(['calendar'])}") from err
        return CalDavSource(str(settings["url"]), str(settings["user"]), str(settings["password"]))
