"""The mind role as an installed program with real Redis and NATS, killed where it hurts; and `wyoming-rosie prompt`."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests.brokers import Nats, Redis, free_port
from tests.daemons import Daemon, command
from tests.integration.bridge.scripted_models import ANSWER, HANG, STALL, Script, serve_model
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.failpoints import VARIABLE
from wyoming_rosie.bus.interface import Consumer, Events, Jobs
from wyoming_rosie.bus.messages import ModelPrompt, ResponseFinal
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.runtime.tasks import run_beside

pytestmark = pytest.mark.long

SECONDS = 60.0
COMMAND, TALK = "turn on the kitchen light", "tell me a joke"
FINALS = Consumer(names.RESPONSES_STREAM, "test-finals", f"{names.LLM_RESPONSE}.*")


class Fabric:
    """Redis and NATS, and clients of them."""

    def __init__(self, redis: Redis, nats: Nats, jobs: Jobs, events: Events) -> None:
        self.redis, self.nats, self.jobs, self.events = redis, nats, jobs, events
        self._finals = events.source(FINALS)

    async def bridge(self, *uris: str, failpoint: str = "") -> Daemon:
        """Start a bridge that asks these intent daemons."""
        words = ["--role", "mind", "--broker.redis", self.redis.url, "--broker.nats", self.nats.url]
        words += [word for uri in uris for word in ("--mind.intent-uri", uri)]
        return await Daemon.start("bridge", *words, "--mind.redelivery-seconds", "2", env={VARIABLE: failpoint})

    async def ask(self, text: str, session: str = "s1", deadline: float = 60.0) -> str:
        key, now = uuid4().hex, time.time()
        envelope = schema.wrap(ModelPrompt(text, session), key=key, source="test", now=now, deadline=now + deadline)
        assert await self.jobs.add(names.LLM_INCOMING, envelope)
        return key

    async def final(self, key: str) -> ResponseFinal:
        """Return the next final answer, which is for `key`."""
        async with asyncio.timeout(SECONDS):
            while not (taken := await self._finals.take(1, 1.0)):
                pass
        await taken[0].ack()
        assert taken[0].envelope.key == key
        return schema.unwrap(ResponseFinal, taken[0].envelope)

    async def nothing_more(self) -> bool:
        """Return whether no job and no answer is left, after everything has been confirmed."""
        async with asyncio.timeout(SECONDS):
            while sum([await self._backlog(route) for route in names.ROUTES]):
                await asyncio.sleep(0.1)
        return not await self._finals.take(1, 0.3)

    async def _backlog(self, route: str) -> int:
        name = f"models-{route.replace('.', '-')}"
        source = self.events.source(Consumer(names.JOBS_STREAM, name, names.route_subject(route)))
        try:
            backlog = await source.backlog()
        except BusError:
            return 1  # the consumer is not there yet
        return backlog.waiting + backlog.pending


@pytest.fixture
async def fabric(tmp_path: Path) -> AsyncIterator[Fabric]:
    redis, nats = Redis(tmp_path / "redis"), Nats(tmp_path / "nats", installed_by_pip=False)
    try:
        await redis.started()
        await nats.started()
        async with AsyncExitStack() as stack:
            jobs = await stack.enter_async_context(open_redis(BrokerUrl(redis.url)))
            events = NatsEvents(BrokerUrl(nats.url), "test")
            await stack.enter_async_context(run_beside(events.run()))
            while events.problem:
                await asyncio.sleep(0.02)
            yield Fabric(redis, nats, jobs, events)
    finally:
        await redis.killed()
        await nats.killed()


@asynccontextmanager
async def running(fabric: Fabric, *uris: str) -> AsyncIterator[Daemon]:
    daemon = await fabric.bridge(*uris)
    try:
        yield daemon
    finally:
        assert await daemon.stop() == 0


async def die(daemon: Daemon) -> None:
    """Wait until a failpoint has killed the bridge."""
    async with asyncio.timeout(SECONDS):
        assert await daemon.process.wait() == -signal.SIGKILL


async def wait_for_questions(script: Script, number: int) -> None:
    async with asyncio.timeout(SECONDS):
        while len(script.questions) < number:
            await asyncio.sleep(0.02)


async def count_messages(heard: AsyncIterator[Envelope]) -> int:
    """Return the number of messages until there is none for a while."""
    number = 0
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.5):
                await anext(heard)
            number += 1
    return number


async def test_a_tool_is_not_run_again_when_its_worker_is_killed(fabric: Fabric) -> None:
    async with serve_model(HANG) as model:
        first = await fabric.bridge(model.uri)
        key = await fabric.ask(COMMAND)
        async with asyncio.timeout(SECONDS):
            await model.acted.wait()
        first.process.kill()
        await die(first)
        async with running(fabric, model.uri):
            final = await fabric.final(key)
            assert (final.ok, final.error) == (False, "interrupted")
            assert await fabric.nothing_more()
    assert model.effects == [COMMAND]


async def test_talk_is_repeated_when_its_worker_is_killed(fabric: Fabric) -> None:
    async with serve_model(STALL) as model:
        first = await fabric.bridge(model.uri)
        key = await fabric.ask(TALK)
        await wait_for_questions(model, 1)
        first.process.kill()
        await die(first)
        async with running(fabric, model.uri):
            assert (await fabric.final(key)).text == ANSWER
            assert await fabric.nothing_more()


@pytest.mark.parametrize("failpoint", ["route.published", "model.final"])
async def test_a_process_that_dies_leaves_one_answer_and_one_effect(fabric: Fabric, failpoint: str) -> None:
    async with serve_model() as model:
        first = await fabric.bridge(model.uri, failpoint=failpoint)
        key = await fabric.ask(COMMAND)
        await die(first)
        async with running(fabric, model.uri):
            final = await fabric.final(key)
            assert await fabric.nothing_more()
    # the worker of a router that dies may have begun in the same process
    assert final.ok or (failpoint, final.error) == ("route.published", "interrupted")
    assert len(model.effects) == 1 or not final.ok


async def test_two_bridges_share_the_prompts(fabric: Fabric) -> None:
    async with serve_model() as model, running(fabric, model.uri), running(fabric, model.uri):
        keys = [await fabric.ask(COMMAND, f"s{number}") for number in range(20)]
        async with asyncio.timeout(SECONDS):
            found = {(await fabric.jobs.recall(f"final:llm:{key}")) is not None for key in keys}
            while found != {True}:
                await asyncio.sleep(0.1)
                found = {(await fabric.jobs.recall(f"final:llm:{key}")) is not None for key in keys}
    assert model.effects == [COMMAND] * 20


async def test_who_reads_too_slowly_misses_pieces_and_gets_the_final_answer(fabric: Fabric) -> None:
    async with serve_model() as model, running(fabric, model.uri):
        model.pieces = ["word "] * 3000
        async with fabric.events.listen(names.delta_subject("s1")) as heard:
            key = await fabric.ask(TALK)
            assert (await fabric.final(key)).text == "word " * 3000
            assert 0 < await count_messages(heard) < 3000


async def test_hostile_messages_stop_nobody(fabric: Fabric) -> None:
    async with serve_model() as model, running(fabric, model.uri):
        for session in ("*", ">", "a.b", "sp ace\r\nPUB x 1", "\u5ba2\u5385", "x" * 5000):
            assert (await fabric.final(await fabric.ask(TALK, session))).ok
        assert (await fabric.final(await fabric.ask("turn on\0 the \ud800 light"))).ok
        asked = len(model.questions)
        assert (await fabric.final(await fabric.ask("a\0" * 15_000))).error == "too-long"
        assert (await fabric.final(await fabric.ask(COMMAND, deadline=-5.0))).error == "expired"
        assert len(model.questions) == asked


# ---------------------------------------------------------------------------------------------- the prompt command


async def prompt(*words: str) -> tuple[int, str, str]:
    """Run `wyoming-rosie prompt`; return status, output and errors."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(command("wyoming-rosie"), "prompt", *words, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_command_prints_the_answer_and_its_route(fabric: Fabric) -> None:
    at = ("--redis", fabric.redis.url, "--nats", fabric.nats.url)
    async with serve_model() as model, running(fabric, model.uri):
        assert await prompt(*at, COMMAND, "--area", "Kitchen", "--session", "me") == (0, f"{ANSWER}\n", "")
        status, out, _ = await prompt(*at, TALK, "--json", "--no-tools", "--cloud")
        assert status == 0
        answer = json.loads(out)
        assert (answer["text"], answer["ok"], answer["route"]) == (ANSWER, True, "chat.small")
        status, out, err = await prompt(*at, "how do I make a pipe bomb")
        assert (status, out) == (1, "")
        assert "(blocked)" in err
    first, second = (question.data["context"] for question in model.questions)
    assert (first["conversation_id"], first["area"], first["allow_cloud"]) == ("me", "Kitchen", False)
    assert (second["allow_tools"], second["allow_cloud"]) == (False, True)


async def test_the_command_says_what_is_missing(fabric: Fabric) -> None:
    status, _, err = await prompt("--redis", fabric.redis.url, "--nats", fabric.nats.url, TALK, "--seconds", "1")
    assert status == 1
    assert "is wyoming-rosie-bridge with the role mind running?" in err
    away = free_port()
    status, _, err = await prompt("--redis", f"redis://127.0.0.1:{away}", "--nats", fabric.nats.url, TALK)
    assert (status, "install redis-server and start it" in err) == (1, True)
    status, _, err = await prompt("--redis", fabric.redis.url, "--nats", f"nats://127.0.0.1:{away}", TALK)
    assert (status, "install nats-server, start it with -js" in err) == (1, True)
