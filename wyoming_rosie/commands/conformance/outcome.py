"""What a check is, and what comes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from wyoming_rosie.commands.conformance.target import Target
from wyoming_rosie.errors import RosieError

LONGEST_SECONDS = 120.0


class Verdict(StrEnum):
    OK = "ok"
    FINDING = "finding"  # it works, but somebody will notice
    FAILED = "failed"
    SKIPPED = "skipped"  # there was nothing to try


class FlawError(RosieError):
    """The program works, but not as it should."""


class FaultError(RosieError):
    """The program does not do what it is for."""


class NotTriedError(RosieError):
    """The check makes no sense for this program."""


@dataclass(frozen=True)
class Check:
    """`run` returns what it saw, or raises FlawError, NotTriedError, or any other RosieError for a failure."""

    name: str
    means: str  # for a user, unless it is ok
    run: Callable[[Target], Awaitable[str]]


@dataclass(frozen=True)
class Outcome:
    check: str
    verdict: Verdict
    seen: str
    means: str = ""


async def perform(check: Check, target: Target) -> Outcome:
    """Return what comes of a check, within LONGEST_SECONDS."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return Outcome(check.name, Verdict.OK, await check.run(target))
    except NotTriedError as err:
        return Outcome(check.name, Verdict.SKIPPED, str(err))
    except FlawError as err:
        return Outcome(check.name, Verdict.FINDING, str(err), check.means)
    except RosieError as err:
        return Outcome(check.name, Verdict.FAILED, str(err), check.means)
    except TimeoutError:
        return Outcome(check.name, Verdict.FAILED, f"not over after {LONGEST_SECONDS:g} s", check.means)
