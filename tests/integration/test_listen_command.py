"""`wyoming-rosie listen` with a satellite of ours that hears a recording."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from tests.conftest import StartDaemon
from tests.daemons import Daemon, command
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.commands.demo import RECORDING


async def satellite(daemon: StartDaemon, folder: Path) -> Daemon:
    return await daemon("satellite", "--mic", f"wav:{RECORDING}", "--snd", f"wav:{folder}/reply.wav")


async def started(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), "listen", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


async def listened(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    process = await started(*arguments, "--json")
    out, err = await process.communicate()
    return process.returncode or 0, [json.loads(line) for line in out.splitlines()], err.decode()


async def test_a_turn_is_shown_recorded_and_answered(daemon: StartDaemon, tmp_path: Path) -> None:
    box = await satellite(daemon, tmp_path)
    answer = ("--speak", str(RECORDING), "--record", str(tmp_path / "heard.wav"))
    status, shown, complaint = await listened(box.uri, *answer, "--turns", "1", "--seconds", "60")
    assert (status, complaint) == (0, "")
    events = [line["event"] for line in shown]
    wanted = ["conducting", "detection", "run-pipeline asr to tts", "first audio", "heard", "played", "recorded"]
    assert [event for event in events if event in wanted] == wanted
    audio, pcm = await asyncio.to_thread(read_wav, tmp_path / "heard.wav")
    assert audio.seconds(len(pcm)) > 1
    assert any(pcm)
    reply, pcm = await asyncio.to_thread(read_wav, tmp_path / "reply.wav")
    assert reply.seconds(len(pcm)) > 2


async def test_a_text_is_spoken_at_once(daemon: StartDaemon, tmp_path: Path) -> None:
    box = await satellite(daemon, tmp_path)
    status, shown, _ = await listened(
        box.uri, "--speak", "Hello there.", "--announce", "--turns", "1", "--seconds", "60"
    )
    assert status == 0
    assert "played" in [line["event"] for line in shown]


async def test_nobody_who_speaks_is_said_so(daemon: StartDaemon) -> None:
    box = await daemon("satellite", "--mic-command", "sleep 600", "--snd-command", "cat")
    status, _, complaint = await listened(box.uri, "--turns", "1", "--seconds", "0.5")
    assert (status, complaint) == (3, "wyoming-rosie: after 0.5 s: 0 of 1 turns\n")


async def test_interrupting_it_frees_the_satellite(daemon: StartDaemon, tmp_path: Path) -> None:
    box = await satellite(daemon, tmp_path)
    process = await started(box.uri)
    await box.wait_for_line("phase", phase="waiting")
    process.send_signal(signal.SIGINT)
    _, complaint = await process.communicate()
    assert (process.returncode, complaint) == (0, b"")
    await box.wait_for_line("phase", phase="offline")


async def test_what_is_no_satellite_is_said_so(daemon: StartDaemon) -> None:
    tts = await daemon("tts")
    status, _, complaint = await listened(tts.uri)
    assert status == 1
    assert "not a satellite" in complaint
