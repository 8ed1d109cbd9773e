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
from wyoming_rosie.commands.conformance.checks import Check, CheckResult, CheckVerdict, RoleSpec, run_check
from wyoming_rosie.commands.conformance.target import HOME_ASSISTANT_SECONDS, CheckTarget
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
_COLOURS = {
    CheckVerdict.OK: "green",
    CheckVerdict.FINDING: "yellow",
    CheckVerdict.FAILED: "red",
    CheckVerdict.SKIPPED: "dim",
}


class CheckFailedError(RosieError):
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
    target = await _create_target(uri, role, seconds, wav)
    console = Console(soft_wrap=True, highlight=False)
    printer = _ResultPrinter(console)
    counts: Counter[CheckVerdict] = Counter()
    async for outcome in _run_checks(target):
        counts[outcome.verdict] += 1
        _print_result_json(outcome) if json else printer.print(outcome)
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in CheckVerdict)
    if counts[CheckVerdict.FAILED]:
        raise CheckFailedError(f"{target.role} at {uri}: {summary}")
    if not json:
        console.print(f"{target.role} at {uri}: {summary}")


async def _create_target(uri: str, role: str | None, seconds: float, wav: Path | None) -> CheckTarget:
    """Return what is to be checked. Raises ConfigError, UnreachableError."""
    event = await fetch_info(uri, HOME_ASSISTANT_SECONDS)
    offered = info.get_roles(event.data)
    if role is not None and role not in offered:
        raise ConfigError(f"there is no {role} at {uri}; there is: {', '.join(offered) or 'nothing'}")
    if not offered:
        raise CheckFailedError(f"what is at {uri} says that it is nothing: its info is empty")
    spoken = await asyncio.to_thread(recording.load_recording, wav)
    target = CheckTarget(uri, role or offered[0], spoken, seconds, data=event.data)
    return replace(target, info=info.parse_info(event.data))


async def _run_checks(target: CheckTarget) -> AsyncIterator[CheckResult]:
    """Perform the checks of a role until there are no more, or the program is gone; the role's first one at the end again."""
    role = ROLES[target.role]
    seen: dict[Check, CheckVerdict] = {}
    for one in _get_checks(target.role, role):
        outcome = await run_check(one, target)
        seen[one] = outcome.verdict
        yield outcome
        if outcome.verdict is CheckVerdict.FAILED and not await _is_alive(target):
            yield CheckResult("the rest", CheckVerdict.SKIPPED, "it does not answer any more")
            return
    again = await run_check(role.checks[0], target)
    yield CheckResult("it still works", *_compare(seen[role.checks[0]], again))


def _compare(before: CheckVerdict, again: CheckResult) -> tuple[CheckVerdict, str, str]:
    if again.verdict is before:
        return CheckVerdict.OK, "as before", ""
    return CheckVerdict.FAILED, f"{again.check}: {again.seen}", "after bad input it must be started again"


def _get_checks(name: str, role: RoleSpec) -> tuple[Check, ...]:
    return (*info.CHECKS, *role.checks, *connections.create_checks(role), *bad_input.create_checks(name))


async def _is_alive(target: CheckTarget) -> bool:
    try:
        await target.measure_describe()
    except RosieError:
        return False
    return True


class _ResultPrinter:
    """Prints a line for each check, and what a row of them means once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._means = ""

    def print(self, outcome: CheckResult) -> None:
        if self._means and outcome.means != self._means:
            self._console.print(f"{'':<9}{self._means}", style="dim", markup=False)
        self._means = outcome.means
        self._console.print(f"[{_COLOURS[outcome.verdict]}]{outcome.verdict:<8}[/] {outcome.check:<36} ", end="")
        self._console.print(outcome.seen, markup=False)


def _print_result_json(outcome: CheckResult) -> None:
    print(json.dumps(asdict(outcome), ensure_ascii=False))  # noqa: T201
