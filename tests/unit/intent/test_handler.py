from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import Actor, Match, UnknownLanguageError
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.handler import IntentHandler


class KnownSentences:
    """A recognizer of a few fixed sentences, which remembers what it was asked."""

    def __init__(self, known: Mapping[str, Match]) -> None:
        self.known = known
        self.asked: list[tuple[str, str | None, str | None]] = []

    @property
    def languages(self) -> Sequence[str]:
        return ("en",)

    def recognize(self, text: str, language: str | None = None, area: str | None = None) -> Match | None:
        self.asked.append((text, language, area))
        if language == "xx":
            raise UnknownLanguageError("no sentences for the language 'xx'; there are: en")
        return self.known.get(text)

    def set_home(self, home: Home) -> None: ...


KNOWN = {
    "light": Match("HassTurnOn", {"name": "Bed Light"}, "light", "light"),
    "lamp": Match("HassTurnOff", {"name": "Desk Lamp"}, "lamp", "light"),
    "green": Match("HassLightSet", {"name": "Desk Lamp", "color": "green"}, "green", "light"),
    "open": Match("HassTurnOn", {"name": "Garage Door"}, "open", "cover"),
    "timer": Match("HassStartTimer", {"minutes": 5, "name": "tea"}, "timer"),
    "left": Match("HassTimerStatus", {}, "left"),
    "stop": Match("HassNevermind", {}, "stop"),
}


class Talk:
    """A conversation and all that it sent."""

    def __init__(self, home: Home, actor: DemoActor | None) -> None:
        self.sent: list[Event] = []
        self.recognizer = KnownSentences(KNOWN)
        acting: Actor | None = actor
        self.dialogue = Dialogue(
            self.recognizer, ActionExecutor(home, acting, frozenset({"cover"})), Confirmations(["yes"], ["no"])
        )
        states = actor.states if actor else dict
        self.conversation = IntentHandler(self.dialogue, states, lambda: datetime.now(UTC), self.send)

    async def send(self, event: Event) -> None:
        self.sent.append(event)

    async def ask(self, event_type: str, **data: Any) -> Event:
        """Return the only answer to an event."""
        before = len(self.sent)
        await self.conversation.on_event(Event(event_type, data))
        assert len(self.sent) == before + 1
        return self.sent[-1]


@pytest.fixture
async def talk(home: Home, actor: DemoActor) -> AsyncIterator[Talk]:
    made = Talk(home, actor)
    yield made
    made.dialogue.close()


@pytest.fixture
async def talk_without_actor(home: Home) -> AsyncIterator[Talk]:
    made = Talk(home, None)
    yield made
    made.dialogue.close()


@pytest.mark.parametrize("event_type", ["transcript", "recognize"])
async def test_a_command_is_handled_and_its_meaning_told(talk: Talk, event_type: str) -> None:
    answer = await talk.ask(event_type, text="light", context={"turn_id": "t1", "satellite_id": "s", "area": "kitchen"})
    assert answer.type == "handled"
    assert answer.data["text"] == "Turned on the Bed Light."
    context = answer.data["context"]
    assert {key: context[key] for key in ("satellite_id", "intent", "slots", "expects_reply")} == {
        "satellite_id": "s", "intent": "HassTurnOn", "slots": {"name": "Bed Light"}, "expects_reply": False,
    }  # fmt: skip
    assert context["turn_id"]
    assert talk.recognizer.asked == [("light", None, "kitchen")]


async def test_a_yes_in_the_same_conversation_acts_even_over_another_connection(talk: Talk, actor: DemoActor) -> None:
    asked = await talk.ask("transcript", text="open")
    assert asked.data["context"]["expects_reply"] is True
    assert asked.data["context"]["intent"] == "HassTurnOn"
    again = IntentHandler(talk.dialogue, actor.states, lambda: datetime.now(UTC), talk.send)
    await again.on_event(Event("transcript", {"text": "yes", "context": asked.data["context"]}))
    assert talk.sent[-1].data["text"] == "Opened the Garage Door."
    assert talk.sent[-1].data["context"]["expects_reply"] is False
    assert actor.states()["cover.garage"]["state"] == "open"


async def test_a_command_that_may_execute_nothing_is_not_executed(talk: Talk, actor: DemoActor) -> None:
    before = actor.states()
    answer = await talk.ask("transcript", text="light", context={"area": "kitchen", "allow_tools": False})
    assert answer.type == "not-recognized"
    assert actor.states() == before


async def test_a_command_that_is_to_be_delegated_is_returned_as_an_intent(talk: Talk, actor: DemoActor) -> None:
    before = actor.states()
    answer = await talk.ask("transcript", text="light", context={"area": "kitchen", "delegate": True})
    assert (answer.type, answer.data["name"]) == ("intent", "HassTurnOn")
    assert actor.states() == before


async def test_a_yes_that_may_execute_nothing_leaves_the_question_open(talk: Talk, actor: DemoActor) -> None:
    context = (await talk.ask("transcript", text="open")).data["context"]
    before = actor.states()
    await talk.ask("transcript", text="yes", context={**context, "allow_tools": False})
    assert actor.states() == before
    assert (await talk.ask("transcript", text="yes", context=context)).data["text"] == "Opened the Garage Door."


async def test_what_an_older_answer_said_about_its_sentence_is_not_repeated(talk: Talk) -> None:
    asked = await talk.ask("transcript", text="open")
    refused = await talk.ask("transcript", text="no", context=asked.data["context"])
    assert refused.type == "handled"
    assert "intent" not in refused.data["context"]
    unknown = await talk.ask("transcript", text="mumble", context=asked.data["context"])
    assert unknown.type == "not-recognized"
    assert unknown.data["text"]
    assert "expects_reply" not in unknown.data["context"]


async def test_each_conversation_without_a_name_gets_its_own(talk: Talk) -> None:
    first = await talk.ask("transcript", text="open")
    second = await talk.ask("transcript", text="yes")
    assert second.type == "not-recognized"
    assert first.data["context"]["conversation_id"] != second.data["context"]["conversation_id"]


async def test_two_commands_are_told_apart_in_the_context(talk: Talk) -> None:
    answer = await talk.ask("transcript", text="light and lamp")
    assert answer.data["text"] == "Turned on the Bed Light. Turned off the Desk Lamp."
    assert [one["intent"] for one in answer.data["context"]["intents"]] == ["HassTurnOn", "HassTurnOff"]


async def test_what_cannot_be_is_not_handled_but_its_meaning_is_told(talk: Talk) -> None:
    answer = await talk.ask("transcript", text="green")
    assert answer.type == "not-handled"
    assert answer.data["text"]
    assert answer.data["context"]["intent"] == "HassLightSet"


async def test_the_conductors_intents_carry_their_numbers_as_numbers(talk: Talk) -> None:
    answer = await talk.ask("transcript", text="timer", language="en")
    assert answer.type == "intent"
    assert answer.data["name"] == "HassStartTimer"
    assert answer.data["entities"] == [{"name": "minutes", "value": 5}, {"name": "name", "value": "tea"}]


async def test_the_conductor_is_told_what_to_say_when_it_has_acted(talk: Talk, talk_without_actor: Talk) -> None:
    assert (await talk.ask("transcript", text="timer")).data["text"] == "Timer set for 5 minutes named tea"
    assert (await talk_without_actor.ask("transcript", text="light")).data["text"] == "Turned on the Bed Light."
    assert not (await talk.ask("transcript", text="stop")).data.get("text")


async def test_only_a_conductor_that_names_the_device_gets_templates(talk: Talk) -> None:
    told = await talk.ask("transcript", text="left", context={"device_id": "d", "conversation_id": "c"})
    assert "slots.timers" in told.data["text"]
    assert (await talk.ask("transcript", text="left")).data["text"] == "Sorry, only Home Assistant knows that."


async def test_without_an_actor_several_intents_come_between_start_and_stop(talk_without_actor: Talk) -> None:
    await talk_without_actor.conversation.on_event(Event("transcript", {"text": "light and lamp"}))
    assert [event.type for event in talk_without_actor.sent] == ["intents-start", "intent", "intent", "intents-stop"]


async def test_the_state_of_the_home_is_told(talk: Talk, talk_without_actor: Talk) -> None:
    await talk.ask("transcript", text="light")
    answer = await talk.ask("user-event", name="home-state", data={})
    assert (answer.type, answer.data["name"]) == ("user-event", "home-state")
    assert answer.data["data"]["entities"]["light.bed"]["state"] == "on"
    one = await talk.ask("user-event", name="home-state", data={"entities": ["light.bed", "light.none"]})
    assert one.data["data"]["entities"].keys() == {"light.bed"}
    nobody = await talk_without_actor.ask("user-event", name="home-state")
    assert nobody.data["data"] == {"entities": {}}


@pytest.mark.parametrize("event_type", ["detection", "user-event", "audio-chunk", "no-such-event"])
async def test_what_is_not_for_the_daemon_is_ignored(talk: Talk, event_type: str) -> None:
    await talk.conversation.on_event(Event(event_type, {"name": "okay_nabu"}))
    assert talk.sent == []


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x1b\x07", "...", "\u200b"])
async def test_silence_is_answered_with_a_sentence(talk: Talk, text: str) -> None:
    answer = await talk.ask("transcript", text=text)
    assert answer.type == "not-recognized"
    assert answer.data["text"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "bad-event"),
        ({"text": None}, "bad-event"),
        ({"text": ["light"]}, "bad-event"),
        ({"text": "light", "language": 7}, "bad-event"),
        ({"text": "light", "language": "e" * 200}, "bad-event"),
        ({"text": "light", "language": "../../../etc/xxx"}, "bad-event"),
        ({"text": "light", "context": {"area": {}}}, "bad-event"),
        ({"text": "light", "context": {"conversation_id": "x" * 200}}, "bad-event"),
    ],
)
async def test_a_request_of_the_wrong_shape_is_refused_without_repeating_it(
    talk: Talk, data: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadEventError) as refused:
        await talk.conversation.on_event(Event("transcript", data))
    assert refused.value.code == code
    assert "xxx" not in str(refused.value)
    assert not talk.conversation.is_busy


async def test_an_unknown_language_is_refused(talk: Talk) -> None:
    with pytest.raises(UnknownLanguageError, match="there are: en"):
        await talk.conversation.on_event(Event("transcript", {"text": "light", "language": "xx"}))


@pytest.mark.parametrize("context", [None, [], "kitchen", 7])
async def test_a_context_that_is_no_object_is_no_context(talk: Talk, context: object) -> None:
    answer = await talk.ask("transcript", text="stop", context=context)
    assert answer.type == "intent"
