"""Long form of the arbitration's tests: 1,000 calls by simulation for each network, and 50 with real processes.

python -m tests.arbitration.rounds [--rounds 50] [--simulated 1000] [--seed 1] [simulation] [hub] [alone]
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from tests.arbitration_simulation import Network, simulate
from tests.integration.satellite_room import SAID
from tests.integration.several_satellites import House, furnish_alone, furnish_with_hub
from tests.several_hosts import can_have_hosts, several_hosts
from wyoming_rosie.audio.formats import read_wav

NAMES = ("kitchen", "hall", "office")
SKEW_SECONDS = 0.2
NETWORKS: Mapping[str, Network] = {
    "cable: 2 ms, no loss": Network(0.002, 0.0),
    "Wi-Fi: 8 ms, 1 % lost": Network(0.008, 0.01),
    "Wi-Fi: 8 ms, 5 % lost": Network(0.008, 0.05),
    "bad Wi-Fi: 8 ms, 20 % lost": Network(0.008, 0.2),
    "slow Wi-Fi: 30 ms, 5 % lost": Network(0.03, 0.05),
    "8 ms, 20 % lost, multicast alone": Network(0.008, 0.2, copies=1),
    "one stalls for 300 ms": Network(0.008, 0.01, stalled=0),
    "one stalls for 300 ms at any time": Network(0.008, 0.01, stalled=0, stall_spread=0.3),
    "one stalls for 600 ms": Network(0.008, 0.01, stalled=0, stall_seconds=0.6),
    "another was just switched off": Network(0.008, 0.01, deaf=1),
}
SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"


@dataclass
class Tally:
    """Calls by number of answers, and the seconds from the first detection to the first answer."""

    answers: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        spread = quantiles(self.seconds, n=20)
        wrong = {count: times for count, times in sorted(self.answers.items()) if count != 1}
        decided = f"decided after {1000 * spread[9]:.0f} ms (p50), {1000 * spread[18]:.0f} ms (p95)"
        return f"one answer in {self.answers[1]} of {self.answers.total()} calls, others {wrong or 'none'}; {decided}"


def main() -> int:
    """Run what was asked for; return 1 if a call of real satellites had no answer or two, or a chime was heard elsewhere."""
    given = _arguments()
    parts = given.parts or ["simulation", "hub", "alone"]
    if "simulation" in parts:
        _simulate_all(given.simulated, given.seed)
    failed = [
        part for part in ("hub", "alone") if part in parts and not asyncio.run(_play(part, given.rounds, given.seed))
    ]
    return 1 if failed else 0


def _simulate_all(rounds: int, seed: int) -> None:
    for is_equal in (False, True):
        for name, network in NETWORKS.items():
            rng, tally = random.Random(seed), Tally()
            for _ in range(rounds):
                result = simulate(rng, rng.randrange(2, 7), rng.uniform(0, SKEW_SECONDS), network, is_equal=is_equal)
                tally.answers[len(result.answers)] += 1
                tally.seconds.append(min(result.answers.values()))
            sys.stdout.write(f"{'equal claims' if is_equal else 'any claims'}, {name}: {tally}\n")


async def _play(part: str, rounds: int, seed: int) -> bool:
    word = read_wav(Path(os.environ.get("WYOMING_ROSIE_TEST_DATA", SHARED_DATA)) / "wake" / f"{SAID}.wav")[1]
    with tempfile.TemporaryDirectory() as folder:
        if part == "hub":
            async with furnish_with_hub(Path(folder), NAMES) as house:
                tally = await _call(house, word, rounds, random.Random(seed))
        elif can_have_hosts():
            with several_hosts(len(NAMES)) as hosts:
                async with furnish_alone(Path(folder), NAMES, hosts) as house:
                    tally = await _call(house, word, rounds, random.Random(seed))
        else:
            sys.stdout.write("alone: skipped, network namespaces need root and the ip command\n")
            return True
        chimes = {name: house.chimes(name) for name in NAMES}
    answers = {name: house.answers(name) for name in NAMES}
    sys.stdout.write(f"{part}: {tally}; answers {answers}, chimes {chimes}\n")
    return tally.answers[1] == rounds and chimes == answers


async def _call(house: House, word: bytes, rounds: int, rng: random.Random) -> Tally:
    tally = Tally()
    for number in range(rounds):
        near = rng.choice(NAMES)
        is_equal = number % 5 == 0
        factors = {name: 1.0 if is_equal or name == near else rng.uniform(0.08, 0.5) for name in NAMES}
        late = {name: rng.uniform(0, SKEW_SECONDS) for name in NAMES}
        before = {name: len(house.satellites[name].log) for name in NAMES}
        answered = await house.call(word, factors, late)
        tally.answers[len(answered)] += 1
        tally.seconds.append(_decision_seconds(house, before))
        sys.stderr.write(f"{number + 1}: {answered}\n")
    return tally


def _decision_seconds(house: House, before: Mapping[str, int]) -> float:
    """Return the time from the first detection of a call to the first answer."""
    lines = [line for name, satellite in house.satellites.items() for line in satellite.log[before[name] :]]
    heard = min(_times(line for line in lines if line["event"] == "wake word"))
    return min(_times(line for line in lines if line.get("phase") == "streaming" and line["event"] == "phase")) - heard


def _times(lines: Iterable[Mapping[str, Any]]) -> list[float]:
    return [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="*", choices=["simulation", "hub", "alone", []], help="what to run [default: all]"
    )
    parser.add_argument("--rounds", type=int, default=50, help="calls with real processes")
    parser.add_argument("--simulated", type=int, default=1000, help="calls for each network")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
