"""Cancellation of an engine's current step, so that a more urgent job can run first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StepCancellation:
    """Passes a request to cancel to the step that is running, if any."""

    def __init__(self) -> None:
        self._callback: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Cancel the current step if it allows that; the engine repeats it later. Safe to call from any thread."""
        if (callback := self._callback) is not None:
            callback()

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` when the step inside the block is to be cancelled."""
        self._callback = callback
        try:
            yield
        finally:
            self._callback = None
