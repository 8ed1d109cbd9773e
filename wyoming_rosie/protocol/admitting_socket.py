"""Listening sockets that close a connection at once, before anything is made for it, if its address sends too many."""

import socket
from collections.abc import Callable
from typing import Any, TypeAlias

Admits: TypeAlias = Callable[[str], bool]
"""Counts a connection from an address, and returns whether to serve it."""
MAX_CLOSED_AT_ONCE = 1024
"""Connections that are closed before other tasks get their turn."""


class AdmittingSocket(socket.socket):
    """A socket whose `accept` returns only connections that `admits` lets in."""

    admits: Admits

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection that is let in. Raises BlockingIOError if there is none now."""
        for _ in range(MAX_CLOSED_AT_ONCE):
            connection, where = super().accept()
            if not isinstance(where, tuple) or self.admits(where[0]):
                return connection, where
            connection.close()
        raise BlockingIOError


def adopt(opened: socket.socket, admits: Admits) -> AdmittingSocket:
    """Take over a socket that is bound."""
    taken = AdmittingSocket(opened.family, opened.type, opened.proto, opened.detach())
    taken.admits = admits
    return taken


def bind(info: tuple[int, int, int, str, Any], admits: Admits) -> AdmittingSocket:
    """Return a socket bound to an answer of `getaddrinfo`. Raises OSError."""
    family, kind, protocol, _, where = info
    bound = AdmittingSocket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(where)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    bound.admits = admits
    return bound
