"""Calls to two installed satellites of ours and wyoming-satellite 1.0.0, which wakes by itself, chimes and streams at once."""

import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.daemons import Daemon
from tests.integration.several_satellites import House, VoiceInRoom, furnish_with_hub, scale
from tests.interop.peers import ENVIRONMENTS, run_peer
from wyoming_rosie.audio.formats import SPEECH

OURS, THEIRS = ("kitchen", "hall"), "garage"
EVERYBODY = (*OURS, THEIRS)
SKEW_SECONDS = 0.15
NEAR, FAR = 1.0, (0.05, 0.1)
PYTHON = ENVIRONMENTS / "satellite" / "bin" / "python"


async def call_with_another_make(folder: Path, word: bytes, rounds: int, seed: int) -> bool:
    """Call so often, from next to each satellite in turn; return whether one turn followed each time, and no chime elsewhere."""
    if not PYTHON.exists():
        sys.stdout.write("others: skipped: wyoming-satellite is not installed; run scripts/peers\n")
        return True
    rng, wins, voice = random.Random(seed), Counter[tuple[str, str]](), VoiceInRoom(folder / f"{THEIRS}.pipe")
    is_right, heard_theirs = True, 0
    async with AsyncExitStack() as stack:
        uri = await stack.enter_async_context(_their_satellite(folder, voice))
        house = await stack.enter_async_context(furnish_with_hub(folder, OURS, others=[uri]))
        assert house.hub is not None
        await house.hub.wait_for_line("satellite connected", satellite=THEIRS)
        for number in range(rounds):
            near = EVERYBODY[number % 3]
            before = len(_turns(house, "wake"))
            answered = await _call(house, voice, word, near, rng)
            heard_theirs += len(_turns(house, "wake")) > before
            is_right &= len(answered) == 1
            wins[near, "+".join(answered)] += 1
            sys.stderr.write(f"{number + 1}: near {near}, answered {answered}\n")
    chimes = {name: house.chimes(name) for name in OURS}
    answers = {name: house.answers(name) for name in OURS}
    for (near, who), times in sorted(wins.items()):
        sys.stdout.write(f"others: called beside {near}, {who} answered {times} times\n")
    sys.stdout.write(
        f"others: the other make heard {heard_theirs} of {rounds} calls; answers {answers}, chimes {chimes}\n"
    )
    sys.stdout.write(f"others: one answer {'always' if is_right else 'NOT always'}\n")
    return is_right and chimes == answers


@asynccontextmanager
async def _their_satellite(folder: Path, voice: VoiceInRoom) -> AsyncIterator[str]:
    """Run wyoming-satellite with a wake daemon of ours during the block; yield its URI."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(voice.speaking())
        wake = await Daemon.start("wake")
        stack.push_async_callback(wake.stop)
        arguments = (
            *("-m", "wyoming_satellite", "--name", THEIRS, "--area", THEIRS.title(), "--no-zeroconf"),
            *("--mic-command", voice.command, "--mic-command-samples-per-chunk", "320", "--snd-command", "cat"),
            *("--wake-uri", wake.uri, "--wake-word-name", "okay_nabu"),
        )
        yield await stack.enter_async_context(run_peer(PYTHON, *arguments, log=folder / "their-satellite"))


async def _call(house: House, voice: VoiceInRoom, word: bytes, near: str, rng: random.Random) -> Sequence[str]:
    factors = {name: NEAR if name == near else rng.uniform(*FAR) for name in EVERYBODY}
    late = {name: 0.0 if name == near else rng.uniform(0, SKEW_SECONDS) for name in EVERYBODY}
    before = len(_turns(house, "first-audio"))
    voice.says(bytes(SPEECH.bytes_in(round(late[THEIRS], 2))) + scale(word, factors[THEIRS]))
    ours = await house.call(word, {name: factors[name] for name in OURS}, late)
    return [*ours, *([THEIRS] * (len(_turns(house, "first-audio")) - before))]


def _turns(house: House, step: str) -> list[dict[str, object]]:
    """Return the steps of their satellite's turns."""
    assert house.hub is not None
    return [line for line in house.hub.lines("turn") if (line["satellite"], line["step"]) == (THEIRS, step)]
