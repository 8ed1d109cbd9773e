"""Conformance checks: their verdicts, results and the roles that they belong to."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wyoming.event import Event

from wyoming_rosie.commands.conformance.target import CheckTarget
from wyoming_rosie.errors import RosieError

LONGEST_SECONDS = 120.0


class CheckVerdict(StrEnum):
    OK = "ok"
    FINDING = "finding"  # it works, but somebody will notice
    FAILED = "failed"
    SKIPPED = "skipped"  # there was nothing to try


class CheckFindingError(RosieError):
    """The program works, but not as it should."""


class ConformanceError(RosieError):
    """The program does not do what it is for."""


class CheckSkippedError(RosieError):
    """The check makes no sense for this program."""


@dataclass(frozen=True)
class Check:
    """`run` returns what it saw, or raises FlawError, NotTriedError, or any other RosieError for a failure."""

    name: str
    means: str  # for a user, unless it is ok
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
    """Return what comes of a check, within LONGEST_SECONDS."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return CheckResult(check.name, CheckVerdict.OK, await check.run(target))
    except CheckSkippedError as err:
        return CheckResult(check.name, CheckVerdict.SKIPPED, str(err))
    except CheckFindingError as err:
        return CheckResult(check.name, CheckVerdict.FINDING, str(err), check.means)
    except RosieError as err:
        return CheckResult(check.name, CheckVerdict.FAILED, str(err), check.means)
    except TimeoutError:
        return CheckResult(check.name, CheckVerdict.FAILED, f"not over after {LONGEST_SECONDS:g} s", check.means)
