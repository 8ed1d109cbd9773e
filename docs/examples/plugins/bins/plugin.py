"""Plugin that knows which bin is collected next; it needs no service."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from wyoming_rosie_intent.plugins import IntegrationPlugin

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Bins(IntegrationPlugin):
    name = "bins"
    version = "1.0.0"

    async def initialize(self, config: Mapping[str, Any]) -> None:
        """Read the days of the bins: `paper = "Tuesday"`."""
        self._days = {bin_: _DAYS.index(day) for bin_, day in config["days"].items()}

    def get_intents(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        return {
            "NextBin": {
                "en": ["(which|what) bin is [collected] (next|tomorrow)"],
                "de": ["welche Tonne wird (morgen|als nächstes) abgeholt"],
            },
            "DayOfBin": {"en": ["when is [the] {bin} [bin] collected"]},
        }

    def get_lists(self) -> Mapping[str, Sequence[str]]:
        return {"bin": list(self._days)}

    async def handle_command(self, intent: str, entities: Mapping[str, Any]) -> Mapping[str, Any]:
        if intent == "DayOfBin":
            day = self._days[entities["bin"]]
            return {"success": True, "message": f"The {entities['bin']} bin is collected on {_DAYS[day]}."}
        bin_, day = self._next(date.today() + timedelta(days=1))  # noqa: DTZ011 - the local date
        return {"success": True, "message": f"Next is the {bin_} bin, on {_DAYS[day]}."}

    async def get_status(self) -> Mapping[str, Any]:
        return {"healthy": bool(self._days), "message": "no bin has a day; add some to config.toml"}

    def _next(self, tomorrow: date) -> tuple[str, int]:
        return min(self._days.items(), key=lambda one: (one[1] - tomorrow.weekday()) % 7)
