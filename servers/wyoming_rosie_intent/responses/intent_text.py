"""What Home Assistant is to say when it has carried out an intent: it speaks the intent's text, and nothing without one."""

from collections.abc import Sequence
from datetime import datetime

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.responses import ha_responses, queries, responses

_SILENT = frozenset({"HassNevermind"})
_CLOCK = frozenset({"HassGetCurrentTime", "HassGetCurrentDate"})
_TRUE_ANYHOW = {
    "HassGetState": "only_home_assistant",
    "HassGetWeather": "only_home_assistant",
    "HassClimateGetTemperature": "only_home_assistant",
    "HassTimerStatus": "only_home_assistant",
    "HassCancelAllTimers": "no_timer_left",
    "HassMediaSearchAndPlay": "searching",
}
"""Intents of which only Home Assistant knows what came, even when it succeeds, and what can be said all the same."""


def confirmation(match: Match, targets: Sequence[Entity], moment: datetime, *, renders: bool) -> str | None:
    """Return what is true when Home Assistant succeeds, in the sentence's language; None when there is nothing to say.

    A conductor that renders templates gets one where only it knows what came of the intent. May read a file.
    """
    if match.intent in _SILENT:
        return None
    if renders and (match.intent in _TRUE_ANYHOW or match.intent in _CLOCK) and (given := ha_responses.template(match)):
        return given
    return _literally(_said(match, targets, moment))


def _said(match: Match, targets: Sequence[Entity], moment: datetime) -> str:
    if match.intent in _TRUE_ANYHOW:
        return responses.say(_TRUE_ANYHOW[match.intent], match.language, **match.slots)
    if match.intent == "HassRespond" and not responses.speaks(match.language) and (said := ha_responses.say(match, ())):
        return said
    if answer := queries.answer({}, Command(match), moment):
        return answer.text
    said = None if targets else ha_responses.say(match, ())
    return said or responses.done(Command(match, tuple(targets)), targets)


def _literally(text: str) -> str:
    """Take out what would make a template of somebody's words."""
    return text.replace("{", "").replace("}", "")
