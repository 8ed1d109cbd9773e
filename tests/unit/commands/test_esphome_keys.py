"""`wyoming-rosie doctor --keys` shows the encryption keys of satellites."""

import asyncio
from pathlib import Path

import pytest

from wyoming_rosie.commands.diagnostics.machine import find_esphome_keys
from wyoming_rosie.commands.doctor import doctor
from wyoming_rosie.config import data_folder
from wyoming_rosie.runtime.secrets import ESPHOME_KEY_FILE


def keep_key(folder: Path, content: str) -> None:
    folder.mkdir(parents=True)
    (folder / ESPHOME_KEY_FILE).write_text(content)
    (folder / ESPHOME_KEY_FILE).chmod(0o600)


def test_each_satellite_s_key_is_found_and_other_files_are_not(tmp_path: Path) -> None:
    keep_key(tmp_path / "Kitchen", "secret-1\n")
    keep_key(tmp_path / "Office", "secret-2")
    keep_key(tmp_path / "Empty", "")
    assert find_esphome_keys([tmp_path, tmp_path / "nowhere"]) == [("Kitchen", "secret-1"), ("Office", "secret-2")]


async def test_keys_are_printed_as_people_enter_them(capsys: pytest.CaptureFixture[str]) -> None:
    await doctor(keys=True)
    assert "no satellite" in capsys.readouterr().out
    await asyncio.to_thread(keep_key, data_folder() / "Kitchen", "secret-1")
    await doctor(keys=True)
    assert capsys.readouterr().out == "Kitchen: secret-1\n"
