"""Stages: take messages from a source, handle them, and confirm each one after what follows from it is stored."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BadMessageError, BusError
from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.bus.interface import MAX_DELIVERIES, Delivery, Source
from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_bridge.stage_metrics import StageMetrics

_LOG = structlog.get_logger()
TAKE_SECONDS = 1.0
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 5.0
LOGGED_FAILURE = 4
"""Failure to take messages that is logged: a few seconds after the first one, since a start of a broker takes as long."""
MAX_TRIES = 3
"""Attempts at a message whose handling fails, although everything that it needs can be reached."""


class PoisonError(RosieError):
    """A message can never be handled; `code` is the reason on its dead letter."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Stage:
    """One step of a role. Its handler must store what follows from a message before it returns, once per key."""

    name: str
    source: Source
    handle: Callable[[Envelope], Awaitable[None]]
    on_dead: Callable[[Envelope, str], Awaitable[None]]
    """Called before a message becomes a dead letter, with the reason."""
    concurrency: int = 4
    extend_seconds: float = 5.0
    """Pause between requests for more time while a message is handled."""


async def run_stage(stage: Stage, metrics: StageMetrics) -> None:
    """Handle messages until cancelled, up to `concurrency` at a time; what is unfinished then is released for others."""
    running: set[asyncio.Task[None]] = set()
    backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
    try:
        while True:
            _stop_if_cancelled()
            running = {task for task in running if not task.done()}
            if len(running) >= stage.concurrency:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                deliveries = await stage.source.take(stage.concurrency - len(running), TAKE_SECONDS)
            except BusError as err:
                if backoff.failures == LOGGED_FAILURE:
                    _LOG.warning("stage waits", stage=stage.name, reason=str(err))
                await backoff.sleep()
                continue
            backoff.reset()
            running |= {asyncio.create_task(_handle(stage, delivery, metrics)) for delivery in deliveries}
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _handle(stage: Stage, delivery: Delivery, metrics: StageMetrics) -> None:
    settling = asyncio.create_task(_settle(stage, delivery))
    extending = asyncio.create_task(_extend(delivery, stage.extend_seconds))
    try:
        with metrics.handled(stage.name) as handled:
            await asyncio.wait((settling, extending), return_when=asyncio.FIRST_COMPLETED)
            if not settling.done():
                _LOG.warning("taken over by another", stage=stage.name, key=delivery.envelope.key)
                return
            settling.result()
            handled.outcome = "done"
    except asyncio.CancelledError:
        with suppress(BusError):
            await delivery.release(0.0)
        raise
    except BusError as err:
        _LOG.warning("delivered again later", stage=stage.name, key=delivery.envelope.key, reason=str(err))
    except Exception:  # noqa: BLE001 - the edge of a stage: one message must not end it
        _LOG.exception("stage failed", stage=stage.name, key=delivery.envelope.key)
    finally:
        for task in (settling, extending):
            task.cancel()
        await asyncio.gather(settling, extending, return_exceptions=True)


async def _settle(stage: Stage, delivery: Delivery) -> None:
    """Handle a message, then confirm or bury it. Raises BusError when that cannot be done; it is then delivered again."""
    pass_failpoint(f"{stage.name}.taken")
    if delivery.attempt > MAX_DELIVERIES:
        await _bury(stage, delivery, "too-many-deliveries", "whoever handles it does not survive it")
    elif (failure := await _handle_until_done(stage, delivery.envelope)) is not None:
        await _bury(stage, delivery, failure.code, str(failure))
    else:
        pass_failpoint(f"{stage.name}.handled")
        await _confirm(delivery)
        pass_failpoint(f"{stage.name}.confirmed")


async def _handle_until_done(stage: Stage, envelope: Envelope) -> RosieError | None:
    """Handle a message, again and again while something that it needs is away; return why it never can be handled."""
    backoff, failures = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS), 0
    while True:
        _stop_if_cancelled()
        try:
            await stage.handle(envelope)
        except (PoisonError, BadMessageError) as err:
            return err
        except (BusError, UnreachableError) as err:
            if not backoff.failures:
                _LOG.warning("message waits", stage=stage.name, key=envelope.key, reason=str(err))
        except RosieError as err:
            failures += 1
            if failures == MAX_TRIES:
                return err
        else:
            return None
        await backoff.sleep()


async def _confirm(delivery: Delivery) -> None:
    """Confirm a message that was handled. After some failures it is left to be delivered again, and recognised then."""
    backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
    while True:
        try:
            await delivery.ack()
        except BusError:
            if backoff.failures == MAX_TRIES:
                raise
            await backoff.sleep()
        else:
            return


def _stop_if_cancelled() -> None:
    """Raise CancelledError if this task was cancelled and a library has swallowed it, as wait_for does before Python 3.12."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _bury(stage: Stage, delivery: Delivery, reason: str, detail: str) -> None:
    _LOG.warning("dead letter", stage=stage.name, key=delivery.envelope.key, reason=reason, detail=detail)
    try:
        await stage.on_dead(delivery.envelope, reason)
    except (BusError, UnreachableError):
        raise
    except Exception:  # noqa: BLE001 - what nobody can be told must be buried all the same
        _LOG.exception("nobody was told of a dead letter", stage=stage.name, key=delivery.envelope.key)
    pass_failpoint(f"{stage.name}.dead")
    await delivery.bury(reason, detail)


async def _extend(delivery: Delivery, seconds: float) -> None:
    """Ask for more time, again and again, so that nobody takes over what is still being handled."""
    while True:
        await asyncio.sleep(seconds)
        with suppress(BusError):
            if not await delivery.extend():
                return
