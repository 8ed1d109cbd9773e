"""`wyoming-rosie service` writes units of systemd for a user, and takes them away again."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from tests.daemons import command


async def run(folder: Path, *words: str) -> tuple[int, str]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), "service", *words, stdout=pipe, stderr=pipe,
        env={**os.environ, "XDG_CONFIG_HOME": str(folder)},
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode() + err.decode()


async def verified(unit: Path) -> str:
    """Return what systemd has to say against a unit."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    process = await asyncio.create_subprocess_exec(
        "systemd-analyze", "--user", "verify", str(unit), stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    return said.decode()


async def test_a_unit_is_written_with_the_path_of_this_installation_and_removed(tmp_path: Path) -> None:
    status, said = await run(tmp_path, "install", "vad", "hub", "--no-start")
    assert status == 0, said
    unit = tmp_path / "systemd" / "user" / "wyoming-rosie-vad.service"
    assert f'ExecStart="{command("wyoming-rosie-vad")}"' in unit.read_text()
    assert "wyoming-rosie-vad.service" not in await verified(unit)
    _, said = await run(tmp_path, "remove", "vad")
    assert f"removed {unit}" in said
    assert not unit.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("install",), "name the programs; there are: wake, vad, asr"),
        (("install", "toaster"), "there is no program 'toaster'"),
        (("remove", "asr"), "nothing was removed"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    status, said = await run(tmp_path, *words)
    assert status in (1, 2)
    assert sentence in said
    assert "Traceback" not in said
