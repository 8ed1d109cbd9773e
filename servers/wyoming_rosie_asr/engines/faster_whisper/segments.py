"""Division of an utterance into segments that fit the model's window, cut in pauses and without outer silence."""

from collections.abc import Iterator, Sequence

PADDING_BEFORE_MS = 300
PADDING_AFTER_MS = 400
"""Audio kept around speech: detection misses soft beginnings and ends, and models need the silence at the end."""


def split_segments(speech: Sequence[tuple[int, int]], duration_ms: int, max_ms: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end, in milliseconds, of segments of at most `max_ms` that contain all speech."""
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
