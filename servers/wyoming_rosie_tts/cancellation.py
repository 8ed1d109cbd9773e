"""Breaking off what an engine is at, so that somebody else can go first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StepCancellation:
    """Between who wants an engine's threads and a step that is being made; without a step it is not there to be asked."""

    def __init__(self) -> None:
        self._callback: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Have the step that is being made broken off, if it can be; it is made again later. May be called from any thread."""
        if (break_off := self._callback) is not None:
            break_off()

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Let `break_off` be called during the block."""
        self._callback = callback
        try:
            yield
        finally:
            self._callback = None
