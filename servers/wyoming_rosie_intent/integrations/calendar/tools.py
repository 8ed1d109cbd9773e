"""The calendar as tools for language models and other programs: the intents of the sentences, described."""

from collections.abc import Mapping

from wyoming_rosie_intent.integrations.calendar.times import Period
from wyoming_rosie_intent.plugins import ParameterType, PluginTool, ToolParameter

_TITLE = ToolParameter("words of the entry's title", is_required=True)
_DATE = ToolParameter("day of the entry", ParameterType.DATE)
_TIME = ToolParameter("time of day", ParameterType.TIME)
_PERIOD = ToolParameter("instead of a day, or a part of it", choices=tuple(Period))
_CALENDAR = ToolParameter("name of the calendar, if the person has said one")


def _with(*names: str, **others: ToolParameter) -> Mapping[str, ToolParameter]:
    known = {"title": _TITLE, "date": _DATE, "time": _TIME, "period": _PERIOD, "calendar": _CALENDAR}
    return {**{name: known[name] for name in names}, **others}


TOOLS = (
    PluginTool("CalendarEvents", "Says what is in the calendar on a day or in a period.", _with("date", "period")),
    PluginTool(
        "CalendarNext",
        "Says which appointment is next, or when the next one with a title is.",
        _with(title=ToolParameter("words of the title, if a certain one is meant")),
    ),
    PluginTool(
        "CalendarFree",
        "Says whether the person is free on a day, in a period or between two times.",
        _with(
            "date",
            "period",
            from_time=ToolParameter("begin", ParameterType.TIME),
            to_time=ToolParameter("end", ParameterType.TIME),
        ),
    ),
    PluginTool(
        "CalendarAdd",
        "Asks the person whether to add an entry; without a time it takes the whole day.",
        _with(
            "title",
            "date",
            "time",
            "calendar",
            duration=ToolParameter("an hour if nobody says it", ParameterType.DURATION),
        ),
        changes=True,
    ),
    PluginTool(
        "CalendarMove",
        "Asks the person whether to move an entry to another day or time.",
        _with("title", "date", "time", from_date=ToolParameter("day of the entry now", ParameterType.DATE)),
        changes=True,
    ),
    PluginTool(
        "CalendarCancel", "Asks the person whether to delete an entry.", _with("title", "date", "time"), changes=True
    ),
)
