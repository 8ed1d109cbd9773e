"""`wyoming-rosie check` on daemons of other projects, with the results in docs/checking.md."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.daemons import command
from tests.interop.conftest import VOICE
from tests.interop.peers import find_program, run_peer
from wyoming_rosie.commands.conformance.bad_input import BYTES

pytestmark = [pytest.mark.interop]

BAD_BYTES = {f"bad bytes: {one.name}" for one in BYTES}


async def run_check(uri: str, *arguments: str) -> dict[str, str]:
    """Return each check's verdict."""
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), "check", uri, "--json", *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return {one["check"]: one["verdict"] for one in map(json.loads, out.splitlines())}


def with_verdict(verdict: str, found: dict[str, str]) -> set[str]:
    return {check for check, one in found.items() if one == verdict}


async def test_openwakeword(tmp_path: Path, shared_data: Path) -> None:
    peer = find_program("openwakeword", "wyoming-openwakeword")
    async with run_peer(peer, log=tmp_path / "log") as uri:
        found = await run_check(uri, "--wav", str(shared_data / "wake" / "woww_okay_nabu.wav"))
    assert found["a wake word"] == found["the wake word as Home Assistant asks"] == "ok"
    expected = {"a recording in a burst", "ping", "info has versions", "an unknown wake word", "describe is answered"}
    assert expected | BAD_BYTES <= with_verdict("finding", found)
    assert found["works after bad input"] == "ok"
    assert with_verdict("failed", found) == set()


async def test_piper(tmp_path: Path, voices: Path) -> None:
    peer = find_program("piper", "wyoming-piper")
    arguments = ("--voice", VOICE, "--data-dir", str(voices), "--download-dir", str(tmp_path))
    async with run_peer(peer, *arguments, log=tmp_path / "log") as uri:
        found = await run_check(uri)
    assert found["a text"] == found["a streamed text"] == found["works after bad input"] == "ok"
    expected = {"a text after a streamed one", "ping", "info is complete", "its voices by name"}
    assert expected | BAD_BYTES <= with_verdict("finding", found)
    assert with_verdict("failed", found) == set()


async def test_faster_whisper(tmp_path: Path, whisper: Path) -> None:
    peer = find_program("whisper", "wyoming-faster-whisper")
    arguments = (
        "--model",
        str(whisper),
        "--data-dir",
        str(whisper),
        "--local-files-only",
        "--stt-library",
        "faster-whisper",
    )
    async with run_peer(peer, *arguments, log=tmp_path / "log") as uri:
        found = await run_check(uri)
    assert found["a command"] == found["silence"] == found["works after bad input"] == "ok"
    assert found["ping"] == "finding"
    assert with_verdict("failed", found) == set()
