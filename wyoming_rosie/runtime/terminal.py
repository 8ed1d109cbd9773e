"""Terminal hang-ups: whether SIGHUP ends a program or reloads it."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress


def hangup_signal() -> tuple[signal.Signals, ...]:
    """Return SIGHUP, or nothing if the process was started to ignore it, as nohup does."""
    return () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)


def on_hangup(reload: Callable[[], None]) -> Callable[[], None]:
    """Return the SIGHUP handler of a program that reloads: it ends the program instead if the terminal is gone."""
    may_end = bool(hangup_signal()) and _has_terminal()

    def handle_hangup() -> None:
        if may_end and not _has_terminal():
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            reload()

    return handle_hangup


def _has_terminal() -> bool:
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
        return True
    return False
