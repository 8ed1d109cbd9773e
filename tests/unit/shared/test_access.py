"""Keys, password and sessions of the HTTP API, without a server."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http import access
from wyoming_rosie.http.access import ADMINISTRATOR, Access, Caller, caller_of
from wyoming_rosie.trust.scopes import Scope

NOW = 1_000_000.0


def with_key(name: str = "tablet", room: str | None = "Kitchen") -> tuple[Access, str]:
    return Access().add_key(name, (Scope.TEXT,), room)


def test_a_key_is_found_by_its_secret_alone() -> None:
    changed, secret = with_key()
    found = changed.find_key(secret, NOW)
    assert found is not None
    assert caller_of(found) == Caller("tablet", frozenset({Scope.TEXT}), "Kitchen")
    assert changed.find_key(secret + "x", NOW) is None
    assert changed.find_key("", NOW) is None
    assert changed.find_key(found.digest, NOW) is None, "what is on the disk is no key"


def test_the_secret_is_not_in_the_file_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    changed, secret = with_key()
    file = tmp_path / "state" / access.FILE_NAME
    access.save(file, changed)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret.removeprefix("rosie_") not in file.read_text()
    assert access.load(file) == changed


def test_no_two_keys_have_a_name() -> None:
    changed, _ = with_key()
    with pytest.raises(ConfigError, match="already"):
        changed.add_key("tablet", (Scope.READ,))
    with pytest.raises(ConfigError, match="there are: tablet"):
        changed.revoke_key("phone")
    assert changed.revoke_key("tablet").is_open


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m", "x" * 65])
def test_a_name_that_would_confuse_the_log_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        Access().add_key(name, (Scope.READ,))


def test_a_session_is_its_callers_until_it_expires() -> None:
    changed, _ = with_key()
    caller = caller_of(changed.keys[0])
    cookie = changed.create_session(caller, NOW + 10)
    assert changed.open_session(cookie, NOW) == caller
    assert changed.open_session(cookie, NOW + 10) is None
    assert changed.revoke_key("tablet").open_session(cookie, NOW) is None


def test_a_session_of_a_key_that_was_replaced_is_over() -> None:
    changed, _ = with_key()
    cookie = changed.create_session(caller_of(changed.keys[0]), NOW + 10)
    again, _ = changed.revoke_key("tablet").add_key("tablet", (Scope.ADMIN,))
    assert again.open_session(cookie, NOW) is None


def test_another_password_ends_the_administrators_sessions() -> None:
    secured = Access().with_password("correct horse")
    cookie = secured.create_session(ADMINISTRATOR, NOW + 10)
    assert secured.verify_password("correct horse")
    assert not secured.verify_password("correct horsf")
    assert secured.open_session(cookie, NOW) == ADMINISTRATOR
    assert secured.with_password("correct horse").open_session(cookie, NOW) is None


def test_a_key_named_admin_is_no_administrator() -> None:
    changed, _ = with_key("admin", None)
    cookie = changed.create_session(caller_of(changed.keys[0]), NOW + 10)
    found = changed.open_session(cookie, NOW)
    assert found is not None
    assert found.scopes == {Scope.TEXT}


@given(st.text(max_size=200))
def test_no_text_is_a_session_by_chance(cookie: str) -> None:
    changed, _ = with_key()
    assert changed.open_session(cookie, NOW) is None


@given(st.integers(0, 200), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_changed_session_holds(position: int, replacement: str) -> None:
    changed, _ = with_key()
    cookie = changed.create_session(caller_of(changed.keys[0]), NOW + 10)
    at = position % (len(cookie) - 1)  # the last character of base64 has bits that do not count
    altered = cookie[:at] + replacement + cookie[at + 1 :]
    assert altered == cookie or changed.open_session(altered, NOW) is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"keys": [{"name": "x"}]}', '{"keys": [], "session_secret": 1}'])
def test_a_broken_file_names_itself(tmp_path: Path, content: str) -> None:
    file = tmp_path / access.FILE_NAME
    file.write_text(content)
    with pytest.raises(ConfigError, match=access.FILE_NAME):
        access.load(file)


def test_without_a_file_everything_is_open(tmp_path: Path) -> None:
    assert access.load(tmp_path / "none.json").is_open
