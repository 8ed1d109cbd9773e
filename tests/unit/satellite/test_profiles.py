"""Hardware profiles: defaults that every other source of settings overrides."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wyoming_rosie import config
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite import profiles
from wyoming_rosie_satellite.config import SatelliteConfig, profile_names


@pytest.fixture
def own() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "attic.toml"
        file.write_text('[satellite]\nmic = "Attic"\nmic_channel_index = [2]\n')
        yield file


@pytest.fixture(autouse=True)
def _no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def read(*arguments: str) -> SatelliteConfig:
    settings = config.read("satellite", profiles.settings_class(arguments), arguments)
    assert settings is not None
    return settings


@pytest.mark.parametrize("name", profile_names())
def test_each_profile_can_be_read_and_is_told_of(name: str) -> None:
    assert read("--profile", name) != read()
    assert name in SatelliteConfig.__dataclass_fields__["profile"].metadata["help"]


def test_a_microphone_that_lies_is_known() -> None:
    settings = read("--profile", "echo-show-5")
    assert (settings.mic_rate, settings.mic_true_rate) == (44_100, 22_050)


def test_flags_override_a_profile_even_with_the_usual_value(own: Path) -> None:
    assert read("--profile", str(own)).mic == "Attic"
    settings = read("--profile", str(own), "--mic", "default")
    assert (settings.mic, settings.mic_channel_index) == ("default", (2,))


def test_the_environment_overrides_a_profile_and_can_ask_for_one(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WYOMING_ROSIE_SATELLITE_PROFILE", str(own))
    assert read().mic == "Attic"
    monkeypatch.setenv("WYOMING_ROSIE_SATELLITE_MIC", "Cellar")
    assert read().mic == "Cellar"


def test_a_file_overrides_a_profile_and_can_ask_for_one(own: Path) -> None:
    file = own.with_name("rosie.toml")
    file.write_text(f'[satellite]\nprofile = "{own}"\nmic = "Cellar"\n')
    settings = read("--config", str(file))
    assert (settings.mic, settings.mic_channel_index) == ("Cellar", (2,))


def test_an_unknown_profile_is_refused_with_the_list() -> None:
    with pytest.raises(
        ConfigError,
        match=r"no profile is named 'echo'; did you mean echo-show .*there are: echo-show, .*usb; or name a TOML file",
    ):
        read("--profile", "echo")


def test_an_unknown_key_in_a_profile_is_refused(own: Path) -> None:
    own.write_text("[satellite]\nmicrophone = 1\n")
    with pytest.raises(ConfigError, match="unknown key 'microphone'"):
        read("--profile", str(own))


def test_a_question_needs_no_profile() -> None:
    assert profiles.settings_class(["--profile", "nothing", "--help"]) is SatelliteConfig
