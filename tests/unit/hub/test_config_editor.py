"""Changes of settings in the file, with a program of the test's own."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie import config
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_hub.web.config_editor import ConfigEditor


@dataclass(frozen=True)
class Lamp:
    watts: int = option(5, "power of the lamp", minimum=1, maximum=100)


@dataclass(frozen=True)
class LampConfig:
    """A program."""

    color: str = option("white", "color of the light")
    lamp: Lamp = option(Lamp, "the lamp")
    names: tuple[str, ...] = option((), "names of the lamp")
    config: Path | None = option(None, "the file")


def editor(file: Path, *flags: str) -> ConfigEditor:
    def read() -> LampConfig:
        settings = config.read("hub", LampConfig, ["--config", str(file), *flags])
        assert settings is not None
        return settings

    return ConfigEditor("hub", LampConfig, file, frozenset({"color", "lamp"}), read, lambda _: None)


def test_a_file_is_made_where_there_was_none(tmp_path: Path) -> None:
    file = tmp_path / "new" / "rosie.toml"
    change, settings = editor(file).change({"lamp.watts": 7, "names": ["a", "b"]}, LampConfig())
    assert (change.applied, change.needs_restart, change.overridden) == (("lamp.watts",), ("names",), ())
    assert settings == LampConfig(lamp=Lamp(7), names=("a", "b"), config=file)


def test_each_setting_names_its_kind(tmp_path: Path) -> None:
    document = editor(tmp_path / "rosie.toml").describe(LampConfig())
    kinds = {setting.key: setting.kind for setting in document.settings}
    assert kinds == {"color": "text", "lamp.watts": "whole number", "names": "list"}


def test_limits_are_told_and_hold_for_changes_as_for_the_program_itself(tmp_path: Path) -> None:
    lamp = editor(tmp_path / "rosie.toml")
    told = {setting.key: (setting.minimum, setting.maximum) for setting in lamp.describe(LampConfig()).settings}
    assert told == {"color": (None, None), "lamp.watts": (1, 100), "names": (None, None)}
    with pytest.raises(ConfigError, match=r"--lamp\.watts must be from 1 to 100, not 101"):
        lamp.change({"lamp.watts": 101}, LampConfig())
    with pytest.raises(ConfigError, match=r"--lamp\.watts must be from 1 to 100, not 0"):
        config.read("hub", LampConfig, ["--lamp.watts", "0"])
    assert lamp.change({"lamp.watts": 100}, LampConfig())[1].lamp == Lamp(100)


def test_null_is_the_default_again(tmp_path: Path) -> None:
    file = tmp_path / "rosie.toml"
    file.write_text('[hub]\ncolor = "red"  # warm\n')
    _, settings = editor(file).change({"color": None}, LampConfig())
    assert settings.color == "white"


def test_a_flag_that_overrides_is_named(tmp_path: Path) -> None:
    change, settings = editor(tmp_path / "rosie.toml", "--color", "blue").change({"color": "red"}, LampConfig())
    assert change.overridden == ("color",)
    assert settings.color == "blue"


@pytest.mark.parametrize(
    "changes", [{"lamp.watts": "bright"}, {"lamp": 5}, {"lamp.volts": 5}, {"config": "/x"}, {"": 1}]
)
def test_a_wrong_change_leaves_everything_as_it_was(tmp_path: Path, changes: dict[str, object]) -> None:
    file = tmp_path / "rosie.toml"
    file.write_text("# mine\n[hub]\n")
    with pytest.raises(ConfigError):
        editor(file).change(changes, LampConfig())
    assert file.read_text() == "# mine\n[hub]\n"
    assert list(tmp_path.iterdir()) == [file]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_the_file(tmp_path_factory: pytest.TempPathFactory, color: str) -> None:
    file = tmp_path_factory.mktemp("config") / "rosie.toml"
    file.write_text("# the house\n[hub]\n[hub.lamp]\nwatts = 3 # dim\n[asr]\n")
    _, settings = editor(file).change({"color": color}, LampConfig())
    assert settings.color == color
    assert settings.lamp.watts == 3
    assert "watts = 3 # dim" in file.read_text()


@dataclass(frozen=True)
class DoorConfig:
    """A program with choices and secrets."""

    engine: Literal["key", "card"] | None = option(None, "what opens the door")
    url: str = option("mqtt://user:hunter2@host", "the broker")
    plain_url: str = option("mqtt://host:1883", "another one")
    api_token: str = option("hunter2", "the token")
    token_file: Path | None = option(None, "the file with the token")
    key_variable: str = option("KEY", "the variable with the key")
    key: Path | None = option(None, "the file with a private key")
    context_tokens: int = option(8192, "size of the context")
    plugins: dict[str, dict[str, str]] = option(dict, "settings of plugins")


def test_secrets_are_not_told_and_choices_are(tmp_path: Path) -> None:
    settings = replace(DoorConfig(), plugins={"garden": {"pin": "hunter2"}}, key=Path("/etc/key.pem"))
    editor = ConfigEditor("hub", DoorConfig, tmp_path / "x.toml", frozenset(), DoorConfig, lambda _: None)
    told = {setting.key: setting for setting in editor.describe(settings).settings}
    assert {key for key, setting in told.items() if setting.secret} == {"url", "api_token", "plugins"}
    assert "hunter2" not in str(told)
    assert told["engine"].choices == ("key", "card")
    assert told["plain_url"].choices is None
    assert told["key"].value == "/etc/key.pem"
