"""`wyoming-rosie config check` says before a restart what a program would say at its start."""

import asyncio
from pathlib import Path

import pytest

from tests.daemons import command
from wyoming_rosie.programs import PROGRAMS

pytestmark = pytest.mark.long


async def check(text: str, folder: Path) -> tuple[int, str]:
    """Return the status and all that is printed for a configuration file."""
    file = folder / "rosie.toml"
    await asyncio.to_thread(file.write_text, text)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), "config", "check", "--config", str(file), stdout=pipe, stderr=pipe
    )
    async with asyncio.timeout(120):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode() + err.decode()


async def test_settings_that_are_right_are_ok_for_every_program(tmp_path: Path) -> None:
    text = "".join(f"[{program.role}]\ndebug = true\n" for program in PROGRAMS)
    status, said = await check(text, tmp_path)
    assert status == 0, said
    assert said.count("ok") == len(PROGRAMS)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[asr\n", "is not valid TOML"),
        ("[toaster]\nx = 1\n", "'toaster' is not a table of any program"),
        ("[asr]\nuril = 'tcp://127.0.0.1:1'\n", "[asr] has an unknown key 'uril'"),
        ("[satellite]\nmic = 3\n[hub]\nfiller = 'maybe'\n", "the settings of hub"),
    ],
)
async def test_what_is_wrong_is_one_line_with_the_file_and_the_key(text: str, sentence: str, tmp_path: Path) -> None:
    status, said = await check(text, tmp_path)
    assert status == 1
    assert sentence in said
    assert "Traceback" not in said
