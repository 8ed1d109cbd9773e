"""What every program must do about connections, whatever it is for."""

import asyncio
from contextlib import AsyncExitStack

from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping

from wyoming_rosie.commands.conformance.outcome import Check, FaultError, FlawError
from wyoming_rosie.commands.conformance.role import Role
from wyoming_rosie.commands.conformance.target import HOME_ASSISTANT_SECONDS, Reaction, Target
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.protocol.wire import encode

SLOW_SECONDS = 1.0
"""Home Assistant of early 2025 waits no longer for an info."""
AT_ONCE = 20


def checks(role: Role) -> tuple[Check, ...]:
    """Return the checks, which keep the program busy with its role's own request."""

    async def while_busy(target: Target) -> str:
        async with connect(target.uri) as peer:
            for event in role.request(target):
                await peer.send(event)
            slowest = await _slowest(target, 10)
            await peer.wait_for(*role.answers, seconds=target.seconds)
        return _in_time(slowest)

    async def in_the_middle(target: Target) -> str:
        events = list(role.request(target))
        async with connect(target.uri) as peer:
            for event in events[: len(events) // 2]:
                await peer.send(event)
            await peer.send(Describe().event())
            try:
                await peer.wait_for("info", seconds=HOME_ASSISTANT_SECONDS)
            except UnreachableError as err:
                raise FlawError(str(err)) from err
            for event in events[len(events) // 2 :]:
                await peer.send(event)
            answer = await peer.wait_for(*role.answers, seconds=target.seconds)
        return f"info, then {answer.type}"

    async def two_at_once(target: Target) -> str:
        answers = await asyncio.gather(*(target.exchange(role.request(target), *role.answers) for _ in range(2)))
        return " and ".join(answer.type for answer in answers)

    async def a_peer_leaves(target: Target) -> str:
        events = list(role.request(target))
        for _ in range(3):
            async with connect(target.uri) as peer:
                for event in events[: len(events) // 2 + 1]:
                    await peer.send(event)
        answer = await target.exchange(events, *role.answers)
        return f"the next gets {answer.type}"

    busy = (
        Check("others are answered meanwhile", "Home Assistant shows it as unavailable whenever it works", while_busy),
        Check("a describe in the middle", "a client that asks at the wrong moment waits in vain", in_the_middle),
        Check("a client that leaves", "the next request waits for one that nobody wants any more", a_peer_leaves),
    )
    if role.answers == ("played",):  # a satellite has one conductor
        return (*COMMON, *busy)
    return (*COMMON, *busy, Check("two requests at once", "two rooms cannot speak at the same time", two_at_once))


async def describes(target: Target) -> str:
    """Measure a describe when nothing else is asked."""
    return _in_time(await _slowest(target, 5))


async def many(target: Target) -> str:
    """Ask on many connections at once."""
    slowest = max(await asyncio.gather(*(target.describe() for _ in range(AT_ONCE))))
    return f"{AT_ONCE} connections, the slowest {_in_time(slowest)}"


async def idle_peers(target: Target) -> str:
    """Ask while others are connected and say nothing."""
    async with AsyncExitStack() as stack:
        for _ in range(AT_ONCE):
            await stack.enter_async_context(connect(target.uri))
        return _in_time(await target.describe())


async def again(target: Target) -> str:
    """Ask several times on one connection."""
    async with connect(target.uri) as peer:
        for _ in range(3):
            await peer.send(Describe().event())
            await peer.wait_for("info", seconds=HOME_ASSISTANT_SECONDS)
    return "yes"


async def unknown_events(target: Target) -> str:
    """Send what a later version of the protocol may have."""
    async with connect(target.uri) as peer:
        await peer.send(Event("event-of-the-future", {"new": [1, {"deep": None}]}, b"payload"))
        await peer.send(Event("describe", {"asked_by": "wyoming-rosie check"}))
        await peer.wait_for("info", seconds=HOME_ASSISTANT_SECONDS)
    return "ignored"


async def in_pieces(target: Target) -> str:
    """Send an event byte by byte, then one with its data in the header line."""
    whole = encode(Describe().event())
    inline = b'{"type": "describe", "data": {"a": 1}, "version": "99.0"}\r\n'
    for pieces in ([whole[at : at + 1] for at in range(len(whole))], [inline]):
        reaction, answer = await target.reaction(*pieces)
        if (reaction, answer) != (Reaction.ANSWERED, "info"):
            raise FlawError(f"{reaction} {answer}".strip())
    return "yes"


async def pings(target: Target) -> str:
    """Send a ping, which Home Assistant sends to satellites alone."""
    trouble = FaultError if target.role == "satellite" else FlawError
    async with connect(target.uri) as peer:
        await peer.send(Ping(text="check").event())
        try:
            pong = await peer.wait_for("pong", seconds=HOME_ASSISTANT_SECONDS / 2)
        except UnreachableError as err:
            raise trouble("no pong") from err
    if pong.data.get("text") != "check":
        raise FlawError("the pong does not repeat the ping's text")
    return "pong"


async def _slowest(target: Target, times: int) -> float:
    return max([await target.describe() for _ in range(times)])


def _in_time(seconds: float) -> str:
    if seconds > SLOW_SECONDS:
        raise FlawError(f"{seconds:.1f} s")
    return f"{1000 * seconds:.0f} ms"


COMMON = (
    Check("describe is answered", "Home Assistant takes it for gone after 5 s, an older one after 1 s", describes),
    Check("describe again", "a client that keeps its connection gets no second answer", again),
    Check("many connections", "Home Assistant asks every 30 s, beside the connections at work", many),
    Check("idle connections", "somebody who only connects keeps everybody else out", idle_peers),
    Check("unknown events", "the next version of the protocol breaks it", unknown_events),
    Check("events in pieces", "a bad network, or a client in another language, breaks it", in_pieces),
    Check("ping", "Home Assistant drops a satellite after 5 s; others cannot tell whether it lives", pings),
)
