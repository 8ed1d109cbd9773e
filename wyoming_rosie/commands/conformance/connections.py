"""Conformance checks of connections, the same for every role."""

import asyncio
from contextlib import AsyncExitStack

from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping

from wyoming_rosie.commands.conformance.checks import Check, CheckFindingError, ConformanceError, RoleSpec
from wyoming_rosie.commands.conformance.target import HOME_ASSISTANT_SECONDS, BadInputResponse, CheckTarget
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.protocol.wire import encode

SLOW_SECONDS = 1.0
"""Home Assistant of early 2025 waits this long for an info."""
MANY_CONNECTIONS = 20


def create_checks(role: RoleSpec) -> tuple[Check, ...]:
    """Return the checks; some keep the program busy with an ordinary request of its role."""

    async def check_describe_while_busy(target: CheckTarget) -> str:
        async with connect(target.uri) as peer:
            for event in role.request(target):
                await peer.send(event)
            slowest = await _max_latency(target, 10)
            await peer.wait_for(*role.answers, seconds=target.seconds)
        return _format_latency(slowest)

    async def check_describe_in_request(target: CheckTarget) -> str:
        events = list(role.request(target))
        async with connect(target.uri) as peer:
            for event in events[: len(events) // 2]:
                await peer.send(event)
            await peer.send(Describe().event())
            try:
                await peer.wait_for("info", seconds=HOME_ASSISTANT_SECONDS)
            except UnreachableError as err:
                raise CheckFindingError(str(err)) from err
            for event in events[len(events) // 2 :]:
                await peer.send(event)
            answer = await peer.wait_for(*role.answers, seconds=target.seconds)
        return f"info, then {answer.type}"

    async def check_concurrent_requests(target: CheckTarget) -> str:
        answers = await asyncio.gather(*(target.send_request(role.request(target), *role.answers) for _ in range(2)))
        return " and ".join(answer.type for answer in answers)

    async def check_disconnect(target: CheckTarget) -> str:
        events = list(role.request(target))
        for _ in range(3):
            async with connect(target.uri) as peer:
                for event in events[: len(events) // 2 + 1]:
                    await peer.send(event)
        answer = await target.send_request(events, *role.answers)
        return f"the next gets {answer.type}"

    busy = (
        Check(
            "describe while busy",
            "Home Assistant shows it as unavailable while it works",
            check_describe_while_busy,
        ),
        Check(
            "describe during a request",
            "a client that asks during a request gets no answer",
            check_describe_in_request,
        ),
        Check("a client that leaves", "the next request waits for one whose client has disconnected", check_disconnect),
    )
    if role.answers == ("played",):  # a satellite has one conductor
        return (*COMMON, *busy)
    return (
        *COMMON,
        *busy,
        Check("two requests at once", "two rooms cannot speak at the same time", check_concurrent_requests),
    )


async def check_describe(target: CheckTarget) -> str:
    """Measure the latency of describe on an idle program."""
    return _format_latency(await _max_latency(target, 5))


async def check_many_connections(target: CheckTarget) -> str:
    """Send describe on many connections at once."""
    slowest = max(await asyncio.gather(*(target.measure_describe() for _ in range(MANY_CONNECTIONS))))
    return f"{MANY_CONNECTIONS} connections, the slowest {_format_latency(slowest)}"


async def check_idle_connections(target: CheckTarget) -> str:
    """Send describe beside idle connections."""
    async with AsyncExitStack() as stack:
        for _ in range(MANY_CONNECTIONS):
            await stack.enter_async_context(connect(target.uri))
        return _format_latency(await target.measure_describe())


async def check_second_describe(target: CheckTarget) -> str:
    """Send describe several times on one connection."""
    async with connect(target.uri) as peer:
        for _ in range(3):
            await peer.send(Describe().event())
            await peer.wait_for("info", seconds=HOME_ASSISTANT_SECONDS)
    return "yes"


async def check_unknown_events(target: CheckTarget) -> str:
    """Send events that a later version of the protocol may add."""
    async with connect(target.uri) as peer:
        await peer.send(Event("event-of-the-future", {"new": [1, {"deep": None}]}, b"payload"))
        await peer.send(Event("describe", {"asked_by": "wyoming-rosie check"}))
        await peer.wait_for("info", seconds=HOME_ASSISTANT_SECONDS)
    return "ignored"


async def check_split_events(target: CheckTarget) -> str:
    """Send an event one byte at a time, then one with its data in the header line."""
    whole = encode(Describe().event())
    inline = b'{"type": "describe", "data": {"a": 1}, "version": "99.0"}\r\n'
    for pieces in ([whole[at : at + 1] for at in range(len(whole))], [inline]):
        reaction, answer = await target.send_raw(*pieces)
        if (reaction, answer) != (BadInputResponse.ANSWERED, "info"):
            raise CheckFindingError(f"{reaction} {answer}".strip())
    return "yes"


async def check_ping(target: CheckTarget) -> str:
    """Send a ping, as Home Assistant does to satellites only."""
    error_class = ConformanceError if target.role == "satellite" else CheckFindingError
    async with connect(target.uri) as peer:
        await peer.send(Ping(text="check").event())
        try:
            pong = await peer.wait_for("pong", seconds=HOME_ASSISTANT_SECONDS / 2)
        except UnreachableError as err:
            raise error_class("no pong") from err
    if pong.data.get("text") != "check":
        raise CheckFindingError("the pong does not repeat the ping's text")
    return "pong"


async def _max_latency(target: CheckTarget, times: int) -> float:
    return max([await target.measure_describe() for _ in range(times)])


def _format_latency(seconds: float) -> str:
    if seconds > SLOW_SECONDS:
        raise CheckFindingError(f"{seconds:.1f} s")
    return f"{1000 * seconds:.0f} ms"


COMMON = (
    Check(
        "describe is answered",
        "Home Assistant shows it as unavailable after 5 s, older versions after 1 s",
        check_describe,
    ),
    Check("a second describe", "a client that keeps its connection open gets no second answer", check_second_describe),
    Check("many connections", "Home Assistant asks every 30 s, beside the connections in use", check_many_connections),
    Check("idle connections", "clients that only connect keep all others out", check_idle_connections),
    Check("unknown events", "the next version of the protocol breaks it", check_unknown_events),
    Check("events in fragments", "a slow network, or a client in another language, breaks it", check_split_events),
    Check(
        "ping", "Home Assistant drops a satellite after 5 s; other clients cannot tell whether it is alive", check_ping
    ),
)
