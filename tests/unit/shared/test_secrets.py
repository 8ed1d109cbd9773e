"""Tokens and keys from files and the environment."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.secrets import MAX_SECRET_BYTES, read_secret_file, read_secret_variable

SETTING = "--cloud.key-file"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.touch(0o600)
    return path


@pytest.mark.parametrize("content", ["sesame", "  sesame\n", "\ufeffsesame\r\n"], ids=["plain", "spaces", "BOM"])
def test_spaces_around_a_secret_are_dropped(file: Path, content: str) -> None:
    file.write_text(content, "utf-8")
    assert read_secret_file(file, SETTING) == "sesame"


@pytest.mark.parametrize("content", [b"", b" \n", b"two\nlines", b"k\0", "schlüssel".encode()], ids=repr)
def test_a_file_that_holds_no_secret_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^{SETTING}: {file} is empty or has characters"):
        read_secret_file(file, SETTING)


def test_a_secret_is_never_in_an_error(file: Path) -> None:
    file.write_text("sesame\nopen")
    with pytest.raises(ConfigError) as caught:
        read_secret_file(file, SETTING)
    assert "sesame" not in str(caught.value)


def test_binary_files_are_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not a text file"):
        read_secret_file(file, SETTING)


def test_large_files_are_not_read_whole(file: Path) -> None:
    file.write_text("x" * MAX_SECRET_BYTES)
    assert len(read_secret_file(file, SETTING)) == MAX_SECRET_BYTES
    file.write_text("x" * (MAX_SECRET_BYTES + 1))
    with pytest.raises(ConfigError, match="more than 8192 bytes"):
        read_secret_file(file, SETTING)


def test_the_error_of_a_missing_file_says_why_and_where(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^{SETTING}: cannot read {tmp_path}/none: No such file or directory$"):
        read_secret_file(tmp_path / "none", SETTING)


def test_a_file_that_all_users_can_read_is_reported_once(file: Path) -> None:
    file.write_text("sesame")
    with capture_logs() as lines:
        read_secret_file(file, SETTING)
        file.chmod(0o644)
        read_secret_file(file, SETTING)
        read_secret_file(file, SETTING)
    assert [(line["log_level"], line["file"]) for line in lines] == [("warning", str(file))]


def test_variables_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSIE_TEST_SECRET", " sesame\n")
    assert read_secret_variable("ROSIE_TEST_SECRET") == "sesame"
    monkeypatch.setenv("ROSIE_TEST_SECRET", "")
    with pytest.raises(ConfigError, match="ROSIE_TEST_SECRET is empty"):
        read_secret_variable("ROSIE_TEST_SECRET")
    monkeypatch.delenv("ROSIE_TEST_SECRET")
    assert read_secret_variable("ROSIE_TEST_SECRET") is None
