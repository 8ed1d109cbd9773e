"""The terminal that a program runs in, and what its end asks for."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress


def hangup_signal() -> tuple[signal.Signals, ...]:
    """Return the signal of a terminal that is gone, unless this process is told to outlive it, as nohup does."""
    return () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)


def on_hangup(reload: Callable[[], None]) -> Callable[[], None]:
    """Return what a SIGHUP does to a program that reloads at one: it ends instead when its terminal is gone."""
    may_end = bool(hangup_signal()) and _has_terminal()

    def hung_up() -> None:
        if may_end and not _has_terminal():
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            reload()

    return hung_up


def _has_terminal() -> bool:
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
        return True
    return False
