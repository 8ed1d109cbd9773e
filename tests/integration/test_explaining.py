"""`wyoming-rosie explain`: the steps from a sentence to what would be done."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from tests.daemons import command

pytestmark = pytest.mark.long

ROSIE = command("wyoming-rosie")
OWN_HOME = """
[[areas]]
id = "hall"
name = "Hall"
[[entities]]
id = "lock.front"
name = "Front Door"
area = "hall"
domain = "lock"
[[entities]]
id = "light.hall"
name = "Hall Lantern"
area = "hall"
domain = "light"
"""

PLUGIN = """
from wyoming_rosie_intent.plugins import IntegrationPlugin

class Tides(IntegrationPlugin):
    async def initialize(self, config):
        pass
    def get_intents(self):
        return {"HighWater": ["when is high water in {place}"]}
    async def get_status(self):
        return {"healthy": True}
    async def handle_command(self, intent, entities):
        raise AssertionError("nothing is executed")
"""


async def explain(tmp_path: Path, *arguments: str) -> tuple[str, int]:
    """Return what is printed about a sentence in the hall, and the status."""
    file = tmp_path / "home.toml"
    await asyncio.to_thread(file.write_text, OWN_HOME)
    process = await asyncio.create_subprocess_exec(
        *(ROSIE, "explain", "--home", str(file), "--area", "Hall", *arguments), stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out.decode(), process.returncode or 0


async def steps_of(tmp_path: Path, text: str, *arguments: str) -> dict[str, str]:
    out, _ = await explain(tmp_path, "--json", text, *arguments)
    steps: dict[str, str] = json.loads(out)["steps"]
    return steps


async def test_each_step_is_a_line(tmp_path: Path) -> None:
    out, status = await explain(tmp_path, "turn on the hall lantern")
    names = [line[:19].strip() for line in out.splitlines()]
    assert names == ["cleaned text", "language", "templates tried", "match", "targets", "policy"]
    assert "done at once: light.hall" in out
    assert status == 0


async def test_a_corrected_name_is_shown_with_the_reason(tmp_path: Path) -> None:
    steps = await steps_of(tmp_path, "turn on the hall lantarn please")
    assert steps["without fillers"] == "turn on the hall lantarn"
    assert steps["correction"] == "turn on the hall lantern"
    assert "nothing else is as likely" in steps["reason"]
    assert steps["targets"] == "light.hall"


async def test_the_word_that_bars_a_correction_is_named(tmp_path: Path) -> None:
    out, status = await explain(tmp_path, "--json", "don't turn on the hall lantarn")
    found = json.loads(out)
    assert found["steps"]["reason"] == "no command contains 'don't'"
    assert found["matches"] == []
    assert status == 3


async def test_what_is_dangerous_would_be_asked_first(tmp_path: Path) -> None:
    steps = await steps_of(tmp_path, "unlock the front door")
    assert steps["policy"] == "asks first: lock.front"


async def test_several_commands_are_shown_in_parts(tmp_path: Path) -> None:
    steps = await steps_of(tmp_path, "turn on the hall lantern and lock the front door")
    assert steps["parts"] == "turn on the hall lantern; lock the front door"


async def test_sentences_of_one_conversation_refer_to_the_one_before(tmp_path: Path) -> None:
    out, status = await explain(tmp_path, "--json", "turn on the hall lantern", "turn it off", "undo that")
    _, second, third = (json.loads(line) for line in out.splitlines())
    assert second["steps"]["last turn"] == "HassTurnOff name=Hall Lantern"
    assert second["steps"]["targets"] == "light.hall"
    assert third["steps"]["last turn"] == "puts the last changes back"
    assert status == 0


async def test_what_no_rule_understands_goes_to_a_model_if_there_is_one(tmp_path: Path) -> None:
    steps = await steps_of(tmp_path, "turn on the lantern in the attic")
    assert steps["language model"] == "asked if one is set up, as a simple question: local, network, cloud"
    assert steps["without a model"].startswith("Sorry, I know no lantern in the attic here.")
    assert "language model" not in await steps_of(tmp_path, "turn on the hall lantern")


async def test_a_plugin_may_understand_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "tides"
    folder.mkdir(parents=True)
    await asyncio.to_thread((folder / "plugin.py").write_text, PLUGIN)
    steps = await steps_of(tmp_path, "when is high water in porto", "--plugin-folder", str(folder.parent))
    assert steps["plugin"] == "tides: HighWater place=porto"
    assert "language model" not in steps


async def test_another_language_has_its_own_templates(tmp_path: Path) -> None:
    steps = await steps_of(tmp_path, "schalte Hall Lantern ein", "--language", "de")
    assert (steps["language"], steps["targets"]) == ("de", "light.hall")
