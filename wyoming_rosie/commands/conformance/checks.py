"""Conformance checks: their verdicts, results and the roles that they belong to."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wyoming.event import Event

from wyoming_rosie.commands.conformance.target import CheckTarget
from wyoming_rosie.errors import RosieError

MAX_SECONDS = 120.0


class CheckVerdict(StrEnum):
    OK = "ok"
    FINDING = "finding"  # a flaw that users or clients will notice
    FAILED = "failed"
    SKIPPED = "skipped"  # does not apply to this program


class CheckFindingError(RosieError):
    """The program works, but with a flaw."""


class ConformanceError(RosieError):
    """The program does not do the work of its role."""


class CheckSkippedError(RosieError):
    """The check does not apply to this program."""


@dataclass(frozen=True)
class Check:
    """`run` returns what it observed; raises CheckFindingError, CheckSkippedError, or another RosieError for a failure."""

    name: str
    means: str  # consequence for a user when it is not ok
    run: Callable[[CheckTarget], Awaitable[str]]


@dataclass(frozen=True)
class RoleSpec:
    """Checks of one role. `request` makes the events of an ordinary request; an event of a type in `answers` ends it."""

    request: Callable[[CheckTarget], Sequence[Event]]
    answers: tuple[str, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class CheckResult:
    check: str
    verdict: CheckVerdict
    seen: str
    means: str = ""


async def run_check(check: Check, target: CheckTarget) -> CheckResult:
    """Run a check for at most LONGEST_SECONDS and return its result."""
    try:
        async with asyncio.timeout(MAX_SECONDS):
            return CheckResult(check.name, CheckVerdict.OK, await check.run(target))
    except CheckSkippedError as err:
        return CheckResult(check.name, CheckVerdict.SKIPPED, str(err))
    except CheckFindingError as err:
        return CheckResult(check.name, CheckVerdict.FINDING, str(err), check.means)
    except RosieError as err:
        return CheckResult(check.name, CheckVerdict.FAILED, str(err), check.means)
    except TimeoutError:
        return CheckResult(check.name, CheckVerdict.FAILED, f"not finished after {MAX_SECONDS:g} s", check.means)
