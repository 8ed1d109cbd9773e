"""wyoming-satellite 1.0.0, which is widely installed, with our wake daemon and our hub as conductor."""

import asyncio
import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.interop.peers import find_program, run_peer
from wyoming_rosie_satellite.compat.migration import VALUE_KINDS

pytestmark = [pytest.mark.interop]
SPEAK = """
import sys, time, wave
recording = wave.open(sys.argv[1]).readframes(10**7)
said = bytes(2 * 32000) + recording + bytes(20 * 32000)
while True:
    for at in range(0, len(said), 640):
        sys.stdout.buffer.write(said[at : at + 640].ljust(640, b"\\0"))
        sys.stdout.buffer.flush()
        time.sleep(0.02)
"""
"""A microphone that repeats a recording."""
LONGEST_STEP_SECONDS = 60.0
STEPS = ("wake", "decided", "transcript", "intent", "first-audio")  # it never says that an answer was played


def has_sound(file: Path) -> bool:
    """Tell whether anything but silence was written; the program that writes it may not have begun yet."""
    return file.exists() and any(file.read_bytes())


@pytest.mark.parametrize(
    "finder",
    [
        pytest.param("openwakeword", id="openwakeword finds its word"),
        pytest.param("ours", id="our wake daemon finds its word"),
        pytest.param("hub", id="the hub finds its word"),
    ],
)
async def test_our_hub_conducts_it(daemon: StartDaemon, tmp_path: Path, said: Path, finder: str) -> None:
    microphone, heard = tmp_path / "microphone.py", tmp_path / "speaker.raw"
    await asyncio.to_thread(microphone.write_text, SPEAK)
    daemons = {role: (await daemon(role)).uri for role in ("wake", "vad", "asr", "intent", "tts")}
    async with AsyncExitStack() as stack:
        peer = run_peer(find_program("openwakeword", "wyoming-openwakeword"), log=tmp_path / "wake")
        theirs = await stack.enter_async_context(peer)
        words = {"openwakeword": (theirs, "ok_nabu_v0.1"), "ours": (daemons["wake"], "okay_nabu")}
        uri, word = words.get(finder, ("", ""))
        wake = ("--wake-uri", uri, "--wake-word-name", word) if uri else ()
        old = run_peer(
            find_program("satellite", "python"),
            *("-m", "wyoming_satellite"),  # its command names a function that it does not have
            *("--mic-command", f"{sys.executable} {microphone} {said}", "--mic-command-samples-per-chunk", "320"),
            *("--snd-command", f"tee {heard}", *wake, "--name", "old", "--area", "Kitchen", "--no-zeroconf"),
            log=tmp_path / "satellite",
        )
        satellite = await stack.enter_async_context(old)
        stages = [part for role, where in daemons.items() for part in (f"--{role}-uri", where)]
        kept = ("--no-zeroconf", "--data-dir", str(tmp_path / "hub"), "--debug")
        hub = await daemon("hub", "--satellite", satellite, *stages, *kept)
        for step in STEPS:
            await hub.wait_for_line("turn", seconds=LONGEST_STEP_SECONDS, step=step)
        transcript = await hub.wait_for_line("transcript")
        async with asyncio.timeout(LONGEST_STEP_SECONDS):
            while not await asyncio.to_thread(has_sound, heard):
                await asyncio.sleep(0.1)
    assert transcript["text"] == "turn on the kitchen lights"


async def test_no_flag_of_its_command_is_unknown_to_ours() -> None:
    process = await asyncio.create_subprocess_exec(
        str(find_program("satellite", "python")), "-m", "wyoming_satellite", "--help", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    theirs = set(re.findall(r"--([a-z][a-z-]+)", said.decode()))
    assert len(theirs) > 40
    assert theirs - {"help"} <= VALUE_KINDS.keys()
