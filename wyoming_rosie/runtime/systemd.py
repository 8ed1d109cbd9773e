"""systemd: notifications, the watchdog, and sockets that it has opened for us; without systemd they do nothing.

Protocols: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).
"""

import asyncio
import os
import socket
from contextlib import suppress

_FIRST_FD = 3


def notify(state: str) -> None:
    """Send a line such as `READY=1` or `STOPPING=1`."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    # A leading @ means an abstract socket, written with a NUL. A vanished supervisor is no reason to stop.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state.encode(), path.replace("@", "\0", 1) if path.startswith("@") else path)


def watchdog_seconds() -> float | None:
    """Return the time within which systemd wants to hear from this process; None without a watchdog."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 1e6


async def feed_watchdog() -> None:
    """Tell systemd, from the event loop, that the event loop runs; until cancelled."""
    if (seconds := watchdog_seconds()) is None:
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(seconds / 3)


def take_socket() -> socket.socket | None:
    """Return the first listening socket that systemd has opened for this process, once; None without one."""
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    if pid != str(os.getpid()) or not count.isdecimal() or int(count) < 1:
        return None
    opened = socket.socket(fileno=_FIRST_FD)
    opened.setblocking(False)
    opened.set_inheritable(False)
    return opened
