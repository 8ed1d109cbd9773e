"""Settings: their sources, and the errors for wrong ones."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from wyoming_rosie.config import FreeTables, option, read, state_folder
from wyoming_rosie.errors import ConfigError


@dataclass(frozen=True)
class Engine:
    beam: float = option(1e-57, "how wide to search")
    model_dir: Path | None = option(None, "folder of models")


@dataclass(frozen=True)
class Settings:
    """Hears things."""

    uri: str = option("default", "where to listen")
    allow: tuple[str, ...] = option((), "networks")
    zeroconf: bool = option(True, "announce")
    engine: Literal["sphinx"] = option("sphinx", "which engine")
    sphinx: Engine = option(Engine, "the engine's own")
    config: Path | None = option(None, "another file")
    parts: FreeTables = option(dict, "settings of others")


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(autouse=True)
def _no_file_of_the_user(tmp_path: Path) -> Iterator[None]:
    with environment(XDG_CONFIG_HOME=str(tmp_path / "home")):
        yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rosie.toml"


def settings(*arguments: str) -> Settings:
    found = read("asr", Settings, arguments)
    assert found is not None
    return found


def test_nothing_given_means_defaults() -> None:
    assert settings() == Settings()


def test_flags_beat_the_environment_which_beats_the_file(file: Path) -> None:
    file.write_text('[asr]\nuri = "file"\nallow = ["file"]\nzeroconf = false\n')
    with environment(WYOMING_ROSIE_ASR_URI="environment", WYOMING_ROSIE_ASR_ALLOW="environment"):
        given = settings("--uri", "flag", "--config", str(file))
    assert (given.uri, given.allow, given.zeroconf) == ("flag", ("environment",), False)


def test_the_users_file_is_read_without_being_named(tmp_path: Path) -> None:
    path = tmp_path / "home" / "wyoming-rosie" / "rosie.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[asr]\nuri = "user"\n')
    assert settings().uri == "user"


def test_a_named_file_replaces_the_users(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "home" / "wyoming-rosie" / "rosie.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[asr]\nuri = "user"\n')
    file.write_text("[asr]\nzeroconf = false\n")
    with environment(WYOMING_ROSIE_ASR_CONFIG=str(file)):
        assert (settings().uri, settings().zeroconf) == ("default", False)


def test_an_engine_has_settings_of_its_own(file: Path) -> None:
    file.write_text('[asr.sphinx]\nmodel_dir = "/models"\n')
    with environment(WYOMING_ROSIE_ASR_SPHINX_BEAM="0.5"):
        assert settings("--config", str(file)).sphinx == Engine(0.5, Path("/models"))
    assert settings("--sphinx.beam", "0.25").sphinx.beam == 0.25


def test_another_programs_table_is_none_of_our_business(file: Path) -> None:
    file.write_text('[wake]\nanything = 1\n[asr]\nuri = "file"\n')
    assert settings("--config", str(file)).uri == "file"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('[asr]\nurl = "x"', r"rosie\.toml: \[asr\] has an unknown key 'url'"),
        ("[asr.sphinx]\nbaem = 1", r"rosie\.toml: \[asr\.sphinx\] has an unknown key 'baem'"),
        ("[asrr]\nuri = 1", r"rosie\.toml: 'asrr' is not a table of any program"),
        ("uri = 1", r"rosie\.toml: 'uri' is not a table"),
        ("[asr", r"rosie\.toml is not valid TOML"),
        ("[asr]\nsphinx = 3", r"rosie\.toml: \[asr\]: 'sphinx' must be a table"),
        ('[asr]\nzeroconf = "perhaps"', r"rosie\.toml: unable to convert"),
        ("[asr]\nno_zeroconf = true", r"unknown key 'no_zeroconf'"),
    ],
)
def test_a_wrong_file_is_named_with_the_key(file: Path, written: str, said: str) -> None:
    file.write_text(written)
    with pytest.raises(ConfigError, match=said) as caught:
        settings("--config", str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nope"], "--nope"),
        (["stray"], "stray"),
        (["--engine", "whispr"], "whispr.*sphinx"),
        (["--sphinx.beam", "wide"], "wide"),
        (["--config", "/no/such/file"], "/no/such/file"),
    ],
)
def test_a_wrong_flag_is_one_line(arguments: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        settings(*arguments)
    assert "\n" not in str(caught.value)


def test_a_misspelt_variable_is_an_error() -> None:
    with environment(WYOMING_ROSIE_ASR_URL="x"), pytest.raises(ConfigError, match="WYOMING_ROSIE_ASR_URL"):
        settings()


def test_help_names_flag_variable_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert read("asr", Settings, ["--help"]) is None
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for part in ("Hears things.", "--sphinx.beam", "how wide to search", "WYOMING_ROSIE_ASR_URI", "[default: default]"):
        assert part in shown


def test_state_lies_in_the_folder_of_the_service_or_of_the_user(tmp_path: Path) -> None:
    with environment(XDG_STATE_HOME=str(tmp_path), STATE_DIRECTORY=""):
        assert state_folder("hub") == tmp_path / "wyoming-rosie" / "hub"
        assert state_folder() == tmp_path / "wyoming-rosie"
    with environment(STATE_DIRECTORY="/var/lib/wyoming-rosie-hub"):
        assert state_folder("hub") == Path("/var/lib/wyoming-rosie-hub")


def test_free_tables_hold_any_values_of_files_and_texts_of_flags(tmp_path: Path, file: Path) -> None:
    users = tmp_path / "home" / "wyoming-rosie" / "rosie.toml"
    users.parent.mkdir(parents=True)
    users.write_text(
        '[asr.parts.a]\nnumber = 5\ntext = "5"\nlist = [1, [2]]\n[asr.parts.a.inner]\non = true\n[asr.parts.b]\n'
    )
    expected = {"a": {"number": 5, "text": "flag", "list": [1, [2]], "inner": {"on": True}}, "b": {}, "c": {"d": "1"}}
    assert settings("--parts.a.text", "flag", "--parts.c.d", "1").parts == expected


@pytest.mark.parametrize("written", ["parts = 5", "[asr.parts]\na = 5"])
def test_a_free_table_that_is_none_is_refused(file: Path, written: str) -> None:
    file.write_text(f"[asr]\n{written}" if written.startswith("parts") else written)
    with pytest.raises(ConfigError, match="must be a table"):
        settings("--config", str(file))
