"""The two ends of a satellite that is measured, as its programs: they stamp sound with the time, and read the stamps.

python benchmarks/satellite_ends.py microphone 20      writes silence, 20 ms at a time
python benchmarks/satellite_ends.py speaker FILE       notes when stamped sound left and when it came
"""

import os
import struct
import sys
import time
from pathlib import Path

MARK = b"\x55\x2a\x55\x2a"
STAMP = struct.Struct("<4sQ")  # the mark and microseconds of the machine's steady clock
RATE = 16_000


def stamped(size: int) -> bytes:
    """Return silence that says when it was made."""
    return STAMP.pack(MARK, int(time.monotonic() * 1e6)).ljust(size, b"\0")


def made_at(pcm: bytes) -> float | None:
    """Return when sound was made, in seconds, if there is a stamp in it."""
    found = pcm.find(MARK)
    if not 0 <= found <= len(pcm) - STAMP.size:
        return None
    return float(STAMP.unpack_from(pcm, found)[1] / 1e6)


def microphone(milliseconds: int) -> None:
    begun, samples = time.monotonic(), RATE * milliseconds // 1000
    for number in range(1, sys.maxsize):
        time.sleep(max(0.0, begun + number * milliseconds / 1000 - time.monotonic()))
        sys.stdout.buffer.write(stamped(2 * samples))
        sys.stdout.buffer.flush()


def speaker(notes: Path) -> None:
    with notes.open("a", buffering=1, encoding="ascii") as file:
        while pcm := os.read(0, 65_536):
            now = time.monotonic()
            if (made := made_at(pcm)) is not None:
                file.write(f"{made} {now}\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case "microphone", milliseconds:
            microphone(int(milliseconds))
        case "speaker", file:
            speaker(Path(file))
