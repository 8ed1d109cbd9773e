"""Signals to child processes that asyncio watches."""

import asyncio
import os
import signal
from contextlib import suppress


def send_signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Signal a child; one that has ended is left in peace.

    The child's own method would reap one that ended just now, and asyncio then reports 255 for a child it has lost.
    """
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(child.pid, number)
