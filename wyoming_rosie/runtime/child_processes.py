"""Child processes: signalling them, and ending them with their parent."""

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
"""Environment variable: the process ID of the parent that a child must end with."""
KILL_SECONDS = 15.0
"""Time for an orderly exit after the parent has ended, before SIGKILL."""
_PR_SET_PDEATHSIG = 1


def send_signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal to a child, unless it has ended.

    `Process.send_signal` would reap a child that has just ended, and asyncio then reports exit status 255 for it.
    """
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(child.pid, number)


def child_environment() -> Mapping[str, str]:
    """Return the environment of a child that must end with this process; start the child in the main thread."""
    return {**os.environ, PARENT_VARIABLE: str(os.getpid())}


def exit_with_parent() -> None:
    """End when the parent ends, if the parent asked for it: by SIGTERM, then by SIGKILL."""
    parent = os.environ.pop(PARENT_VARIABLE, "")  # children of this process must not inherit it
    if not parent.isdecimal():
        return
    set_parent_exit_signal(int(parent), signal.SIGTERM)
    threading.Thread(target=_kill_after_parent, args=(int(parent),), name="parent", daemon=True).start()


def set_parent_exit_signal(parent: int, number: signal.Signals) -> None:
    """Have the kernel send a signal to this process when the parent's thread that started it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before the call above
        os.kill(os.getpid(), number)


def _kill_after_parent(parent: int) -> None:
    with suppress(ProcessLookupError):
        watched = os.pidfd_open(parent)
        select.select([watched], [], [])
    time.sleep(KILL_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
