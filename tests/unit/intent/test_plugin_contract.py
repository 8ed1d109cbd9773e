"""The checks of the contract: a plugin that keeps it passes, and each way to break it is found."""

import asyncio
import shutil
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.plugins.contract import CHECKS, ContractError, load_contract

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "plugins" / "notes"


@pytest.fixture(autouse=True)
def _plugins_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


def copy_example(folder: Path, file: str = "plugin.py", old: str = "", new: str = "") -> Path:
    """Copy the example of the docs and break it."""
    made = folder / "notes"
    shutil.copytree(EXAMPLE, made, ignore=shutil.ignore_patterns("__pycache__"))
    text = (made / file).read_text("utf-8")
    assert old in text
    (made / file).write_text(text.replace(old, new), "utf-8")
    return made


@pytest.mark.parametrize(
    ("check", "file", "old", "new", "problem"),
    [
        ("start", "plugin.py", '"ReadNotes", "Reads the notes of the household"', '"Read", "Reads"', "none of its intents"),
        ("start", "plugin.py", 'ToolParameter("the note"', 'ToolParameter(""', "no description"),
        ("examples", "languages/en.toml", "Shall I note", "May I note", "answered by: May I note"),
        ("other sentences", "languages/en.toml", '"what did (i|we) note"', '"(turn|what) {text}"', "'turn on the kitchen light'"),
        ("questions before changes", "plugin.py", "if not context.is_confirmed:", "if False:", "answered by"),
        ("questions before changes", "plugin.py", """await self._service.send("DELETE", f"notes/{found[0]['id']}")""", "pass", "changed nothing"),
        ("questions before changes", "plugin.py", "return PluginResult(question=question, entities", 'await self._service.send("DELETE", "notes/1")\n            return PluginResult(question=question, entities', "before the yes"),
        ("ambiguous names", "plugin.py", "if len(found) > 1:", "if False:", "does not ask which one"),
        ("faults of the service", "plugin.py", 'self.texts.render("failed", context.language), success=False)', '"It is all done.")', "claims: It is all done"),
        ("pages", "plugin.py", 'if page["next"] else None', "if False else None", "with pages"),
        ("clock changes", "plugin.py", "texts = [", "context.moment.replace(tzinfo=None) < context.moment\n        texts = [", "ends in an error"),
    ],
)  # fmt: skip
async def test_each_break_of_the_contract_is_found(
    tmp_path: Path, check: str, file: str, old: str, new: str, problem: str
) -> None:
    contract = await asyncio.to_thread(load_contract, copy_example(tmp_path, file, old, new))
    with pytest.raises(ContractError, match=problem):
        await CHECKS[check](contract)


async def test_a_plugin_that_shows_its_token_is_found(tmp_path: Path) -> None:
    folder = copy_example(
        tmp_path, "plugin.py", "self._problem = str(err)", 'self._problem = "a secret token is refused"'
    )
    contract = await asyncio.to_thread(load_contract, folder)
    with pytest.raises(ContractError, match="it shows its token"):
        await CHECKS["faults of the service"](contract)


async def test_a_plugin_that_does_not_come_back_is_found(tmp_path: Path) -> None:
    folder = copy_example(
        tmp_path, "plugin.py", "result = await", "assert not self._problem\n            result = await"
    )
    contract = await asyncio.to_thread(load_contract, folder)
    with pytest.raises(ContractError, match="does not recover"):
        await CHECKS["faults of the service"](contract)


def test_a_folder_without_a_contract_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no .*contract\.py"):
        load_contract(tmp_path)
    (tmp_path / "contract.py").write_text("CONTRACT = 5\n", "utf-8")
    with pytest.raises(ConfigError, match="must have a CONTRACT"):
        load_contract(tmp_path)
