"""Prompts go through the mind role in one process without brokers; a scripted intent daemon answers them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.bridge.scripted_models import (
    ANSWER,
    CUT,
    DELEGATE,
    ERROR,
    PIECES,
    REFUSE,
    STALL,
    Script,
    serve_model,
)
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.interface import Buses, Consumer
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.messages import ModelJob, ModelPrompt, ResponseDelta, ResponseFinal, Result
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.mind.role import MindRole
from wyoming_rosie_bridge.mind.settings import MindSettings
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.worker import run_stage

SECONDS = 60.0
FINALS = Consumer(names.RESPONSES_STREAM, "test-finals", f"{names.LLM_RESPONSE}.*")
RESULTS = Consumer(names.RESULTS_STREAM, "test-results", f"{names.AUTOMATION_RESULT}.>")
COMMAND, TALK = "turn on the kitchen light", "tell me a joke"
AWAY = "tcp://127.0.0.1:1"


class Mind:
    """A bridge in memory, and what became of its prompts."""

    def __init__(self, buses: Buses) -> None:
        self.buses = buses
        self._finals, self._results = buses.events.source(FINALS), buses.events.source(RESULTS)

    async def ask(self, text: str, session: str = "s1", **changes: Any) -> str:
        """Send a prompt; return its key."""
        key, about = uuid4().hex, {"now": time.time(), "deadline": changes.pop("deadline", None)}
        envelope = schema.wrap(ModelPrompt(text, session, **changes), key=key, source="test", **about)
        await self.buses.jobs.add(names.LLM_INCOMING, envelope)
        return key

    async def final(self) -> tuple[Envelope, ResponseFinal]:
        async with asyncio.timeout(SECONDS):
            while not (taken := await self._finals.take(1, 1.0)):
                pass
        await taken[0].ack()
        return taken[0].envelope, schema.unwrap(ResponseFinal, taken[0].envelope)

    async def answer_to(self, text: str, **changes: Any) -> ResponseFinal:
        key = await self.ask(text, **changes)
        envelope, final = await self.final()
        assert envelope.key == key
        return final

    async def result(self) -> tuple[str, Result]:
        async with asyncio.timeout(SECONDS):
            while not (taken := await self._results.take(1, 1.0)):
                pass
        await taken[0].ack()
        return taken[0].envelope.key, schema.unwrap(Result, taken[0].envelope)

    async def deliver_again(self, text: str, key: str, *, allow_tools: bool) -> None:
        """Send a job as a redelivery of one that was routed before."""
        job = ModelJob(ModelPrompt(text, "s1"), "tools", 1.0, allow_tools=allow_tools)
        envelope = schema.wrap(job, key=key, source="test", now=time.time(), deadline=time.time() + 30)
        await self.buses.events.publish(names.route_subject("tools"), envelope, uuid4().hex)


@asynccontextmanager
async def mind_with(*uris: str, **changes: Any) -> AsyncIterator[Mind]:
    settings = replace(MindSettings(), **{"intent_uri": uris, **changes})
    buses = create_memory_buses()
    context = BridgeContext(buses, StageMetrics(Metrics()))
    mind = Mind(buses)
    async with AsyncExitStack() as stack:
        for stage in MindRole(settings, context).stages():
            await stack.enter_async_context(run_beside(run_stage(stage, context.metrics)))
        yield mind


@pytest.fixture
async def model() -> AsyncIterator[Script]:
    async with serve_model() as script:
        yield script


@pytest.fixture
async def mind(model: Script) -> AsyncIterator[Mind]:
    async with mind_with(model.uri) as made:
        yield made


async def test_a_prompt_is_routed_answered_in_pieces_and_ended_once(mind: Mind, model: Script) -> None:
    async with mind.buses.events.listen(f"{names.response_subject('s1')}.>") as heard:
        final = await mind.answer_to(COMMAND, area="Kitchen", language="en")
        async with asyncio.timeout(SECONDS):
            deltas = [schema.unwrap(ResponseDelta, await anext(heard)) for _ in PIECES]
    assert deltas == [ResponseDelta(number, text) for number, text in enumerate(PIECES)]
    assert (final.text, final.ok, final.route, final.error) == (ANSWER, True, "automation", None)
    assert final.reasons[0] == "automation +0.8: turns a device on or off"
    (question,) = model.questions
    assert question.data["language"] == "en"
    context = question.data["context"]
    assert (context["conversation_id"], context["area"], context["allow_tools"]) == ("s1", "Kitchen", True)


async def test_harm_is_answered_kindly_and_reaches_no_model(mind: Mind, model: Script) -> None:
    final = await mind.answer_to("ich will mich umbringen", language="de")
    assert (final.ok, final.error, final.reasons) == (False, "blocked", ("unsafe: self-harm",))
    assert "Telefonseelsorge" in final.text
    assert model.questions == []


async def test_an_expired_prompt_is_not_begun_and_the_person_is_told(mind: Mind, model: Script) -> None:
    final = await mind.answer_to(COMMAND, deadline=time.time() - 1)
    assert (final.ok, final.error) == (False, "expired")
    assert model.questions == []


async def test_a_prompt_whose_daemon_stays_away_expires() -> None:
    async with mind_with(AWAY) as mind:
        assert (await mind.answer_to(COMMAND, deadline=time.time() + 1)).error == "expired"


@pytest.mark.parametrize("text", [COMMAND, TALK])
async def test_the_next_daemon_is_asked_when_the_first_cannot_be_reached(model: Script, text: str) -> None:
    async with mind_with(AWAY, model.uri) as mind:
        assert (await mind.answer_to(text)).ok


def patience_for(fault: str) -> float:
    """Return the seconds in which a daemon has to answer: few only where one never does."""
    return 2.0 if fault == STALL else SECONDS


@pytest.mark.parametrize("fault", [STALL, CUT, ERROR, REFUSE])
async def test_talk_goes_on_to_the_next_daemon_when_one_fails(fault: str) -> None:
    async with (
        serve_model(fault) as first,
        serve_model() as second,
        mind_with(first.uri, second.uri, first_answer_seconds=patience_for(fault)) as mind,
    ):
        final = await mind.answer_to(TALK)
    assert (final.text, final.ok) == (ANSWER, True)
    assert len(first.questions) == len(second.questions) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [(STALL, "interrupted"), (CUT, "interrupted"), (ERROR, "engine"), (REFUSE, "not-handled"), (DELEGATE, "no-actor")],
)
async def test_after_a_tool_may_have_run_nobody_else_is_asked(fault: str, error: str) -> None:
    async with (
        serve_model(fault) as first,
        serve_model() as second,
        mind_with(first.uri, second.uri, first_answer_seconds=patience_for(fault)) as mind,
    ):
        final = await mind.answer_to(COMMAND)
        assert (final.ok, final.error) == (False, error)
        assert final.text
    assert len(first.effects) == 1
    assert second.questions == []


async def test_a_daemon_that_fails_three_times_is_left_alone() -> None:
    async with serve_model(*[ERROR] * 9) as first, serve_model() as second, mind_with(first.uri, second.uri) as mind:
        for _ in range(5):
            assert (await mind.answer_to(TALK)).ok
    assert (len(first.questions), len(second.questions)) == (3, 5)


async def test_the_cloud_is_asked_only_if_the_prompt_allows_it(model: Script) -> None:
    async with mind_with(AWAY, cloud_uri=model.uri) as mind:
        assert (await mind.answer_to(TALK, deadline=time.time() + 1)).error == "expired"
        assert (await mind.answer_to(TALK, allow_cloud=True)).ok
    assert len(model.questions) == 1


async def test_a_prompt_without_tools_only_talks_about_a_command(mind: Mind, model: Script) -> None:
    assert (await mind.answer_to(COMMAND, allow_tools=False)).route == "chat.small"
    assert model.effects == []


@pytest.mark.parametrize("allow_tools", [True, False])
async def test_a_redelivery_after_the_end_publishes_the_same_answer(
    mind: Mind, model: Script, *, allow_tools: bool
) -> None:
    key = await mind.ask(COMMAND)
    _, first = await mind.final()
    mind.buses.events._published.clear()  # type: ignore[attr-defined]  # the time in which a duplicate is known is over
    await mind.deliver_again(COMMAND, key, allow_tools=allow_tools)
    assert (await mind.final())[1] == first
    assert len(model.questions) == 1


async def test_a_recorded_answer_is_published_although_the_daemon_is_away() -> None:
    async with mind_with(AWAY) as mind:
        recorded = ResponseFinal("It is done.", True, "tools")
        await mind.buses.jobs.decide("final:llm:k1", json.dumps(schema.to_data(recorded)))
        await mind.deliver_again(COMMAND, "k1", allow_tools=True)
        assert (await mind.final())[1] == recorded


async def test_a_redelivery_of_what_was_begun_and_never_ended_is_not_begun_again(mind: Mind, model: Script) -> None:
    await mind.buses.jobs.decide("effect:llm:k1", "started:by-another")
    await mind.deliver_again(COMMAND, "k1", allow_tools=True)
    envelope, final = await mind.final()
    assert (envelope.key, final.ok, final.error) == ("k1", False, "interrupted")
    assert "do not know whether" in final.text
    assert model.questions == []


async def test_a_redelivered_prompt_is_not_called_expired_once_it_was_routed(mind: Mind) -> None:
    await mind.buses.jobs.decide("route:k1", "passed")
    envelope = schema.wrap(
        ModelPrompt(COMMAND, "s1"), key="k1", source="test", now=time.time(), deadline=time.time() - 1
    )
    await mind.buses.jobs.add(names.LLM_INCOMING, envelope, "test:k1")
    _, final = await mind.final()
    assert (final.error, final.route) == ("expired", "automation")  # by the worker, which knows whether it was begun


async def test_a_spoken_prompt_ends_its_utterance(mind: Mind) -> None:
    key = await mind.ask(COMMAND, origin="voice", device_id="kitchen")
    await mind.final()
    ended, result = await mind.result()
    assert ended == key
    assert (result.outcome, result.ok, result.message, result.device_id) == ("done", True, ANSWER, "kitchen")


async def test_a_spoken_prompt_that_is_too_late_ends_as_expired(mind: Mind) -> None:
    await mind.ask(COMMAND, origin="voice", device_id="kitchen", deadline=time.time() - 1)
    assert (await mind.result())[1].outcome == "expired"


@pytest.mark.parametrize(
    ("text", "error"),
    [("a" * 90_000, "too-long"), ("turn on\0 the\x1b kitchen\ud800 light", None), ("", None), ("\0\0", None)],
    ids=["huge", "control characters", "empty", "null bytes"],
)
async def test_hostile_texts_are_answered(mind: Mind, model: Script, text: str, error: str | None) -> None:
    assert (await mind.answer_to(text)).error == error
    assert not any("\0" in str(question.data["text"]) for question in model.questions)


@pytest.mark.parametrize("session", ["*", ">", "a.b.c", "llm.route.tools", "", "../x", "s " * 500, "客厅"])
async def test_no_session_reaches_another_subject(mind: Mind, session: str) -> None:
    async with mind.buses.events.listen(">") as heard:
        key = await mind.ask(TALK, session)
        envelope, _ = await mind.final()
        assert envelope.key == key
        async with asyncio.timeout(SECONDS):
            schemas = [(await anext(heard)).schema for _ in range(2 + len(PIECES))]
    assert schemas == ["rosie.v1.llm.job", *["rosie.v1.llm.delta"] * len(PIECES), "rosie.v1.llm.final"]


async def test_a_hostile_area_language_or_device_does_not_break_the_question(mind: Mind, model: Script) -> None:
    final = await mind.answer_to(TALK, area="x" * 5000, language="en\r\nx", device_id="y" * 5000)
    assert final.ok
    (question,) = model.questions
    assert question.data.get("language") is None
    assert len(question.data["context"]["area"]) == 128


async def test_a_prompt_that_is_no_prompt_becomes_a_dead_letter(mind: Mind) -> None:
    envelope = Envelope("rosie.v1.llm.prompt", "k1", time.time(), "test", "k1", {"text": 7})
    await mind.buses.jobs.add(names.LLM_INCOMING, envelope)
    assert (await mind.answer_to(TALK)).ok
    (letter,) = await mind.buses.dead_letters[0].list(10)
    assert (letter.place, letter.reason) == (names.LLM_INCOMING, "bad-message")
