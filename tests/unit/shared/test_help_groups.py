"""Groups of settings in `--help`, at 80 columns."""

import pytest

from wyoming_rosie import config
from wyoming_rosie.protocol.service_config import ServiceConfig
from wyoming_rosie.runtime.help_groups import group_of
from wyoming_rosie_asr.__main__ import AsrConfig
from wyoming_rosie_hub.__main__ import HubConfig
from wyoming_rosie_intent.config import IntentConfig
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_tts.__main__ import TtsConfig
from wyoming_rosie_wake.__main__ import WakeConfig

PROGRAMS = {
    "asr": AsrConfig, "hub": HubConfig, "intent": IntentConfig, "satellite": SatelliteConfig, "tts": TtsConfig,
    "wake": WakeConfig,
}  # fmt: skip


@pytest.mark.parametrize("role", PROGRAMS)
def test_help_is_in_groups_and_fits(
    role: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert config.read(role, PROGRAMS[role], ["--help"]) is None
    shown = capsys.readouterr().out
    titles = [line.strip("╭─╮ ") for line in shown.splitlines() if line.startswith("╭")]
    assert {"Network", "Logging and files"} <= set(titles)
    assert "Parameters" not in titles
    assert len(set(titles)) == len(titles)
    assert max(map(len, shown.splitlines())) <= 80


def test_settings_are_read_as_what_they_are() -> None:
    settings = config.read("asr", ServiceConfig, ["--uri", "tcp://127.0.0.1:1"])
    assert type(settings) is ServiceConfig
    assert settings == ServiceConfig(uri="tcp://127.0.0.1:1")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("mic_command", "Microphone"),
        ("snd_volume_multiplier", "Speaker"),
        ("wake_uri", "Network"),
        ("wake_word_name", "Wake words"),
        ("detection_command", "Programs for events"),
        ("language", "General"),
    ],
)
def test_a_setting_stands_with_its_kind(name: str, title: str) -> None:
    assert group_of(name, str) == title
