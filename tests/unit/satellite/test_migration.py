"""Command lines of wyoming-satellite, as its users have them in their service files."""

import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie import config
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.compat.migration import PIPELINE, VALUE_KINDS, migrate, translate_arguments
from wyoming_rosie_satellite.config import SatelliteConfig

OLD = """/home/pi/wyoming-satellite/script/run --name 'my satellite' --uri 'tcp://0.0.0.0:10700'
 --mic-command 'arecord -D plughw:CARD=seeed2micvoicec,DEV=0 -r 16000 -c 1 -f S16_LE -t raw'
 --snd-command "aplay -D plughw:CARD=seeed2micvoicec,DEV=0 -r 22050 -c 1 -f S16_LE -t raw"
 --wake-uri tcp://127.0.0.1:10400 --wake-word-name ok_nabu --wake-word-name hey_jarvis 'Second pipeline'
 --mic-auto-gain=5 --mic-noise-suppression 2 --mic-channel-index 1 --mic-volume-multiplier 1.5 --no-zeroconf
 --awake-wav sounds/awake.wav --timer-finished-wav-repeat 3 0.75 --mic-no-mute-during-awake-wav
 --vad --vad-threshold 0.3 --debug --log-format json"""


def read(words: str) -> SatelliteConfig:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rosie.toml"
        file.write_text(migrate([words]), "utf-8")
        settings = config.read("satellite", SatelliteConfig, ["--config", str(file)])
    assert settings is not None
    return settings


def test_an_old_command_is_a_configuration_that_does_the_same() -> None:
    settings = read(OLD)
    assert settings.name == "my satellite"
    assert settings.mic_command == "arecord -D plughw:CARD=seeed2micvoicec,DEV=0 -r 16000 -c 1 -f S16_LE -t raw"
    assert settings.wake_word_name == ("ok_nabu", "hey_jarvis")
    assert settings.wake_word_pipeline == {"hey_jarvis": "Second pipeline"}
    assert settings.log_format == "json"
    assert (settings.mic_auto_gain, settings.mic_noise_suppression, settings.mic_channel_index) == (5, 2, (1,))
    assert (settings.mic_volume_multiplier, settings.zeroconf, settings.debug) == (1.5, False, True)
    assert settings.awake_wav == Path("sounds/awake.wav")
    assert settings.timer_finished_wav_repeat == (3, 0.75)
    assert settings.mic_no_mute_during_awake_wav
    assert (settings.vad, settings.vad_threshold) == (True, 0.3)


def test_what_cannot_be_done_is_said() -> None:
    comments = [line for line in migrate([f"{OLD} --version"]).splitlines() if line.startswith("#")]
    assert comments[1:] == ["# --version: it is no setting"]


def words_of(*arguments: str) -> SatelliteConfig:
    settings = config.read("satellite", SatelliteConfig, translate_arguments(arguments))
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    ("arguments", "names", "pipelines"),
    [
        (("--wake-word-name", "alexa"), ("alexa",), {}),
        (("--wake-word-name", "alexa", "Den", "--debug"), ("alexa",), {"alexa": "Den"}),
        (("--wake-word-name=alexa", "Den"), ("alexa",), {"alexa": "Den"}),
        (
            ("--wake-word-name", "ok_nabu_v0.1", "My den", "--wake-word-name", "alexa", "--name", "den"),
            ("ok_nabu_v0.1", "alexa"),
            {"ok_nabu_v0.1": "My den"},
        ),
        (("--wake-word-name", "a", "b", "--wake-word-name", "c", "d"), ("a", "c"), {"a": "b", "c": "d"}),
    ],
    ids=["no pipeline", "pipeline", "equals sign", "dots and spaces", "two"],
)
def test_a_wake_word_may_name_its_pipeline_as_it_did(
    arguments: tuple[str, ...], names: tuple[str, ...], pipelines: dict[str, str]
) -> None:
    settings = words_of(*arguments)
    assert (settings.wake_word_name, settings.wake_word_pipeline) == (names, pipelines)


@given(st.lists(st.sampled_from(["--wake-word-name", "--wake-word-name=a", "--debug", "a", "b"])))
def test_other_arguments_stay_as_they_are(arguments: list[str]) -> None:
    ours = translate_arguments(arguments)
    if PIPELINE not in ours:
        assert ours == arguments
    else:
        assert ours[: ours.index(PIPELINE)] == [one for one in ours if one in arguments]


def test_a_command_may_come_as_words() -> None:
    assert migrate(["run", "--name", "den"]) == migrate(["python3 -m wyoming_satellite --name den"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("run --nmae den", "has no flag '--nmae'"),
        ("run --name", "'--name' needs 1 value"),
        ("run --mic-auto-gain loud", "'--mic-auto-gain' needs a number, not 'loud'"),
    ],
)
def test_what_is_no_old_command_is_refused(words: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        migrate([words])


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_through(text: str) -> None:
    if not text.startswith("--"):
        assert tomllib.loads(migrate(["run", "--name", text]))["satellite"]["name"] == text


@pytest.mark.long
@pytest.mark.parametrize("name", VALUE_KINDS)
def test_each_old_flag_gives_a_file_that_can_be_read(name: str) -> None:
    values = {"NOTHING": "", "TEXT": "x", "WHOLE": "2", "NUMBER": "0.5", "WORD": "x y", "REPEAT": "2 1"}
    read(f"run --{name} {values[VALUE_KINDS[name].name]}")


UNIT = """[Unit]
Description=Wyoming Satellite
[Service]
Environment=ROOM=Kitchen "PORT=10700"
ExecStart=-/home/pi/wyoming-satellite/script/run \\
    --name ${ROOM} \\
    # a remark
    --uri tcp://0.0.0.0:$PORT \\
    --mic-command 'arecord -r 16000 -t raw'
Restart=always
"""
SETTINGS = 'name = "Kitchen"\nuri = "tcp://0.0.0.0:10700"\nmic_command = "arecord -r 16000 -t raw"\n'


def test_a_units_command_is_read_with_its_variables_over_its_lines(tmp_path: Path) -> None:
    unit = tmp_path / "wyoming-satellite.service"
    unit.write_text(UNIT)
    assert migrate([str(unit)]).endswith(SETTINGS)
    assert migrate([UNIT]).endswith(SETTINGS)


def test_a_command_may_be_longer_than_a_files_name() -> None:
    assert "name = " in migrate([f"run --name {'K' * 5000}"])


def test_a_script_is_read_as_well(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\ncd /opt\nscript/run \\\n  --name Kitchen\n")
    assert migrate([str(script)]).endswith('name = "Kitchen"\n')


@pytest.mark.parametrize(
    "words", [[], [""], ["  "], ["script/run"], ["[Service]\nRestart=always\n"], ["script/run 'open"]]
)
def test_what_holds_no_command_says_what_is_missing(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"--migrate|ExecStart"):
        migrate(words)


def test_the_page_about_migration_shows_what_becomes_of_its_service() -> None:
    page = (Path(__file__).parents[3] / "docs" / "migration.md").read_text("utf-8")
    unit = page.split("```ini\n")[1].split("```")[0]
    shown = page.split(" | tee ~/.config/wyoming-rosie/rosie.toml\n")[1].split("```")[0]
    assert migrate([unit]) == shown
