"""`wyoming-rosie check`: conformance checks of any Wyoming program."""

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
    bridge,
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
_COLORS = {
    CheckVerdict.OK: "green",
    CheckVerdict.FINDING: "yellow",
    CheckVerdict.FAILED: "red",
    CheckVerdict.SKIPPED: "dim",
}


class CheckFailedError(RosieError):
    """At least one check of a program failed."""


async def check(
    uri: Annotated[str, Parameter(help="the program's address, such as tcp://pi:10300")],
    /,
    *,
    role: Annotated[str | None, Parameter(help="role to check, if the program has several")] = None,
    wav: Annotated[
        Path | None, Parameter(help="recording to send, of a wake word or a command [default: a packaged one]")
    ] = None,
    seconds: Annotated[float, Parameter(help="timeout of each answer, in seconds")] = 15.0,
    json: Annotated[bool, Parameter(help="print a line of JSON for each check", negative=())] = False,
) -> None:
    """Check that a Wyoming program does what Home Assistant and other clients expect, and survives bad input.

    Nothing in the home changes; a satellite plays some quiet tones. A finding is a flaw that users will notice. With the
    address of an MQTT broker, mqtt://HOST, the bridge behind it is checked.
    """
    if uri.startswith(bridge.SCHEMES):
        await _report("bridge", uri, bridge.check_bridge(uri, seconds), as_json=json)
    else:
        target = await _create_target(uri, role, seconds, wav)
        await _report(target.role, uri, _run_checks(target), as_json=json)


async def _report(role: str, uri: str, outcomes: AsyncIterator[CheckResult], *, as_json: bool) -> None:
    """Print the results. Raises CheckFailedError."""
    console = Console(soft_wrap=True, highlight=False)
    printer = _ResultPrinter(console)
    counts: Counter[CheckVerdict] = Counter()
    async for outcome in outcomes:
        counts[outcome.verdict] += 1
        _print_result_json(outcome) if as_json else printer.print(outcome)
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in CheckVerdict)
    if counts[CheckVerdict.FAILED]:
        raise CheckFailedError(f"{role} at {uri}: {summary}")
    if not as_json:
        console.print(f"{role} at {uri}: {summary}")


async def _create_target(uri: str, role: str | None, seconds: float, wav: Path | None) -> CheckTarget:
    """Return the program under test, with its info. Raises ConfigError, UnreachableError, CheckFailedError."""
    event = await fetch_info(uri, HOME_ASSISTANT_SECONDS)
    offered = info.get_roles(event.data)
    if role is not None and role not in offered:
        raise ConfigError(f"the program at {uri} is not {role}; its roles: {', '.join(offered) or 'none'}")
    if not offered:
        raise CheckFailedError(f"the program at {uri} has no role: its info is empty")
    recorded = await asyncio.to_thread(recording.load_recording, wav)
    target = CheckTarget(uri, role or offered[0], recorded, seconds, data=event.data)
    return replace(target, info=info.parse_info(event.data))


async def _run_checks(target: CheckTarget) -> AsyncIterator[CheckResult]:
    """Run the checks of a role, then its first check again; stop when the program no longer answers."""
    role = ROLES[target.role]
    verdicts: dict[Check, CheckVerdict] = {}
    for check in _get_checks(target.role, role):
        outcome = await run_check(check, target)
        verdicts[check] = outcome.verdict
        yield outcome
        if outcome.verdict is CheckVerdict.FAILED and not await _is_alive(target):
            yield CheckResult("the rest", CheckVerdict.SKIPPED, "the program no longer answers")
            return
    again = await run_check(role.checks[0], target)
    yield CheckResult("works after bad input", *_compare(verdicts[role.checks[0]], again))


def _compare(before: CheckVerdict, again: CheckResult) -> tuple[CheckVerdict, str, str]:
    if again.verdict is before:
        return CheckVerdict.OK, "as before", ""
    return CheckVerdict.FAILED, f"{again.check}: {again.seen}", "it must be restarted after bad input"


def _get_checks(name: str, role: RoleSpec) -> tuple[Check, ...]:
    return (*info.CHECKS, *role.checks, *connections.create_checks(role), *bad_input.create_checks(name))


async def _is_alive(target: CheckTarget) -> bool:
    try:
        await target.measure_describe()
    except RosieError:
        return False
    return True


class _ResultPrinter:
    """Prints a line for each result; prints the consequence once for consecutive results that share it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._means = ""

    def print(self, outcome: CheckResult) -> None:
        if self._means and outcome.means != self._means:
            self._console.print(f"{'':<9}{self._means}", style="dim", markup=False)
        self._means = outcome.means
        self._console.print(f"[{_COLORS[outcome.verdict]}]{outcome.verdict:<8}[/] {outcome.check:<36} ", end="")
        self._console.print(outcome.seen, markup=False)


def _print_result_json(outcome: CheckResult) -> None:
    print(json.dumps(asdict(outcome), ensure_ascii=False))  # noqa: T201
