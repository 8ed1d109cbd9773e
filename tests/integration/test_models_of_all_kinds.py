"""The intent daemon with models that never stop, repeat themselves, support no tools, or write half a call."""

from collections.abc import Mapping

import pytest
from wyoming.event import Event

from tests.conftest import OpenPeer, StartDaemon
from tests.ollama_script import Fault, Rule
from tests.ollama_server import OllamaServer
from wyoming_rosie.protocol.client import Client
from wyoming_rosie_intent.llm.output.answer_length import MAX_SECONDS, OFFER_SECONDS, estimate_speech_seconds

pytestmark = pytest.mark.long

KITCHEN = {"area": "kitchen", "conversation_id": "c1"}
ENDS = ("handled-stop", "not-handled", "not-recognized", "intent", "error")
LIGHT = "is the kitchen light on"
HISTORY = " ".join(f"In the year {1000 + one} the bridge number {one} was built by the people." for one in range(90))
"""Six minutes of speech."""


def model(server: OllamaServer, *more: str) -> tuple[str, ...]:
    return ("--local.model", "scripted", "--local.url", server.url, "--no-warm-up", "--no-fillers", *more)


async def say(peer: Client, text: str, context: Mapping[str, str] = KITCHEN) -> Event:
    """Return the whole answer."""
    await peer.send(Event("transcript", {"text": text, "context": dict(context)}))
    answer: list[Event] = []
    while not (answer and _is_whole(answer)):
        answer.append(await peer.receive(60))
    return answer[-2] if answer[-1].type == "handled-stop" else answer[-1]


def _is_whole(answer: list[Event]) -> bool:
    is_streamed = any(event.type == "handled-start" for event in answer)
    return answer[-1].type in ENDS or (answer[-1].type == "handled" and not is_streamed)


async def test_a_long_answer_stops_after_a_minute_and_goes_on_after_a_yes(daemon: StartDaemon, peer: OpenPeer) -> None:
    rules = (Rule("wants to hear the rest", "And today it has ninety bridges."), Rule("history", HISTORY))
    async with OllamaServer(rules).run() as server:
        client = await peer((await daemon("intent", *model(server))).uri)
        first = await say(client, "what is the history of the town")
        rest = await say(client, "yes")
        asked = server.requests_to("/api/chat")
    assert first.data["text"].endswith("by the people. Shall I go on?")
    assert first.data["context"]["expects_reply"] is True
    assert OFFER_SECONDS <= estimate_speech_seconds(first.data["text"]) < MAX_SECONDS
    assert rest.data["text"] == "And today it has ninety bridges."
    assert rest.data["context"]["expects_reply"] is False
    assert first.data["text"] in str(asked[1].data["messages"])
    assert all(request.data["options"]["num_predict"] == 1024 for request in asked)


async def test_a_no_to_the_rest_is_taken(daemon: StartDaemon, peer: OpenPeer) -> None:
    async with OllamaServer((Rule("history", HISTORY),)).run() as server:
        client = await peer((await daemon("intent", *model(server))).uri)
        await say(client, "what is the history of the town")
        assert (await say(client, "no")).data["text"] == "Okay, I will leave it."
        assert len(server.requests_to("/api/chat")) == 1


async def test_the_offer_is_in_the_language_of_the_answer(daemon: StartDaemon, peer: OpenPeer) -> None:
    rules = (Rule("rest of your", "Und heute hat sie neunzig Brücken."), Rule("geschichte", HISTORY))
    async with OllamaServer(rules).run() as server:
        started = await daemon("intent", *model(server))
        client = await peer(started.uri)
        german = {**KITCHEN, "language": "de"}
        first = await say(client, "erzähl mir die Geschichte der Stadt", german)
        rest = await say(client, "ja", german)
    assert first.data["text"].endswith("Soll ich weitererzählen?")
    assert rest.data["text"] == "Und heute hat sie neunzig Brücken."


async def test_a_model_that_goes_round_in_a_circle_is_stopped(daemon: StartDaemon, peer: OpenPeer) -> None:
    circle = Rule(say="I am here to help you. " * 1000)
    async with OllamaServer((circle,)).run() as server:
        client = await peer((await daemon("intent", *model(server))).uri)
        answer = await say(client, "xyzzy and plugh")
    assert answer.data["text"].count("I am here to help you.") <= 3
    assert answer.data["context"]["expects_reply"] is False


async def test_a_model_without_tools_acts_through_the_rules(daemon: StartDaemon, peer: OpenPeer) -> None:
    rules = (
        Rule("lamp at the stove", "COMMAND: turn on the Kitchen Light"),
        Rule("dark", "COMMAND: turn off the Kitchen Light"),
        Rule("france", "Paris is the capital of France."),
    )
    async with OllamaServer(rules, takes_tools=False).run() as server:
        started = await daemon("intent", *model(server))
        client = await peer(started.uri)
        assert (await say(client, "what is the capital of France")).data["text"] == "Paris is the capital of France."
        did = await say(client, "switch on the lamp at the stove")
        assert did.data["text"] == "Turned on the Kitchen Light."
        assert did.data["context"]["intent"] == "HassTurnOn"
        assert (await say(client, LIGHT)).data["text"] == "Yes, the Kitchen Light is on."
        # nobody asked for this one
        asked = await say(client, "it should be dark in here")
        assert asked.data["text"] == "Shall I turn off the Kitchen Light?"
        assert asked.data["context"]["expects_reply"] is True
        assert (await say(client, LIGHT)).data["text"] == "Yes, the Kitchen Light is on."
        await say(client, "it should be dark in here")
        assert (await say(client, "yes")).data["text"] == "Turned off the Kitchen Light."
        sent = [bool(request.data.get("tools")) for request in server.requests_to("/api/chat")]
    assert sent == [True, *[False] * (len(sent) - 1)]
    assert [line["reason"] for line in started.log if "does not support tools" in line["event"]] == [
        "local (scripted): the model supports no tools (status 400)"
    ]


async def test_half_calls_in_one_room_do_not_take_the_model_from_another(daemon: StartDaemon, peer: OpenPeer) -> None:
    async with OllamaServer((Rule(say="Paris is the capital of France."),)).run() as server:
        uri = (await daemon("intent", *model(server))).uri
        kitchen, office = await peer(uri), await peer(uri)
        for number in range(4):
            server.faults.extend((Fault.UNPARSED, Fault.UNPARSED))
            failed = await say(kitchen, f"question {number} about France")
            assert "Sorry, I have no answer to that." in failed.data["text"]
        other = {"area": "office", "conversation_id": "c2"}
        assert (await say(office, "what is the capital of France", other)).data["text"].startswith("Paris")


async def test_a_busy_model_is_said_to_be_away_and_answers_the_next_time(daemon: StartDaemon, peer: OpenPeer) -> None:
    async with OllamaServer((Rule(say="Paris is the capital of France."),)).run() as server:
        client = await peer((await daemon("intent", *model(server))).uri)
        server.faults.append(Fault.BUSY)
        failed = await say(client, "what is the capital of France")
        assert failed.type == "not-handled"
        assert "Sorry" in failed.data["text"]
        assert (await say(client, "what is the capital of France")).data["text"].startswith("Paris")
