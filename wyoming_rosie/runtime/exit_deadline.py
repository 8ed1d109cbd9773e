"""A deadline for the end of a program: native code that never returns must not keep it running.

Python joins every thread before it ends, and a sound system that hangs keeps its thread for ever.
"""

import os
import threading

import structlog

_LOG = structlog.get_logger()
EXIT_SECONDS = 30.0


def start_exit_deadline(status: int) -> None:
    """End the process with `status` after EXIT_SECONDS, if it still runs then."""
    timer = threading.Timer(EXIT_SECONDS, _exit, [status])
    timer.daemon = True
    timer.start()


def _exit(status: int) -> None:
    names = sorted(thread.name for thread in threading.enumerate() if not thread.daemon)
    _LOG.warning("exit without waiting for threads that do not end", threads=names)
    os._exit(status)
