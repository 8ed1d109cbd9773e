"""Intent response: the answer to speak, made from the intent daemon's events."""

import pytest
from wyoming.event import Event
from wyoming.intent import Intent

from wyoming_rosie.timers.requests import DelayedCommandInfo, IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.intent_response import IntentResponse


class RecordingExecutor:
    """Carries out every intent, and records the requests."""

    def __init__(self) -> None:
        self.asked: list[IntentRequest] = []

    async def execute(self, request: IntentRequest) -> SpokenAnswer:
        self.asked.append(request)
        return SpokenAnswer("Done.")


@pytest.mark.parametrize(
    ("language", "cannot"), [("en", "Sorry, nothing here can do that."), ("de-AT", "Das kann hier leider niemand.")]
)
async def test_an_intent_without_executor_is_not_reported_as_done(language: str, cannot: str) -> None:
    intent = Intent("HassTurnOn", text="Turned on the lamp.").event()
    understanding = IntentResponse((), SatelliteIdentity("kitchen", None, language))
    assert await understanding.feed(intent) == SpokenAnswer(cannot, succeeded=False)


@pytest.mark.parametrize(
    ("context", "later"),
    [
        ({"later": {"label": "turn off the TV", "confirmed": ["lock.front"]}}, DelayedCommandInfo("turn off the TV", ("lock.front",))),
        ({"later": {"label": "turn off the TV", "confirmed": [5]}}, DelayedCommandInfo("turn off the TV")),
        ({"later": {"label": "", "confirmed": []}}, None),
        ({"later": True}, None),
        ({}, None),
    ],
)  # fmt: skip
async def test_a_delayed_command_comes_with_its_label_and_confirmations(
    context: dict[str, object], later: DelayedCommandInfo | None
) -> None:
    keeper = RecordingExecutor()
    await IntentResponse((keeper,), SatelliteIdentity("kitchen")).feed(
        Event("intent", {"name": "HassStartTimer", "context": context})
    )
    assert [asked.delayed for asked in keeper.asked] == [later]
