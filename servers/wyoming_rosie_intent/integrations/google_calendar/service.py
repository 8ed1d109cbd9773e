"""Google Calendar as a service of calendars."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wyoming_rosie.config import state_folder
from wyoming_rosie_intent.integrations.calendar.model import CalendarSource
from wyoming_rosie_intent.integrations.google_calendar import tokens
from wyoming_rosie_intent.integrations.google_calendar.oauth import OAuthEndpoints
from wyoming_rosie_intent.integrations.google_calendar.source import API_URL, GoogleCalendarSource


class GoogleService:
    """Settings: `account`, the name under which `wyoming-rosie calendar login` has signed in."""

    name = "Google"
    account_setting = "account"
    is_outside_home = True

    def open_source(self, settings: Mapping[str, Any], person: str) -> CalendarSource:
        folder = Path(str(settings.get("data_dir") or state_folder("intent")))
        file = tokens.find_file(folder, str(settings["account"]))
        endpoints = OAuthEndpoints(token=str(settings.get("token_url", OAuthEndpoints().token)))
        return GoogleCalendarSource(tokens.GoogleToken(file, endpoints), str(settings.get("url", API_URL)))
