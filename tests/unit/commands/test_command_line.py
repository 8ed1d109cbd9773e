"""The `wyoming-rosie` command line: groups of subcommands, and the settings of `up`."""

from io import StringIO
from pathlib import Path

import pytest
from cyclopts import CycloptsError
from rich.console import Console

from wyoming_rosie.commands.__main__ import app
from wyoming_rosie.commands.launch_plan import UpOptions
from wyoming_rosie.errors import ConfigError

SETTINGS = """
[up]
without = ["wake", "hub"]
satellite = true
home = "home.toml"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "rosie.toml"
    file.write_text(SETTINGS)
    return file


def help_text() -> list[str]:
    """Return the words of `--help`, title lines included."""
    out = StringIO()
    app.help_print(console=Console(file=out, width=100, color_system=None))
    return out.getvalue().splitlines()


def up_options(*arguments: str) -> UpOptions:
    _, bound, _ = app.parse_args(["up", *arguments], exit_on_error=False, print_error=False)
    bound.apply_defaults()
    options = bound.arguments["options"]
    assert isinstance(options, UpOptions)
    return options


def test_help_shows_the_subcommands_in_groups() -> None:
    groups: dict[str, set[str]] = {}
    for line in help_text():
        if line.startswith("╭"):
            group = groups.setdefault(line.strip("╭─╮ "), set())
        elif line.startswith("│ ") and line[2] != " ":
            group.add(line.split()[1])
    assert groups.pop("Commands") == {"--help", "--version"}
    assert groups == {
        "Try it": {"demo", "ask", "explain", "prompt", "say", "transcribe", "detect"},
        "Run and check": {
            "up",
            "backup",
            "enroll",
            "calendar",
            "restore",
            "doctor",
            "check",
            "config",
            "plugin",
            "discover",
            "key",
            "pair",
            "join",
            "listen",
            "memory",
            "service",
        },
        "Models, voices and devices": {
            "voices",
            "languages",
            "devices",
            "models",
            "fetch-models",
            "check-model",
            "train-verifier",
        },
    }


def test_up_reads_its_table(settings: Path) -> None:
    assert up_options("--config", str(settings)) == UpOptions(
        config=settings, home=Path("home.toml"), satellite=True, without=("wake", "hub")
    )


def test_flags_of_up_beat_its_environment_which_beats_its_table(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WYOMING_ROSIE_UP_WITHOUT", "tts asr")
    monkeypatch.setenv("WYOMING_ROSIE_UP_SATELLITE", "true")
    found = up_options("--config", str(settings), "--no-satellite")
    assert (found.without, found.satellite, found.home) == (("tts", "asr"), False, Path("home.toml"))


def test_the_environment_names_the_configuration_file_of_up(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WYOMING_ROSIE_UP_CONFIG", str(settings))
    assert (up_options().config, up_options().without) == (settings, ("wake", "hub"))


def test_the_bridge_is_named_by_flag_environment_or_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rosie.toml"
    file.write_text('[up]\nwith = ["bridge"]')
    assert up_options("--config", str(file)).with_ == ("bridge",)
    assert up_options("--with", "bridge").with_ == ("bridge",)
    monkeypatch.setenv("WYOMING_ROSIE_UP_WITH", "bridge")
    assert up_options().with_ == ("bridge",)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (
            '[up]\nwithouts = ["wake"]',
            "unknown key 'withouts'; there are: config, debug, home, satellite, whisper, with, without",
        ),
        ('[up]\nwithout = ["wak"]', "wak"),
    ],
    ids=["unknown key", "unknown program"],
)
def test_a_mistake_in_the_table_of_up_is_refused(written: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "rosie.toml"
    file.write_text(written)
    with pytest.raises((ConfigError, CycloptsError), match=complaint):
        up_options("--config", str(file))


def test_an_unknown_environment_variable_of_up_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WYOMING_ROSIE_UP_WITHOU", "wake")
    with pytest.raises(ConfigError, match="WYOMING_ROSIE_UP_WITHOU names no setting"):
        up_options()
