"""Intent response: the answer to speak, made from the intent daemon's events."""

import pytest
from wyoming.event import Event
from wyoming.intent import Intent

from wyoming_rosie.timers.requests import DelayedCommandInfo, IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.intent_response import IntentResponse


class RecordingExecutor:
    """Carries out every intent, and records the requests."""

    def __init__(self, answer: SpokenAnswer | None = None) -> None:
        self._answer = answer or SpokenAnswer("Done.")
        self.asked: list[IntentRequest] = []

    async def execute(self, request: IntentRequest) -> SpokenAnswer:
        self.asked.append(request)
        return self._answer


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


@pytest.mark.parametrize(
    ("context", "answer", "said"),
    [
        ({"remark": "It is in Monica, too."}, SpokenAnswer("Done."), "Done. It is in Monica, too."),
        ({"remark": "It is in Monica, too."}, SpokenAnswer("There is no such time.", succeeded=False), "There is no such time."),
        ({"remark": "It is in Monica, too."}, SpokenAnswer("Which one?", expects_reply=True), "Which one?"),
        ({"remark": 5}, SpokenAnswer("Done."), "Done."),
    ],
)  # fmt: skip
async def test_what_the_intent_daemon_says_of_an_intent_follows_once_it_is_done(
    context: dict[str, object], answer: SpokenAnswer, said: str
) -> None:
    response = IntentResponse((RecordingExecutor(answer),), SatelliteIdentity("kitchen"))
    spoken = await response.feed(Event("intent", {"name": "HassStartTimer", "context": context}))
    assert isinstance(spoken, SpokenAnswer)
    assert spoken.text == said
