"""Which parts of an utterance a model hears that takes so much at a time: cut in pauses, silence at the ends left out."""

from collections.abc import Iterator, Sequence

PADDING_BEFORE_MS = 300
PADDING_AFTER_MS = 400
"""Kept around speech: soft beginnings and endings are not found, and models want to hear that it is over."""


def split_segments(speech: Sequence[tuple[int, int]], duration_ms: int, max_ms: int) -> Iterator[tuple[int, int]]:
    """Yield from and to, in milliseconds, of windows that hold all the speech and last `most_ms` at most."""
    begin: int | None = None
    end = 0
    for first, last in speech:
        if begin is not None and last + PADDING_AFTER_MS - begin > max_ms:
            yield from _split_range(begin, end, max_ms)
            begin = None
        begin = (
            max(first - PADDING_BEFORE_MS, end if end > first - PADDING_BEFORE_MS else 0) if begin is None else begin
        )
        end = min(last + PADDING_AFTER_MS, duration_ms)
    if begin is not None:
        yield from _split_range(begin, end, max_ms)


def _split_range(begin: int, end: int, max_ms: int) -> Iterator[tuple[int, int]]:
    for at in range(begin, end, max_ms):
        yield at, min(at + max_ms, end)
