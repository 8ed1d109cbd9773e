"""Child processes: signals to them, and their end when the parent is gone."""

import asyncio
import ctypes
import os
import select
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

PARENT_VARIABLE = "WYOMING_ROSIE_PARENT"
"""The variable by which a process asks a child of ours to end with it."""
KILL_SECONDS = 15.0
"""A child that has lost its parent may take so long to end in order."""
_PR_SET_PDEATHSIG = 1


def send_signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Signal a child; one that has ended is left in peace.

    The child's own method would reap one that ended just now, and asyncio then reports 255 for a child it has lost.
    """
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(child.pid, number)


def child_environment() -> Mapping[str, str]:
    """Return the environment for a child that is to end with this process, to be started by its main thread."""
    return {**os.environ, PARENT_VARIABLE: str(os.getpid())}


def exit_with_parent() -> None:
    """End with the process that started this one, if it has asked for that: by SIGTERM, or SIGKILL when that is not enough."""
    parent = os.environ.pop(PARENT_VARIABLE, "")  # this process's own children are its own affair
    if not parent.isdecimal():
        return
    set_parent_exit_signal(int(parent), signal.SIGTERM)
    threading.Thread(target=_kill_after_parent, args=(int(parent),), name="parent", daemon=True).start()


def set_parent_exit_signal(parent: int, number: signal.Signals) -> None:
    """Get this signal when the parent ends, or the thread of the parent that started this process."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it was gone before the kernel knew that this matters
        os.kill(os.getpid(), number)


def _kill_after_parent(parent: int) -> None:
    with suppress(ProcessLookupError):
        watched = os.pidfd_open(parent)
        select.select([watched], [], [])
    time.sleep(KILL_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
