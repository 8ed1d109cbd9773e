"""Records every packet of a network interface in a file, until SIGTERM; run it on the host whose cable it taps."""

import socket
import sys
from pathlib import Path

ALL_PROTOCOLS = 0x0003  # ETH_P_ALL


def main(interface: str, path: str) -> None:
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as tap,
        Path(path).open("wb", 0) as file,
    ):
        # A socket that has the protocol before would hear all interfaces until then.
        tap.bind((interface, ALL_PROTOCOLS))
        print("recording", flush=True)
        while True:
            file.write(tap.recv(65_536))


if __name__ == "__main__":
    main(*sys.argv[1:])
