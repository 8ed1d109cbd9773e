"""Microphone and speaker commands for a satellite that is measured: they stamp audio with the time, and read the stamps.

python benchmarks.satellite_devices.py microphone 20      writes silence, 20 ms at a time
python benchmarks.satellite_devices.py speaker FILE       records when stamped audio was sent and when it arrived
"""

import os
import struct
import sys
import time
from pathlib import Path

MARK = b"\x55\x2a\x55\x2a"
STAMP = struct.Struct("<4sQ")  # the mark and microseconds of the machine's steady clock
RATE = 16_000


def create_stamped_silence(size: int) -> bytes:
    """Return silence with a stamp of the present time."""
    return STAMP.pack(MARK, int(time.monotonic() * 1e6)).ljust(size, b"\0")


def find_stamp(pcm: bytes) -> float | None:
    """Return the time of the stamp in audio, in seconds, if there is one."""
    found = pcm.find(MARK)
    if not 0 <= found <= len(pcm) - STAMP.size:
        return None
    return float(STAMP.unpack_from(pcm, found)[1] / 1e6)


def run_microphone(milliseconds: int) -> None:
    begun, samples = time.monotonic(), RATE * milliseconds // 1000
    for number in range(1, sys.maxsize):
        time.sleep(max(0.0, begun + number * milliseconds / 1000 - time.monotonic()))
        sys.stdout.buffer.write(create_stamped_silence(2 * samples))
        sys.stdout.buffer.flush()


def run_speaker(notes: Path) -> None:
    with notes.open("a", buffering=1, encoding="ascii") as file:
        while pcm := os.read(0, 65_536):
            now = time.monotonic()
            if (made := find_stamp(pcm)) is not None:
                file.write(f"{made} {now}\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case "microphone", milliseconds:
            run_microphone(int(milliseconds))
        case "speaker", file:
            run_speaker(Path(file))
