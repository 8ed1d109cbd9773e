"""Calls to two installed satellites and one of another make, which wakes by itself, chimes and streams at once."""

import asyncio
import random
import sys
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from wyoming.event import Event

from tests.fakes import FakeSatellite
from tests.integration.several_satellites import House, furnish_with_hub
from wyoming_rosie.wakeword.arbitration.events import LOST_CODE

OURS, THEIRS = ("kitchen", "hall"), "garage"
SKEW_SECONDS = 0.15
NEAR, FAR = 1.0, (0.05, 0.1)
COMMAND_SECONDS = 1.6


async def call_with_another_make(folder: Path, word: bytes, rounds: int, seed: int) -> bool:
    """Call so often, from next to each satellite in turn; return whether one turn followed each time, and no chime elsewhere."""
    rng, garage, wins = random.Random(seed), FakeSatellite(THEIRS, "Garage"), Counter[tuple[str, str]]()
    is_right = True
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(garage.serving(info=garage.info))
        house = await stack.enter_async_context(furnish_with_hub(folder, OURS, others=[garage.uri]))
        assert house.hub is not None
        await house.hub.wait_for_line("satellite connected", satellite=THEIRS)
        for number in range(rounds):
            near = (*OURS, THEIRS)[number % 3]
            answered = await _call(house, garage, word, near, rng)
            is_right &= len(answered) == 1
            wins[near, "+".join(answered)] += 1
            sys.stderr.write(f"{number + 1}: near {near}, answered {answered}\n")
    chimes = {name: house.chimes(name) for name in OURS}
    answers = {name: house.answers(name) for name in OURS}
    for (near, who), times in sorted(wins.items()):
        sys.stdout.write(f"others: called beside {near}, {who} answered {times} times\n")
    sys.stdout.write(
        f"others: one answer {'always' if is_right else 'NOT always'}; answers {answers}, chimes {chimes}\n"
    )
    return is_right and chimes == answers


async def _call(house: House, garage: FakeSatellite, word: bytes, near: str, rng: random.Random) -> list[str]:
    heard = len(garage.heard)
    words = {name: len(house.satellites[name].lines("wake word")) for name in OURS}

    async def their_part() -> bool:
        async with asyncio.timeout(60):
            while all(len(house.satellites[name].lines("wake word")) == words[name] for name in OURS):
                await asyncio.sleep(0.01)
        if near != THEIRS:
            await asyncio.sleep(rng.uniform(0, SKEW_SECONDS))
        await garage.wake(f"theirs {heard}")
        with suppress(TimeoutError):
            error = await garage.wait_for("error", after=heard, seconds=1)
            assert error.data["code"] == LOST_CODE
            return False
        await garage.speak(COMMAND_SECONDS)
        await garage.wait_for("audio-stop", after=heard)
        await garage.send(Event("played"))
        return True

    factors = {name: NEAR if name == near else rng.uniform(*FAR) for name in OURS}
    late = {name: 0.0 if name == near else rng.uniform(0, SKEW_SECONDS) for name in OURS}
    ours, theirs_answered = await asyncio.gather(house.call(word, factors, late), their_part())
    return [*ours, *([THEIRS] if theirs_answered else [])]
