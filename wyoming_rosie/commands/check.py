"""Conformance of a Wyoming program, ours or anybody's."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from wyoming_rosie.commands.conformance import (
    asr,
    bad_input,
    connections,
    info,
    intent,
    recording,
    satellite,
    tts,
    vad,
    wake,
)
from wyoming_rosie.commands.conformance.outcome import Check, Outcome, Verdict, perform
from wyoming_rosie.commands.conformance.role import Role
from wyoming_rosie.commands.conformance.target import HOME_ASSISTANT_SECONDS, Target
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.protocol.client import fetch_info

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
    wav: Annotated[
        Path | None, Parameter(help="what is said to it: a wake word or a command [default: a recording of ours]")
    ] = None,
    seconds: Annotated[float, Parameter(help="the longest that an answer may take")] = 15.0,
    json: Annotated[bool, Parameter(help="print a line of JSON for each check", negative=())] = False,
) -> None:
    """Try whether a Wyoming program does what Home Assistant and others expect, and stands what they should not send.

    It changes nothing in the house; a satellite plays some quiet tones. Findings are flaws that somebody will notice.
    """
    target = await _target(uri, role, seconds, wav)
    console = Console(soft_wrap=True, highlight=False)
    printer = _Printer(console)
    counts: Counter[Verdict] = Counter()
    async for outcome in _outcomes(target):
        counts[outcome.verdict] += 1
        _print_json(outcome) if json else printer.print(outcome)
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
    if counts[Verdict.FAILED]:
        raise ConformanceError(f"{target.role} at {uri}: {summary}")
    if not json:
        console.print(f"{target.role} at {uri}: {summary}")


async def _target(uri: str, role: str | None, seconds: float, wav: Path | None) -> Target:
    """Return what is to be checked. Raises ConfigError, UnreachableError."""
    event = await fetch_info(uri, HOME_ASSISTANT_SECONDS)
    offered = info.roles(event.data)
    if role is not None and role not in offered:
        raise ConfigError(f"there is no {role} at {uri}; there is: {', '.join(offered) or 'nothing'}")
    if not offered:
        raise ConformanceError(f"what is at {uri} says that it is nothing: its info is empty")
    spoken = await asyncio.to_thread(recording.load, wav)
    target = Target(uri, role or offered[0], spoken, seconds, data=event.data)
    return replace(target, info=info.parsed(event.data))


async def _outcomes(target: Target) -> AsyncIterator[Outcome]:
    """Perform the checks of a role until there are no more, or the program is gone; the role's first one at the end again."""
    role = ROLES[target.role]
    seen: dict[Check, Verdict] = {}
    for one in _checks(target.role, role):
        outcome = await perform(one, target)
        seen[one] = outcome.verdict
        yield outcome
        if outcome.verdict is Verdict.FAILED and not await _lives(target):
            yield Outcome("the rest", Verdict.SKIPPED, "it does not answer any more")
            return
    again = await perform(role.checks[0], target)
    yield Outcome("it still works", *_compared(seen[role.checks[0]], again))


def _compared(before: Verdict, again: Outcome) -> tuple[Verdict, str, str]:
    if again.verdict is before:
        return Verdict.OK, "as before", ""
    return Verdict.FAILED, f"{again.check}: {again.seen}", "after bad input it must be started again"


def _checks(name: str, role: Role) -> tuple[Check, ...]:
    return (*info.CHECKS, *role.checks, *connections.checks(role), *bad_input.checks(name))


async def _lives(target: Target) -> bool:
    try:
        await target.describe()
    except RosieError:
        return False
    return True


class _Printer:
    """Prints a line for each check, and what a row of them means once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._means = ""

    def print(self, outcome: Outcome) -> None:
        if self._means and outcome.means != self._means:
            self._console.print(f"{'':<9}{self._means}", style="dim", markup=False)
        self._means = outcome.means
        self._console.print(f"[{_COLOURS[outcome.verdict]}]{outcome.verdict:<8}[/] {outcome.check:<36} ", end="")
        self._console.print(outcome.seen, markup=False)


def _print_json(outcome: Outcome) -> None:
    print(json.dumps(asdict(outcome), ensure_ascii=False))  # noqa: T201
