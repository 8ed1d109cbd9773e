"""Conformance of a Wyoming program, ours or anybody's."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from wyoming.event import Event
from wyoming.info import Describe

from wyoming_rosie.client import connect
from wyoming_rosie.commands.checks import (
    asr,
    bad_input,
    connections,
    description,
    intent,
    recording,
    satellite,
    tts,
    vad,
    wake,
)
from wyoming_rosie.commands.checks.outcome import Check, Outcome, Verdict, perform
from wyoming_rosie.commands.checks.role import Role
from wyoming_rosie.commands.checks.target import HOME_ASSISTANT_SECONDS, Target
from wyoming_rosie.errors import ConfigError, RosieError

ROLES = {
    "satellite": satellite.ROLE,
    "asr": asr.ROLE,
    "tts": tts.ROLE,
    "wake": wake.ROLE,
    "intent": intent.ROLE,
    "vad": vad.ROLE,
}
_COLOURS = {Verdict.OK: "green", Verdict.FINDING: "yellow", Verdict.FAILED: "red", Verdict.SKIPPED: "dim"}


class ConformanceError(RosieError):
    """A program does not do what Wyoming asks of it."""


async def check(
    uri: Annotated[str, Parameter(help="the program's address, such as tcp://pi:10300")],
    /,
    *,
    role: Annotated[str | None, Parameter(help="what to check it as, where it is several")] = None,
    seconds: Annotated[float, Parameter(help="the longest that an answer may take")] = 15.0,
    json: Annotated[bool, Parameter(help="print a line of JSON for each check", negative=())] = False,
) -> None:
    """Try whether a Wyoming program does what Home Assistant and others expect, and stands what they should not send.

    It changes nothing in the house; a satellite plays some quiet tones. Findings are flaws that somebody will notice.
    """
    target = await _target(uri, role, seconds)
    console = Console(soft_wrap=True, highlight=False)
    counts: Counter[Verdict] = Counter()
    async for outcome in _outcomes(target):
        counts[outcome.verdict] += 1
        _print_json(outcome) if json else _print(console, outcome)
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
    if counts[Verdict.FAILED]:
        raise ConformanceError(f"{target.role} at {uri}: {summary}")
    if not json:
        console.print(f"{target.role} at {uri}: {summary}")


async def _target(uri: str, role: str | None, seconds: float) -> Target:
    """Return what is to be checked. Raises ConfigError, UnreachableError."""
    info = await _info(uri)
    offered = description.roles(info.data)
    if role is not None and role not in offered:
        raise ConfigError(f"there is no {role} at {uri}; there is: {', '.join(offered) or 'nothing'}")
    if not offered:
        raise ConformanceError(f"what is at {uri} says that it is nothing: its info is empty")
    spoken = await asyncio.to_thread(recording.load)
    target = Target(uri, role or offered[0], spoken, seconds, data=info.data)
    return replace(target, info=description.parsed(info.data))


async def _info(uri: str) -> Event:
    async with connect(uri) as peer:
        await peer.send(Describe().event())
        return await peer.wait_for("info", seconds=HOME_ASSISTANT_SECONDS)


async def _outcomes(target: Target) -> AsyncIterator[Outcome]:
    """Perform the checks of a role until there are no more, or the program is gone."""
    for one in _checks(target.role, ROLES[target.role]):
        outcome = await perform(one, target)
        yield outcome
        if outcome.verdict is Verdict.FAILED and not await _lives(target):
            yield Outcome("the rest", Verdict.SKIPPED, "it does not answer any more")
            return


def _checks(name: str, role: Role) -> tuple[Check, ...]:
    return (*description.CHECKS, *role.checks, *connections.checks(role), *bad_input.checks(name, role))


async def _lives(target: Target) -> bool:
    try:
        await target.describe()
    except RosieError:
        return False
    return True


def _print(console: Console, outcome: Outcome) -> None:
    console.print(f"[{_COLOURS[outcome.verdict]}]{outcome.verdict:<8}[/] {outcome.check:<36} ", end="")
    console.print(outcome.seen, markup=False)
    if outcome.means:
        console.print(f"{'':<9}{outcome.means}", style="dim", markup=False)


def _print_json(outcome: Outcome) -> None:
    print(json.dumps(asdict(outcome), ensure_ascii=False))  # noqa: T201
