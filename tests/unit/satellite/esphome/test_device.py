"""The device's identity, its key on disk, and the choices made in Home Assistant."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.esphome.room import wake_program
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.secrets import ESPHOME_KEY_FILE
from wyoming_rosie_satellite.esphome.choices import Choices, ChoiceStore, parse_choices
from wyoming_rosie_satellite.esphome.device import KeyStore, create_device, format_key, parse_key
from wyoming_rosie_satellite.esphome.wake_words import WakeWordSelection

KEY = bytes(range(32))


@given(st.text(max_size=60), st.binary(max_size=32))
def test_names_and_addresses_are_valid_and_stable(name: str, machine: bytes) -> None:
    device = create_device(name, None, machine)
    assert device == create_device(name, None, machine)
    assert len(device.identity.name) <= 31
    assert set(device.identity.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert device.identity.name.strip("-") == device.identity.name
    assert len(device.colon_mac) == 17
    assert int(device.colon_mac[:2], 16) & 3 == 2  # of this network only, and not a group's


def test_other_names_and_machines_have_other_addresses() -> None:
    macs = {create_device(name, None, machine).identity.mac for name in ("a", "b") for machine in (b"1", b"2")}
    assert len(macs) == 4


def test_a_key_is_kept_in_a_private_file(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "new" / ESPHOME_KEY_FILE)
    store.load(create=True)
    assert store.key is not None
    again = KeyStore(tmp_path / "new" / ESPHOME_KEY_FILE)
    again.load(create=True)
    assert again.key == store.key
    assert stat.S_IMODE((tmp_path / "new" / ESPHOME_KEY_FILE).stat().st_mode) == 0o600
    store.save(None)
    again.load()
    assert again.key is None


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 500, format_key(bytes(32)).encode()])
def test_a_key_file_with_something_else_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ESPHOME_KEY_FILE).write_bytes(content)
    with pytest.raises(ConfigError, match=ESPHOME_KEY_FILE):
        KeyStore(tmp_path / ESPHOME_KEY_FILE).load()


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write the key"):
        KeyStore(tmp_path / "file" / ESPHOME_KEY_FILE).save(KEY)


def test_a_key_is_given_as_bytes_or_in_base64() -> None:
    assert parse_key(KEY) == parse_key(format_key(KEY).encode()) == KEY


@pytest.mark.parametrize("given_key", [b"", b"abc", b"x" * 33, b"=" * 44, bytes(32), "ä".encode() * 22])
def test_what_is_no_key_is_refused(given_key: bytes) -> None:
    with pytest.raises(ValueError, match="base64"):
        parse_key(given_key)


async def test_choices_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "esphome.json"
    assert await ChoiceStore(path).load() == Choices()
    path.write_text('{"wake_words": ["okay_nabu"], "led_brightness": 0.5}')
    assert await ChoiceStore(path).load() == Choices(("okay_nabu",), 0.5)
    path.write_text("nonsense")
    assert await ChoiceStore(path).load() == Choices()
    assert path.with_suffix(".broken").exists()


@pytest.mark.parametrize(
    "document", [[], {}, {"led_brightness": 2}, {"led_brightness": 1, "wake_words": [1]}, {"led_brightness": True}]
)
def test_choices_of_another_form_are_refused(document: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_choices(document)


def test_words_of_other_conductors_and_stop_words_are_not_offered() -> None:
    selected: list[object] = []
    words = WakeWordSelection(selected.append, frozenset({"stop"}))
    words.set_available([wake_program("okay_nabu", "stop", "hey_jarvis")], ["ok_nabu", "stop"])
    offered = words.describe()
    assert [word.id for word in offered.available_wake_words] == ["okay_nabu", "hey_jarvis"]
    assert offered.active_wake_words == ["okay_nabu"]
    words.choose(["stop", "okay_nabu"])
    assert selected == []
    words.choose([])
    assert (selected, list(words.describe().active_wake_words)) == ([[]], [])
    assert words.find_phrase("unknown") == "unknown"
