"""Command lines and container settings of linux-voice-assistant."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_rosie import config
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.compat.migration import migrate
from wyoming_rosie_satellite.compat.voice_assistant import ADDRESS, NAME, WITH_VALUE, WITHOUT_VALUE
from wyoming_rosie_satellite.config import SatelliteConfig

COMMAND = """python3 -m linux_voice_assistant --name 'Living Room' --audio-input-device 'USB Audio'
 --wake-word-dir /a --wake-word-dir=/b --wake-model hey_jarvis --stop-model quiet --mic-volume 80 --mic-auto-gain 5
 --mic-noise-suppression 2 --refractory-seconds 1.5 --wakeup-sound a.wav --timer-finished-sound t.wav --port 6054
 --timer-max-ring-seconds 60 --listen-during-wake-sound --colored-debug"""
ENV = """### Name
CLIENT_NAME="speaker_livingroom"   # of the room
# HOST="10.0.0.1"
PORT="6055"
LVA_USER_ID="1000"
LVA_XDG_RUNTIME_DIR="/run/user/${LVA_USER_ID}"
WAKE_MODEL='hey_jarvis'
ENABLE_DEBUG="1"
ENABLE_THINKING_SOUND="0"
REFACTORY_SECONDS="3"
"""
UNIT = "[Service]\nExecStart=/opt/linux-voice-assistant/script/run \\\n  --name Attic --wake-model alexa\n"


def read(given_text: str) -> SatelliteConfig:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rosie.toml"
        file.write_text(migrate([given_text]), "utf-8")
        settings = config.read("satellite", SatelliteConfig, ["--config", str(file)])
    assert settings is not None
    return settings


def test_a_command_is_a_configuration_that_does_the_same() -> None:
    settings = read(COMMAND)
    assert (settings.esphome, settings.esphome_uri) == (True, "tcp://0.0.0.0:6054")
    assert (settings.name, settings.mic) == ("Living Room", "USB Audio")
    assert settings.custom_model_dir == (Path("/a"), Path("/b"))
    assert (settings.wake_word_name, settings.stop_word) == (("hey_jarvis",), ("quiet",))
    assert (settings.mic_volume_multiplier, settings.mic_auto_gain, settings.mic_noise_suppression) == (0.8, 5, 2)
    assert (settings.wake_refractory_seconds, settings.timer_rings) == (1.5, 15)
    assert (settings.awake_wav, settings.timer_finished_wav) == (Path("a.wav"), Path("t.wav"))
    assert (settings.mic_no_mute_during_awake_wav, settings.debug) == (True, True)


def test_a_unit_is_read(tmp_path: Path) -> None:
    (tmp_path / "lva.service").write_text(UNIT)
    settings = read(str(tmp_path / "lva.service"))
    assert (settings.name, settings.wake_word_name) == ("Attic", ("alexa",))


def test_the_settings_of_a_container_are_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(ENV)
    settings = read(str(tmp_path / ".env"))
    assert (settings.name, settings.esphome_uri) == ("speaker_livingroom", "tcp://0.0.0.0:6055")
    assert (settings.wake_word_name, settings.debug, settings.wake_refractory_seconds) == (("hey_jarvis",), True, 3)


@pytest.mark.long
@pytest.mark.parametrize("flag", [*WITH_VALUE, *WITHOUT_VALUE, *ADDRESS])
def test_each_flag_becomes_a_valid_setting_or_a_comment(flag: str) -> None:
    value = "" if flag in WITHOUT_VALUE else "1"
    line = migrate([f"{NAME} --{flag} {value}"])
    assert len(line.splitlines()) >= 4
    read(f"{NAME} --{flag} {value}")


@pytest.mark.parametrize(
    ("device", "is_kept"), [("USB Audio", True), ("default", True), ("3", False), ("alsa/plughw:1", False)]
)
def test_a_device_is_kept_if_it_is_a_part_of_a_name(device: str, is_kept: bool) -> None:
    line = migrate([f"{NAME} --audio-output-device '{device}'"])
    assert (f'snd = "{device}"' in line) is is_kept


@pytest.mark.parametrize(
    ("command", "reason"),
    [("--nonsense 1", "no flag '--nonsense'"), ("--mic-volume loud", "needs a number"), ("--name", "needs a value")],
)
def test_what_cannot_be_read_is_a_clear_error(command: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        migrate([f"{NAME} {command}"])


@settings(max_examples=25)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40))
def test_any_value_makes_a_valid_file(value: str) -> None:
    if value.startswith("--"):
        return
    text = migrate([NAME, "--name", value, "--audio-output-device", value])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rosie.toml").write_text(text, "utf-8")
        settings = config.read("satellite", SatelliteConfig, ["--config", str(Path(folder) / "rosie.toml")])
    assert settings is not None
    assert settings.name == value
