"""Delayed commands: checked and confirmed when they are spoken, executed when the conductor sends them again."""

import pytest
from wyoming.event import Event

from tests.unit.intent.outcomes import MOMENT, get_outcome
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import (
    ConversationInput,
    DeferredCommand,
    DelegateToConductor,
    Handled,
    NotHandled,
    NotRecognized,
    Outcome,
)
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.handler import IntentHandler


async def say(dialogue: Dialogue, text: str, area: str | None = "kitchen", *confirmed: str) -> Outcome:
    return await get_outcome(dialogue, ConversationInput(text, "one", None, area, confirmed=frozenset(confirmed)))


async def test_a_command_for_later_is_kept_by_the_conductor(dialogue: Dialogue, actor: DemoActor) -> None:
    before = actor.states()
    outcome = await say(dialogue, "turn off the TV in ten minutes")
    assert isinstance(outcome, DelegateToConductor)
    assert dict(outcome.matches[0].slots) == {"minutes": 10, "conversation_command": "turn off the TV"}
    assert outcome.deferred == (DeferredCommand("turn off the TV"),)
    assert actor.states() == before


async def test_what_is_dangerous_is_asked_about_when_it_is_said(dialogue: Dialogue, actor: DemoActor) -> None:
    asked = await say(dialogue, "unlock the front door in 10 minutes")
    assert isinstance(asked, Handled)
    assert (asked.text, asked.expects_reply) == ("Shall I unlock the Front Door in 10 minutes?", True)
    outcome = await say(dialogue, "yes")
    assert isinstance(outcome, DelegateToConductor)
    assert outcome.deferred == (DeferredCommand("unlock the Front Door", ("lock.front",)),)
    assert actor.states()["lock.front"]["locked"] is True


async def test_a_no_keeps_nothing(dialogue: Dialogue) -> None:
    await say(dialogue, "unlock the front door in 10 minutes")
    assert isinstance(await say(dialogue, "no"), Handled)


async def test_what_was_confirmed_is_done_at_its_time_without_another_question(
    dialogue: Dialogue, actor: DemoActor
) -> None:
    outcome = await say(dialogue, "unlock the front door", "kitchen", "lock.front")
    assert isinstance(outcome, Handled)
    assert (outcome.text, outcome.expects_reply) == ("Unlocked the Front Door.", False)
    assert actor.states()["lock.front"]["locked"] is False


async def test_only_the_confirmed_things_are_confirmed(dialogue: Dialogue, actor: DemoActor) -> None:
    outcome = await say(dialogue, "unlock the front door", "kitchen", "lock.other")
    assert isinstance(outcome, Handled)
    assert outcome.expects_reply
    assert actor.states()["lock.front"]["locked"] is True


@pytest.mark.parametrize(
    "text", ["turn off the blinds in ten minutes", "turn on the light in the attic in ten minutes", "turn on the lights in ten minutes"]
)  # fmt: skip
async def test_what_cannot_be_is_refused_now(dialogue: Dialogue, text: str) -> None:
    outcome = await say(dialogue, text, area=None)
    assert isinstance(outcome, NotHandled | NotRecognized)
    assert outcome.text


async def test_what_is_not_understood_is_not_kept(dialogue: Dialogue) -> None:
    assert isinstance(await say(dialogue, "frobnicate the TV in ten minutes"), NotRecognized)


async def test_without_an_actor_nothing_is_promised(home: Home, recognizer: IntentRecognizer) -> None:
    dialogue = Dialogue(recognizer, ActionExecutor(home, None), Confirmations([], []))
    outcome = await say(dialogue, "turn off the TV in ten minutes")
    assert isinstance(outcome, DelegateToConductor)
    assert outcome.deferred == ()


async def test_the_conductor_learns_what_it_keeps(dialogue: Dialogue) -> None:
    sent: list[Event] = []

    async def send(event: Event) -> None:
        sent.append(event)

    talk = IntentHandler(dialogue, dict, lambda: MOMENT, send)
    await talk.on_event(Event("transcript", {"text": "turn off the TV in ten minutes", "context": {"area": "kitchen"}}))
    assert [event.type for event in sent] == ["intent"]
    assert sent[0].data["context"]["later"] == {"label": "turn off the TV", "confirmed": []}
    await talk.on_event(Event("transcript", {"text": "set a timer for 5 minutes", "context": sent[0].data["context"]}))
    assert "later" not in sent[1].data["context"]
    confirmed = {"area": "kitchen", "confirmed": ["lock.front"]}
    await talk.on_event(Event("transcript", {"text": "unlock the front door", "context": confirmed}))
    assert (sent[2].type, sent[2].data["text"]) == ("handled", "Unlocked the Front Door.")
