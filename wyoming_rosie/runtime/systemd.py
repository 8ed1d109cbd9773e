"""systemd notifications (sd_notify(3)); without systemd they do nothing."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Send a line such as `READY=1` or `STOPPING=1`."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    # A leading @ means an abstract socket, written with a NUL. A vanished supervisor is no reason to stop.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state.encode(), path.replace("@", "\0", 1) if path.startswith("@") else path)
