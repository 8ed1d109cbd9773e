"""A switch that delays and loses frames, for kernels without netem: it connects the interfaces of its network namespace.

python -m tests.slow_switch DELAY_SECONDS LOSS INTERFACE...
"""

import heapq
import random
import select
import socket
import sys
import time
from collections.abc import Sequence

EVERY_PROTOCOL = 3
SOL_PACKET, PACKET_VNET_HDR, PACKET_OUTGOING = 263, 15, 4
OFFLOAD_BYTES = 10
"""Header in which the kernel keeps what it leaves to the card, such as checksums; it is passed on as it is."""
MAX_FRAME_BYTES = 65_600
MULTICAST = 1
ATTEMPTS = 2
"""How often a frame to one host is sent, until it comes through."""


class SlowSwitch:
    """Passes frames on after a random time with a mean, in their order, but for the share that is lost.

    As Wi-Fi does, it repeats frames to one host.
    """

    def __init__(self, interfaces: Sequence[str], delay_seconds: float, loss: float) -> None:
        self._ports = [_open(interface) for interface in interfaces]
        self._delay_seconds = delay_seconds
        self._loss = loss
        self._port_of: dict[bytes, int] = {}  # by hardware address
        self._free_at: dict[tuple[int, int], float] = {}  # when the last frame from one port to another has passed
        self._queue: list[tuple[float, int, int, bytes]] = []
        self._count = 0

    def run(self) -> None:
        """Pass frames on until the process ends."""
        while True:
            wait = max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else None
            for port in select.select(self._ports, [], [], wait)[0]:
                self._take(self._ports.index(port))
            while self._queue and self._queue[0][0] <= time.monotonic():
                _, _, to, data = heapq.heappop(self._queue)
                self._ports[to].send(data)

    def _take(self, source: int) -> None:
        data, address = self._ports[source].recvfrom(MAX_FRAME_BYTES)
        if address[2] == PACKET_OUTGOING:
            return
        target, sender = data[OFFLOAD_BYTES:][:6], data[OFFLOAD_BYTES:][6:12]
        self._port_of[sender] = source
        known = None if target[0] & MULTICAST else self._port_of.get(target)
        for to in range(len(self._ports)) if known is None else (known,):
            failures = self._count_failures(1 if known is None else ATTEMPTS)
            if to != source and failures is not None:
                self._pass_on(source, to, data, failures + 1)

    def _count_failures(self, attempts: int) -> int | None:
        """Return how often a frame was lost before it came through; None if it never did."""
        return next((failed for failed in range(attempts) if random.random() >= self._loss), None)

    def _pass_on(self, source: int, to: int, data: bytes, attempts: int) -> None:
        delay = sum(random.expovariate(1 / self._delay_seconds) for _ in range(attempts)) if self._delay_seconds else 0
        at = max(time.monotonic() + delay, self._free_at.get((source, to), 0.0))
        self._free_at[source, to] = at
        self._count += 1
        heapq.heappush(self._queue, (at, self._count, to, data))


def _open(interface: str) -> socket.socket:
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    port.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    port.bind((interface, 0))
    return port


if __name__ == "__main__":
    SlowSwitch(sys.argv[3:], float(sys.argv[1]), float(sys.argv[2])).run()
