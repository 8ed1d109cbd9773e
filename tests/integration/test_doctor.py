"""`wyoming-rosie doctor` on this machine, whatever it has."""

import asyncio
import json
import socket
from typing import Any

import pytest

from tests.conftest import StartDaemon
from tests.daemons import command
from wyoming_rosie.programs import BY_ROLE


async def report(*arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), "doctor", "--json", "--seconds", "0.5", *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return dict(json.loads(out))


def _is_used(port: int | None) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port or 0)) == 0


async def test_it_works_with_or_without_sound_devices() -> None:
    found = await report()
    sound = found["findings"]["sound"]
    if not sound["devices"]["found"]:
        assert [one for one in found["advice"] if "sound" in one["fault"] or "microphone" in one["fault"]]
    assert all(one["next_step"] for one in found["advice"])
    assert socket.gethostname() not in json.dumps(found)


async def test_programs_are_told_from_strangers_on_our_ports(daemon: StartDaemon) -> None:
    tts, asr = BY_ROLE["tts"].port, BY_ROLE["asr"].port
    if any(_is_used(port) for port in (tts, asr)):
        pytest.skip("our usual ports are in use on this machine")
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", asr or 0))
        stranger.listen()
        await daemon("tts", "--uri", f"tcp://127.0.0.1:{tts}")
        found = await report("--no-sound")
    uses = {port["number"]: port["use"] for port in found["findings"]["ports"]}
    assert (uses[tts], uses[asr]) == ("wyoming", "other")
    assert f"tcp://127.0.0.1:{tts}" in [one["uri"] for one in found["findings"]["services"]]
    assert any(str(asr) in one["fault"] for one in found["advice"])
