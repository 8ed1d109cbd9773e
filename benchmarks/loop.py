"""Voice loop benchmark: from the end of speech to the first audio of the answer, with the engines that need no download.

python benchmarks/loop.py [--turns 5] [RECORDING.wav ...]

Each turn runs `wyoming-rosie demo`: new processes, the recording in real time, times from the hub's timeline.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from wyoming_rosie.commands.demo import RECORDING

STEPS = {
    "decided": "utterance is over",
    "transcript": "transcript",
    "intent": "answer's text",
    "first-audio": "answer's first audio",
}
_STEP = re.compile(r"\+(\d+) ms +([\w-]+)")


def run_turn(recording: Path) -> dict[str, int]:
    """Return the milliseconds from the end of speech to each step."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sys.executable).with_name("wyoming-rosie")
        command = [str(program), "demo", str(recording), "--output", f"{folder}/reply.wav"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return {step: int(after) for after, step in _STEP.findall(done.stdout)}


def print_report(turns: Sequence[dict[str, int]]) -> None:
    print(f"| ms after the end of speech, median of {len(turns)} turns | | from the decision |\n|---|---|---|")
    decided = statistics.median(one["decided"] for one in turns)
    for step, label in STEPS.items():
        after = statistics.median(one[step] for one in turns)
        print(f"| {label} | {after:.0f} | {after - decided:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="*", type=Path, default=[RECORDING], help="each begins with a wake word")
    parser.add_argument("--turns", type=int, default=5, help="of each recording [%(default)s]")
    given = parser.parse_args()
    print_report([run_turn(recording) for recording in given.recordings for _ in range(given.turns)])


if __name__ == "__main__":
    main()
