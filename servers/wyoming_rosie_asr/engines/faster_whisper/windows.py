"""Which parts of an utterance a model hears that takes so much at a time: cut in pauses, silence at the ends left out."""

from collections.abc import Iterator, Sequence

BEFORE_MS = 300
AFTER_MS = 400
"""Kept around speech: soft beginnings and endings are not found, and models want to hear that it is over."""


def windows(speech: Sequence[tuple[int, int]], whole_ms: int, most_ms: int) -> Iterator[tuple[int, int]]:
    """Yield from and to, in milliseconds, of windows that hold all the speech and last `most_ms` at most."""
    begin: int | None = None
    end = 0
    for first, last in speech:
        if begin is not None and last + AFTER_MS - begin > most_ms:
            yield from _pieces(begin, end, most_ms)
            begin = None
        begin = max(first - BEFORE_MS, end if end > first - BEFORE_MS else 0) if begin is None else begin
        end = min(last + AFTER_MS, whole_ms)
    if begin is not None:
        yield from _pieces(begin, end, most_ms)


def _pieces(begin: int, end: int, most_ms: int) -> Iterator[tuple[int, int]]:
    for at in range(begin, end, most_ms):
        yield at, min(at + most_ms, end)
