"""Fillers: on which speaker they are heard, when not, and what ends them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from homeassistant.core import HomeAssistant

from custom_components.hybrid_llm.filler import BUDGET_SECONDS, DELAY_SECONDS
from custom_components.hybrid_llm.rules.fillers import INSTRUCTIONS
from tests.component.agent import Agent
from tests.component.room import SPEAKER, Room, create_device, players_of, settle
from tests.ollama_script import Rule
from tests.ollama_server import OllamaServer

SLOW = 3.0  # seconds: much more than the delay of a filler, on a busy machine too


@pytest.fixture
async def room(agent: Agent, ollama: OllamaServer) -> Room:
    ollama.rules[:] = [Rule(say="It rains.", wait_seconds=SLOW)]
    return await Room.build(agent)


async def test_a_slow_answer_is_preceded_by_a_filler_about_its_topic(room: Room) -> None:
    room.add_speaker(room.device_id)
    assert await room.say("how will the weather be for our picnic") == "It rains."
    [played] = room.played
    assert played["announce"] is True
    assert room.fillers == ["Checking the weather…"]


async def test_a_quick_answer_has_none(room: Room, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="It rains.")]
    room.add_speaker(room.device_id)
    await room.say("how will the weather be for our picnic")
    await settle(room.agent.hass)
    turn = room.agent.entry.runtime_data.last_turn
    assert not room.played or turn.first_words_seconds > DELAY_SECONDS  # on a busy machine nothing is quick


async def test_a_command_has_none(room: Room, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="Sorry, there is none.", wait_seconds=SLOW)]
    room.add_speaker(room.device_id)
    await room.say("turn on the lava lamp")
    assert not room.played


async def test_a_language_without_words_has_none(room: Room) -> None:
    room.add_speaker(room.device_id)
    await room.say("jaka jest pogoda", "pl")
    assert not room.played


async def test_the_speaker_of_the_device_comes_before_that_of_its_area(room: Room) -> None:
    room.add_speaker(area="Kitchen", name="media_player.other")
    room.add_speaker(room.device_id)
    await room.say("how will the weather be for our picnic")
    assert players_of(room) == [SPEAKER]


async def test_a_speaker_of_a_device_in_the_area_will_do(room: Room) -> None:
    room.add_speaker(create_device(room.agent, "radio", "Kitchen"))
    await room.say("how will the weather be for our picnic")
    assert players_of(room) == [SPEAKER]


async def test_a_speaker_elsewhere_is_never_used(room: Room) -> None:
    room.add_speaker(area="Attic")
    await room.say("how will the weather be for our picnic")
    assert not room.played


async def test_a_speaker_that_is_away_is_not_used(room: Room) -> None:
    room.add_speaker(room.device_id, state="unavailable")
    await room.say("how will the weather be for our picnic")
    assert not room.played


async def test_the_speaker_of_the_options_is_the_last_resort(home: HomeAssistant, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="It rains.", wait_seconds=SLOW)]
    room = await Room.build(await Agent.add(home, ollama.url, {"filler_player": SPEAKER}))
    room.add_speaker()
    await room.say("how will the weather be for our picnic")
    assert players_of(room) == [SPEAKER]


async def test_fillers_can_be_turned_off(home: HomeAssistant, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="It rains.", wait_seconds=SLOW)]
    room = await Room.build(await Agent.add(home, ollama.url, {"filler": False}))
    room.add_speaker(room.device_id)
    await room.say("how will the weather be for our picnic")
    assert not room.played


async def test_the_answer_stops_a_filler_on_another_speaker(room: Room) -> None:
    room.add_speaker(area="Kitchen")
    await room.say("how will the weather be for our picnic")
    await settle(room.agent.hass)
    assert [call["entity_id"] for call in room.stopped] == [SPEAKER]


async def test_music_goes_on_after_a_filler(room: Room) -> None:
    room.add_speaker(area="Kitchen", state="playing")
    await room.say("how will the weather be for our picnic")
    await settle(room.agent.hass)
    assert players_of(room) == [SPEAKER]
    assert not room.stopped


class TwoModels(OllamaServer):
    """A server whose small model has a rule of its own."""

    def __init__(self, small: Rule) -> None:
        super().__init__((Rule(say="Stripes.", wait_seconds=SLOW),))
        self._small = small

    def _find_rule(self, messages: Sequence[Mapping[str, Any]]) -> Rule:
        return self._small if messages[0]["content"] == INSTRUCTIONS else super()._find_rule(messages)


@pytest.mark.parametrize(
    ("small", "budget", "spoken"),
    [
        (Rule(say="Asking the zebra"), SLOW, "Asking the zebra…"),
        (Rule(say="The zebra wears its famous stripes"), SLOW, "Let me think…"),
        (Rule(say="Too late", wait_seconds=SLOW), BUDGET_SECONDS, "Let me think…"),
    ],
)
async def test_a_small_model_writes_the_filler_if_it_is_quick_and_brief(
    home: HomeAssistant, small: Rule, budget: float, spoken: str
) -> None:
    async with TwoModels(small).run() as server:
        room = await Room.build(await Agent.add(home, server.url, filler_model="tiny:latest"))
        room.agent.entry.runtime_data.filler.budget_seconds = budget
        room.add_speaker(room.device_id)
        assert await room.say("what does the zebra wear") == "Stripes."
        assert room.fillers == [spoken]
