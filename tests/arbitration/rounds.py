"""Long form of the arbitration's tests: 1,000 calls by simulation for each network, and 50 with real processes.

python -m tests.arbitration.rounds [--rounds 50] [--simulated 1000] [--seed 1] [simulation] [hub] [alone] [others] [key]
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from tests.arbitration.other_makes import call_with_another_make
from tests.arbitration.revocation import check_revocation
from tests.arbitration_simulation import Network, simulate
from tests.integration.satellite_room import SAID
from tests.integration.several_satellites import House, furnish_alone, furnish_with_hub
from tests.several_hosts import Lan, can_have_hosts, several_hosts
from wyoming_rosie.audio.formats import read_wav

NAMES = ("kitchen", "hall", "office", "study", "attic", "cellar")
SIZES = range(2, 7)
SKEW_SECONDS = 0.2
CALLS = 5
"""Calls, one after another, that the same simulated satellites hear."""
WIFI = Lan(delay_seconds=0.008, loss=0.02)
PARTS = ("simulation", "hub", "alone", "others", "key")
NETWORKS: Mapping[str, Network] = {
    "cable: 2 ms, no loss": Network(0.002, 0.0),
    "Wi-Fi: 8 ms, 1 % lost": Network(0.008, 0.01),
    "Wi-Fi: 8 ms, 5 % lost": Network(0.008, 0.05),
    "bad Wi-Fi: 8 ms, 20 % lost": Network(0.008, 0.2),
    "slow Wi-Fi: 30 ms, 5 % lost": Network(0.03, 0.05),
    "8 ms, 20 % lost, multicast alone": Network(0.008, 0.2, has_unicast=False),
    "one stalls for 300 ms": Network(0.008, 0.01, stalled=0),
    "one stalls for 300 ms at any time": Network(0.008, 0.01, stalled=0, stall_spread=0.3),
    "one stalls for 600 ms": Network(0.008, 0.01, stalled=0, stall_seconds=0.6),
    "another was just switched off": Network(0.008, 0.01, deaf=1),
}
SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"


@dataclass
class Tally:
    """Calls by number of answers; seconds from the first detection to the first answer, and from the winner's own detection."""

    answers: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    chimes_elsewhere: int = 0

    def __str__(self) -> str:
        wrong = {count: times for count, times in sorted(self.answers.items()) if count != 1}
        parts = [f"one answer in {self.answers[1]} of {self.answers.total()} calls, others {wrong or 'none'}"]
        parts.append(f"decided after {_spread(self.seconds)}")
        if self.waited:
            parts.append(f"the winner waited {_spread(self.waited)}; chimes elsewhere: {self.chimes_elsewhere}")
        return "; ".join(parts)

    def add(self, other: "Tally") -> None:
        self.answers += other.answers
        self.seconds += other.seconds
        self.waited += other.waited
        self.chimes_elsewhere += other.chimes_elsewhere


def main() -> int:
    """Run what was asked for; return 1 if a call of real satellites had no answer or two, or a chime was heard elsewhere."""
    given = _arguments()
    parts = given.parts or PARTS
    if "simulation" in parts:
        _simulate_all(given.simulated, given.seed)
    real = [part for part in parts if part != "simulation"]
    if real and not can_have_hosts():
        sys.stdout.write("skipped: network namespaces need root and the ip command\n")
        return 0
    word = read_wav(Path(os.environ.get("WYOMING_ROSIE_TEST_DATA", SHARED_DATA)) / "wake" / f"{SAID}.wav")[1]
    failed = [part for part in real if not asyncio.run(_play(part, word, given))]
    return 1 if failed else 0


def _simulate_all(rounds: int, seed: int) -> None:
    for is_equal in (False, True):
        for name, network in NETWORKS.items():
            rng, tally = random.Random(seed), Tally()
            for _ in range(rounds // CALLS):
                satellites, skew = rng.randrange(2, 7), rng.uniform(0, SKEW_SECONDS)
                for result in simulate(rng, satellites, skew, network, is_equal=is_equal, calls=CALLS):
                    tally.answers[len(result.answers)] += 1
                    tally.seconds.append(min(result.answers.values()))
            sys.stdout.write(f"{'equal claims' if is_equal else 'any claims'}, {name}: {tally}\n")


async def _play(part: str, word: bytes, given: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        match part:
            case "others":
                return await call_with_another_make(Path(folder), word, given.rounds, given.seed)
            case "key":
                return await check_revocation(Path(folder), word)
    return await _play_in_houses(part, word, given.rounds, random.Random(given.seed))


async def _play_in_houses(part: str, word: bytes, rounds: int, rng: random.Random) -> bool:
    total = Tally()
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder, several_hosts(size + 1, WIFI) as hosts:
            tally = await _play_in_house(part, Path(folder), hosts, word, round(rounds / len(SIZES)), rng)
        sys.stdout.write(f"{part}, {size} satellites, load {os.getloadavg()[0]:.0f}: {tally}\n")
        sys.stdout.flush()
        total.add(tally)
    sys.stdout.write(f"{part}: {total}\n")
    return total.answers[1] == total.answers.total() and total.chimes_elsewhere == 0


async def _play_in_house(
    part: str, folder: Path, hosts: Sequence[str], word: bytes, rounds: int, rng: random.Random
) -> Tally:
    names = NAMES[: len(hosts) - 1]  # the hub has one
    furnish = furnish_with_hub if part == "hub" else furnish_alone
    async with furnish(folder, names, hosts) as house:
        tally = await _call(house, names, word, rounds, rng)
    tally.chimes_elsewhere = sum(abs(house.chimes(name) - house.answers(name)) for name in names)
    return tally


async def _call(house: House, names: Sequence[str], word: bytes, rounds: int, rng: random.Random) -> Tally:
    tally = Tally()
    for number in range(rounds):
        near = rng.choice(names)
        is_equal = number % 5 == 0
        factors = {name: 1.0 if is_equal or name == near else rng.uniform(0.08, 0.5) for name in names}
        late = {name: rng.uniform(0, SKEW_SECONDS) for name in names}
        before = {name: len(house.satellites[name].log) for name in names}
        answered = await house.call(word, factors, late)
        lines = [{"at": name, **line} for name in names for line in house.satellites[name].log[before[name] :]]
        tally.answers[len(answered)] += 1
        tally.seconds.append(_decision_seconds(lines))
        tally.waited += [line["waited_ms"] / 1000 for line in lines if "waited_ms" in line]
        sys.stderr.write(f"{number + 1}: {answered}, {1000 * tally.seconds[-1]:.0f} ms\n")
        if len(answered) != 1:
            sys.stderr.writelines(f"{line}\n" for line in sorted(lines, key=lambda line: str(line["timestamp"])))
    return tally


def _decision_seconds(lines: Sequence[Mapping[str, Any]]) -> float:
    """Return the time from the first detection of a call to the first answer."""
    heard = min(_times(line for line in lines if line["event"] == "wake word"))
    return min(_times(line for line in lines if line.get("phase") == "streaming" and line["event"] == "phase")) - heard


def _times(lines: Iterable[Mapping[str, Any]]) -> list[float]:
    return [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines]


def _spread(seconds: Sequence[float]) -> str:
    spread = quantiles(seconds, n=20) if len(seconds) > 1 else [*seconds] * 19
    return f"{1000 * spread[9]:.0f} ms (p50), {1000 * spread[18]:.0f} ms (p95)"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to run [default: all]")
    parser.add_argument("--rounds", type=int, default=50, help="calls with real processes")
    parser.add_argument("--simulated", type=int, default=1000, help="calls for each network")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
