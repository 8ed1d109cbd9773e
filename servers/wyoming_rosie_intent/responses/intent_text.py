"""Text of `intent` events, which Home Assistant speaks when it has handled the intent."""

from collections.abc import Sequence
from datetime import datetime

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.responses import ha_responses, queries, responses

_SILENT_INTENTS = frozenset({"HassNevermind"})
_CLOCK_INTENTS = frozenset({"HassGetCurrentTime", "HassGetCurrentDate"})
_UNKNOWN_RESULTS = {
    "HassGetState": "only_home_assistant",
    "HassGetWeather": "only_home_assistant",
    "HassClimateGetTemperature": "only_home_assistant",
    "HassTimerStatus": "only_home_assistant",
    "HassCancelAllTimers": "no_timer_left",
    "HassMediaSearchAndPlay": "searching",
}
"""Phrases for intents whose result only Home Assistant knows."""


def create_intent_text(match: Match, targets: Sequence[Entity], moment: datetime, *, renders: bool) -> str | None:
    """Return the text to speak when Home Assistant succeeds, in the sentence's language; None for silent intents.

    A client that renders templates gets one for intents whose result only it knows. May read a file.
    """
    if match.intent in _SILENT_INTENTS:
        return None
    if (
        renders
        and (match.intent in _UNKNOWN_RESULTS or match.intent in _CLOCK_INTENTS)
        and (template := ha_responses.get_template(match))
    ):
        return template
    return _escape_template(_format_done(match, targets, moment))


def _format_done(match: Match, targets: Sequence[Entity], moment: datetime) -> str:
    if match.intent in _UNKNOWN_RESULTS:
        return responses.render(_UNKNOWN_RESULTS[match.intent], match.language, **match.slots)
    if (
        match.intent == "HassRespond"
        and not responses.has_language(match.language)
        and (response := ha_responses.render_response(match, ()))
    ):
        return response
    if answer := queries.answer_query({}, Command(match), moment):
        return answer.text
    response = None if targets else ha_responses.render_response(match, ())
    return response or responses.render_done(Command(match, tuple(targets)), targets)


def _escape_template(text: str) -> str:
    """Remove braces, so that spoken words never become a template."""
    return text.replace("{", "").replace("}", "")
