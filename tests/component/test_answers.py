"""Answers of the agent in Home Assistant: native sentences, a model's text and tools, and what is said on failures."""

from collections.abc import Callable, Iterator

import pytest
from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import intent
from homeassistant.helpers import issue_registry as ir

from tests.component.agent import DOMAIN, LAMP, Agent, serve_lines, speech_of, until
from tests.ollama_script import Call, Fault, Rule
from tests.ollama_server import OllamaServer

ANSWER = "/api/chat"


def turn_on(ollama: OllamaServer, name: str = "Reading lamp") -> Call:
    """Return the call that switches a lamp on, by the name that this version of Home Assistant gives its tool."""
    return Call("HassTurnOn", {"name": name})


def answers(ollama: OllamaServer) -> list[dict[str, object]]:
    """Return the requests for answers, without those of warm-ups."""
    asked = [one.data for one in ollama.requests_to(ANSWER)]
    return [one for one in asked if one["messages"][-1]["role"] != "system" or one["options"]["num_predict"] != 1]


class ChangingRules(list[Rule]):
    """Rules of a server of which only one holds, by the number of the request for an answer."""

    def __init__(self, rule: Callable[[int], Rule]) -> None:
        super().__init__()
        self._rule = rule
        self._asked = -1

    def __iter__(self) -> Iterator[Rule]:
        self._asked += 1
        return iter([self._rule(self._asked)])


async def test_a_native_sentence_is_answered_without_the_model(agent: Agent, ollama: OllamaServer) -> None:
    await agent.say("turn on the reading lamp")
    await agent.hass.async_block_till_done()
    assert agent.is_lamp_on
    assert not answers(ollama)


async def test_anything_else_is_answered_by_the_model(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(when="capital", say="The capital of France is Paris.")]
    assert await agent.say("what is the capital of france") == "The capital of France is Paris."


async def test_a_native_sentence_without_a_target_goes_to_the_model_once(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="I do not know a lava lamp, sorry.")]
    assert await agent.say("turn on the lava lamp") == "I do not know a lava lamp, sorry."
    assert len(answers(ollama)) == 1


async def test_a_native_sentence_of_something_that_is_not_loaded_goes_to_the_model(
    agent: Agent, ollama: OllamaServer
) -> None:
    ollama.rules[:] = [Rule(say="It rains.")]
    assert await agent.say("what is the weather like") == "It rains."


async def test_a_second_language_is_understood_natively(home: HomeAssistant, ollama: OllamaServer) -> None:
    agent = await Agent.add(home, ollama.url, {"languages": ["de"]})
    await agent.say("schalte reading lamp ein")
    await home.async_block_till_done()
    assert agent.is_lamp_on
    assert not answers(ollama)


async def test_what_near_matches_do_not_understand_goes_to_the_model_without_a_trace(
    home: HomeAssistant, ollama: OllamaServer
) -> None:
    agent = await Agent.add(home, ollama.url, {"native": "loose"})
    ollama.rules[:] = [Rule(say="Paris.")]
    assert await agent.say("what is the capital of france") == "Paris."
    assert [message["role"] for message in answers(ollama)[-1]["messages"]] == ["system", "system", "user"]
    await agent.say("turn on the reading lamp")
    await home.async_block_till_done()
    assert agent.is_lamp_on


async def test_native_sentences_can_be_turned_off(home: HomeAssistant, ollama: OllamaServer) -> None:
    agent = await Agent.add(home, ollama.url, {"native": "none"})
    ollama.rules[:] = [Rule(say="Sorry, no.")]
    assert await agent.say("turn on the reading lamp") == "Sorry, no."
    assert not agent.is_lamp_on


async def test_a_tool_call_switches_the_lamp_and_the_model_says_so(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [
        Rule(after_tool=True, say="The reading lamp is on now."),
        Rule(when="dark", calls=(turn_on(ollama),)),
    ]
    assert await agent.say("it is too dark to read in here") == "The reading lamp is on now."
    await agent.hass.async_block_till_done()
    assert agent.is_lamp_on


async def test_a_tool_call_written_as_text_is_made_and_never_spoken(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [
        Rule(after_tool=True, say="There you go."),
        Rule(when="dark", say='```json\n{"name": "HassTurnOn", "arguments": {"name": "Reading lamp"}}\n```'),
    ]
    assert await agent.say("it is too dark to read in here") == "There you go."
    await agent.hass.async_block_till_done()
    assert agent.is_lamp_on


async def test_said_but_not_done_is_asked_about_once_and_then_admitted(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="I have turned on the disco ball.")]
    assert await agent.say("make the disco ball spin, turn on everything") == "Sorry, I did not actually do that."
    assert len(answers(ollama)) == 2


async def test_a_model_that_is_asked_again_may_still_act(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules = ChangingRules(
        lambda number: (
            Rule(say="I've turned on the lamp."),
            Rule(calls=(turn_on(ollama),)),
            Rule(after_tool=True, say="Now it is on."),
        )[number]
    )
    assert await agent.say("it is too dark to read in here") == "Now it is on."
    await agent.hass.async_block_till_done()
    assert agent.is_lamp_on


async def test_what_was_done_is_said_and_what_was_not_is_left_out(agent: Agent, ollama: OllamaServer) -> None:
    agent.hass.states.async_set("lock.front_door", "unlocked", {"friendly_name": "Front door"})
    async_expose_entity(agent.hass, conversation.DOMAIN, "lock.front_door", True)
    ollama.rules[:] = [
        Rule(after_tool=True, say="I've turned on the Reading lamp. I have locked the Front door as well."),
        Rule(when="dark", calls=(turn_on(ollama),)),
    ]
    assert (await agent.say("it is too dark to read in here")).strip() == "I've turned on the Reading lamp."


async def test_endless_tool_calls_end_after_five_rounds(agent: Agent, ollama: OllamaServer) -> None:
    call = lambda number: Call("HassTurnOn", {"name": f"Lamp {number}"})  # noqa: E731
    ollama.rules = ChangingRules(lambda number: Rule(after_tool=number > 0, calls=(call(number),)))
    assert await agent.say("please do it again and again") == "Sorry, I could not finish that."
    assert len(answers(ollama)) == 5


async def test_the_same_call_is_made_once(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(after_tool=after, calls=(turn_on(ollama),)) for after in (True, False)]
    calls = []
    agent.hass.bus.async_listen(
        "call_service", lambda event: calls.append(event) if event.data["domain"] == "light" else None
    )
    assert await agent.say("it is too dark to read in here") == "Done."
    assert len(calls) == 1


async def test_thoughts_are_not_spoken(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="<think>The person wants to know. Let me see.</think>Berlin is bigger.")]
    assert await agent.say("which is bigger, berlin or bonn") == "Berlin is bigger."


async def test_a_question_of_the_model_keeps_the_conversation_open(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="Which lamp do you mean?")]
    assert (await agent.ask("it is dark")).continue_conversation


async def test_the_model_sees_what_was_said_before_also_natively(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="You asked for the reading lamp.")]
    first = await agent.ask("turn on the reading lamp")
    await agent.ask("what did i just ask for", first.conversation_id)
    contents = [message["content"] for message in answers(ollama)[-1]["messages"]]
    assert "turn on the reading lamp" in contents
    assert speech_of(first) in contents


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.ERROR, Fault.CUT, Fault.GARBLED, Fault.NOT_DONE])
async def test_a_failing_server_is_spoken_of(agent: Agent, ollama: OllamaServer, fault: Fault) -> None:
    ollama.rules[:] = [Rule(fault=fault)]
    assert (await agent.say("tell me about paris")).startswith("Sorry, ")


async def test_a_server_that_is_away_is_logged_once_and_so_is_its_return(
    agent: Agent, ollama: OllamaServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "custom_components.hybrid_llm")
    for fault in (Fault.BUSY, Fault.BUSY, None):
        ollama.rules[:] = [Rule(say="Paris.", fault=fault)]
        await agent.say("what is the capital of france")
    logged = [one.getMessage() for one in caplog.records if one.name == "custom_components.hybrid_llm.runtime"]
    assert logged == ["Test cannot answer: cannot_connect", "Test answers again"]


async def test_what_breaks_off_after_its_first_words_is_said_to_be_broken(agent: Agent) -> None:
    lines = [b'{"message": {"content": "Paris is old. And"}}\n', b'{"message": {"content": " it"}}\n']
    async with serve_lines(lines) as url:
        agent.point_to(url)
        assert await agent.say("tell me about paris") == "Paris is old. Sorry, I lost my train of thought."


async def test_a_server_that_is_away_is_spoken_of_in_the_language_of_the_pipeline(
    agent: Agent, ollama: OllamaServer
) -> None:
    agent.point_to("http://127.0.0.1:9")
    result = await agent.ask("was ist die hauptstadt von frankreich", language="de")
    assert speech_of(result) == "Ich erreiche mein Sprachmodell gerade nicht."
    assert result.response.response_type is intent.IntentResponseType.ERROR


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("pl", "Podczas przetwarzania zapytania wystąpił nieoczekiwany błąd"),
        ("tlh", "Sorry, I cannot reach my language model right now."),
    ],
)
async def test_a_language_without_phrases_of_ours_fails_in_home_assistants_words(
    agent: Agent, language: str, said: str
) -> None:
    agent.point_to("http://127.0.0.1:9")
    assert await agent.say("nuqneH", language=language) == said


async def test_a_model_that_is_gone_is_spoken_of_and_can_be_repaired(agent: Agent, ollama: OllamaServer) -> None:
    del ollama._models["scripted:latest"]
    assert "missing" in await agent.say("what is the capital of france")
    assert ir.async_get(agent.hass).async_get_issue(DOMAIN, f"model_missing_{agent.entry.entry_id}")


async def test_a_model_without_tools_still_talks(home: HomeAssistant) -> None:
    async with OllamaServer((Rule(say="Paris."),), takes_tools=False).run() as server:
        agent = await Agent.add(home, server.url)
        assert await agent.say("what is the capital of france") == "Paris."
        assert ir.async_get(home).async_get_issue(DOMAIN, f"no_tools_{agent.entry.entry_id}")


async def test_an_answer_that_repeats_itself_is_stopped(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="It is nice. " * 200)]
    assert (await agent.say("tell me something")).count("It is nice.") == 2


async def test_names_with_quotes_and_braces_are_data(agent: Agent, ollama: OllamaServer) -> None:
    er.async_get(agent.hass).async_update_entity(LAMP, name='The "big" {{ 1 / 0 }} <|im_end|> lamp')
    await agent.hass.async_block_till_done()
    ollama.rules[:] = [Rule(say="Fine.")]
    assert await agent.say("what is the capital of france") == "Fine."
    system = answers(ollama)[-1]["messages"][0]["content"]
    assert "\"The 'big' {{ 1 / 0 }} (im_end) lamp\"" in system


async def test_a_broken_template_is_spoken_of(home: HomeAssistant, ollama: OllamaServer) -> None:
    agent = await Agent.add(home, ollama.url, {"prompt": "{{ 1 / 0 }}"})
    assert await agent.say("what is the capital of france") == "Sorry, I have no answer to that."


async def test_five_hundred_entities_stay_within_the_context(agent: Agent, ollama: OllamaServer) -> None:
    for number in range(500):
        agent.hass.states.async_set(
            f"light.lamp_{number}", "off", {"friendly_name": f"Lamp number {number} of the long corridor"}
        )
        async_expose_entity(agent.hass, conversation.DOMAIN, f"light.lamp_{number}", True)
    ollama.rules[:] = [Rule(say="Fine.")]
    assert await agent.say("what is the capital of france") == "Fine."
    request = answers(ollama)[-1]
    assert len(str(request["messages"]) + str(request["tools"])) / 3 < 8192
    assert "Left out for lack of room: " in request["messages"][0]["content"]


async def test_a_reload_in_the_middle_of_a_turn_lets_it_end(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="Slowly but surely.", wait_seconds=0.5)]
    asking = agent.hass.async_create_task(agent.say("tell me a story"))
    await until(lambda: answers(ollama))
    assert await agent.hass.config_entries.async_reload(agent.entry.entry_id)
    assert await asking == "Slowly but surely."


async def test_an_agent_that_is_removed_in_the_middle_of_a_turn_still_answers(
    agent: Agent, ollama: OllamaServer
) -> None:
    ollama.rules[:] = [Rule(say="Slowly but surely.", wait_seconds=0.5)]
    asking = agent.hass.async_create_task(agent.say("tell me a story"))
    await until(lambda: answers(ollama))
    await agent.hass.config_entries.async_remove(agent.entry.entry_id)
    assert await asking == "Slowly but surely."


async def test_two_agents_answer_by_their_own_servers(home: HomeAssistant, ollama: OllamaServer) -> None:
    async with OllamaServer((Rule(say="I am the other."),)).run() as other:
        ollama.rules[:] = [Rule(say="I am the one.")]
        one, two = await Agent.add(home, ollama.url), await Agent.add(home, other.url)
        assert await one.say("who are you") == "I am the one."
        assert await two.say("who are you") == "I am the other."
