"""Tokens and keys from files and the environment."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.secrets import MAX_SECRET_BYTES, Secret, read_secret_file, read_secret_variable

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


def test_a_secret_is_read_again_once_its_file_has_changed(file: Path) -> None:
    file.write_text("former")
    secret = Secret.from_file(file, SETTING)
    assert secret.read() == "former"
    file.write_text("second\n")
    assert secret.read() == "second"
    other, times = file.with_name("other"), file.stat()
    other.write_text("third!\n")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(file)
    assert secret.read() == "third!"


async def test_all_who_use_a_secret_get_the_changed_one_and_the_event_loop_reads_no_file(file: Path) -> None:
    await asyncio.to_thread(file.write_text, "former")
    secret = await asyncio.to_thread(Secret.from_file, file, SETTING)
    assert await secret.get() == "former"
    await asyncio.to_thread(file.write_text, "present")
    assert {*await asyncio.gather(secret.get(), secret.get())} == {"present"}


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"two\nlines", b"\xff\xfe", b"x" * (MAX_SECRET_BYTES + 1), None], ids=repr
)
def test_a_secret_is_kept_while_its_file_holds_none_and_the_log_says_so_once(file: Path, content: bytes | None) -> None:
    file.write_text("former")
    secret = Secret.from_file(file, SETTING)
    with capture_logs() as lines:
        for _ in range(2):
            file.unlink() if content is None else file.write_bytes(content)
            assert [secret.read(), secret.read()] == ["former", "former"]
            file.touch()
    assert [line["log_level"] for line in lines] == ["warning"]
    file.write_text("present")
    assert secret.read() == "present"


def test_a_secret_that_the_setting_cannot_accept_is_not_taken_over(file: Path) -> None:
    def check(value: str) -> None:
        if len(value) < 4:
            raise ConfigError("too short")

    file.write_text("long enough")
    secret = Secret.from_file(file, SETTING, check)
    file.write_text("x")
    assert secret.read() == "long enough"
    with pytest.raises(ConfigError, match="too short"):
        Secret.from_file(file, SETTING, check)


def test_a_file_that_is_being_written_is_left_for_the_next_time(file: Path) -> None:
    """A slow writer holds the first half for as long as two looks at it differ."""
    file.write_text("former")
    secret = Secret.from_file(file, SETTING)
    with file.open("w") as writing, ThreadPoolExecutor(1) as pool:
        writing.write("half")
        writing.flush()
        reading = pool.submit(secret.read)
        while not reading.done():
            writing.write("x")
            writing.flush()
            time.sleep(0.001)
        assert reading.result() == "former"
    file.write_text("present")
    assert secret.read() == "present"


def test_a_credential_is_read_again_and_a_variable_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "rosie-test-secret").write_text("former")
    secret = Secret.from_variable("ROSIE_TEST_SECRET")
    assert secret is not None
    (tmp_path / "rosie-test-secret").write_text("present")
    assert secret.read() == "present"
    monkeypatch.setenv("ROSIE_TEST_SECRET", "fixed")
    fixed = Secret.from_variable("ROSIE_TEST_SECRET")
    monkeypatch.setenv("ROSIE_TEST_SECRET", "other")
    assert fixed is not None
    assert fixed.read() == "fixed"


def test_a_secret_is_in_no_text_about_it(file: Path) -> None:
    file.write_text("former")
    secret = Secret.from_file(file, SETTING)
    with capture_logs() as lines:
        for value in ("sesame", "sesame\nopen"):
            file.write_text(value)
            secret.read()
    assert len(lines) == 2
    assert "sesame" not in f"{lines} {secret!r} {Secret('sesame')!r}"
