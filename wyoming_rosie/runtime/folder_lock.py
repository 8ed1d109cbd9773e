"""Lock of a folder: whoever changes a database in it shares it, whoever copies or replaces the file has it alone."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.01


@contextmanager
def lock_folder(folder: Path, seconds: float, *, is_shared: bool = False) -> Iterator[None]:
    """Hold the lock of a folder during the block; blocks the thread. Raises TimeoutError after some seconds, OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for_lock(descriptor, folder, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX, time.monotonic() + seconds)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, folder: Path, kind: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another program has locked {folder}; try again") from None
            time.sleep(POLL_SECONDS)
        else:
            return
