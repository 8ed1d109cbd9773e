"""Metrics of the stages: messages by outcome, durations, and backlogs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from wyoming_rosie.metrics import Metrics

FAILED = "failed"


class HandledMessage:
    """The outcome of a message, to be set in the block of `StageMetrics.handled`."""

    outcome = FAILED


class StageMetrics:
    """Counts what the stages of a program do."""

    def __init__(self, metrics: Metrics) -> None:
        self._messages = metrics.counter("bridge_messages", "Messages that a stage handled", "stage", "outcome")
        self._milliseconds = metrics.histogram("bridge_stage_milliseconds", "Time to handle a message", "stage")
        self._ends = metrics.counter("bridge_ends", "Ends of messages", "outcome")
        self._refused = metrics.counter("bridge_refused", "Messages that were not accepted", "reason")

    @contextmanager
    def handled(self, stage: str) -> Iterator[HandledMessage]:
        """Record the message that is handled in the block."""
        message, began = HandledMessage(), time.monotonic()
        try:
            yield message
        finally:
            self._messages.add(stage, message.outcome)
            self._milliseconds.observe(1000 * (time.monotonic() - began), stage)

    def count_end(self, outcome: str) -> None:
        """Count a message that has ended: done, failed, dropped, expired or dead."""
        self._ends.add(outcome)

    def count_refused(self, reason: str) -> None:
        """Count a message that was not accepted, such as one that is not JSON."""
        self._refused.add(reason)
