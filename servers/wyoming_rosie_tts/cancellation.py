"""Breaking off what an engine is at, so that somebody else can go first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Interruption:
    """Between who wants an engine's threads and a step that is being made; without a step it is not there to be asked."""

    def __init__(self) -> None:
        self._break_off: Callable[[], None] | None = None

    def ask(self) -> None:
        """Have the step that is being made broken off, if it can be; it is made again later. May be called from any thread."""
        if (break_off := self._break_off) is not None:
            break_off()

    @contextmanager
    def by(self, break_off: Callable[[], None]) -> Iterator[None]:
        """Let `break_off` be called during the block."""
        self._break_off = break_off
        try:
            yield
        finally:
            self._break_off = None
