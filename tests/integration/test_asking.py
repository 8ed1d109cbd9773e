"""`wyoming-rosie ask`: choice of the intent daemon, follow-up questions, and the notice of a simulated home."""

import asyncio
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.daemons import Daemon, command
from wyoming_rosie.home.model import SIMULATED, SIMULATED_HOME_FILE

ROSIE = command("wyoming-rosie")
LOCK = ("--area", "Kitchen", "unlock the front door")
OWN_HOME = """
[[areas]]
id = "kitchen"
name = "Kitchen"
[[entities]]
id = "lock.shed"
name = "Shed"
area = "kitchen"
domain = "lock"
"""


@pytest.fixture(autouse=True)
def _settings_are_not_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))


async def ask(*arguments: str) -> tuple[str, str, int]:
    """Return the last line of what is printed, what is said on stderr, and the status."""
    process = await asyncio.create_subprocess_exec(
        ROSIE, "ask", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    return (out.decode().splitlines() or [""])[-1], err.decode(), process.returncode or 0


async def running_house(daemon: StartDaemon, tmp_path: Path, *arguments: str) -> Daemon:
    """Run a house where the user's settings say."""
    settings = tmp_path / "XDG_CONFIG_HOME" / "wyoming-rosie" / "rosie.toml"
    settings.parent.mkdir(parents=True)
    uri = f"unix://{tmp_path}/intent.sock"
    settings.write_text(f'[intent]\nuri = "{uri}"\n')
    return await daemon("intent", "--uri", uri, *arguments)


async def test_a_running_house_is_asked_and_its_question_can_be_answered(daemon: StartDaemon, tmp_path: Path) -> None:
    house = await running_house(daemon, tmp_path)
    answer, about, status = await ask(*LOCK)
    assert (answer, status) == ("Shall I unlock the Front Door?", 0)
    assert house.uri in about
    assert SIMULATED in about
    assert (await ask("--continue", "yes"))[0] == "Unlocked the Front Door."
    assert (await ask("is the front door locked?"))[0].startswith("No")
    again, complaint, status = await ask("--continue", "yes")
    assert (again, status) != ("Unlocked the Front Door.", 0)
    assert "no question for --continue" in complaint


@pytest.mark.long
async def test_a_running_house_is_left_alone_by_those_who_name_another(daemon: StartDaemon, tmp_path: Path) -> None:
    house = await running_house(daemon, tmp_path)
    other = await daemon("intent")
    assert other.uri in (await ask("what time is it", "--uri", other.uri))[1]
    assert "a new intent daemon" in (await ask("what time is it", "--own"))[1]
    assert not house.lines("answered")


async def test_without_a_running_house_a_question_can_be_answered_as_well(tmp_path: Path) -> None:
    home = tmp_path / "home.toml"
    home.write_text(OWN_HOME)
    question, about, _ = await ask("--home", str(home), "--area", "Kitchen", "unlock the shed")
    assert question.startswith("Shall I")
    assert "a new intent daemon" in about
    kept = tmp_path / "XDG_STATE_HOME" / "wyoming-rosie" / "ask.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert (await ask("--continue", "yes"))[0] == "Unlocked the Shed."
    assert not kept.exists()


async def test_a_question_of_long_ago_is_not_answered(tmp_path: Path) -> None:
    await ask("--own", *LOCK)
    kept = tmp_path / "XDG_STATE_HOME" / "wyoming-rosie" / "ask.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "until": 1.0}))
    _, complaint, status = await ask("--continue", "yes")
    assert status != 0
    assert "say the sentence again" in complaint


async def test_on_a_terminal_a_question_is_answered_at_once(daemon: StartDaemon) -> None:
    house = await daemon("intent")
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(ROSIE, "ask", "--uri", house.uri, *LOCK), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, b"yes\n")
    assert await process.wait() == 0
    shown = (await asyncio.to_thread(os.read, ours, 4096)).decode()
    os.close(ours)
    assert "Shall I unlock the Front Door?" in shown
    assert "Unlocked the Front Door." in shown


@pytest.mark.long
async def test_a_house_in_memory_made_from_ones_own_home_says_so_with_each_answer_and_to_the_doctor(
    daemon: StartDaemon, tmp_path: Path
) -> None:
    home = tmp_path / "home.toml"
    home.write_text(OWN_HOME)
    house = await daemon("intent", "--home", str(home))
    _, about, _ = await ask("what time is it", "--uri", house.uri)
    assert SIMULATED_HOME_FILE in about
    assert (await house.wait_for_line("answered"))["notice"] == SIMULATED_HOME_FILE
    real = await daemon("intent", "--home", str(home), "--actor", "none")
    _, about, _ = await ask("what time is it", "--uri", real.uri)
    assert "simulat" not in about
    assert "notice" not in await real.wait_for_line("answered")
