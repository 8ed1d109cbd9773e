"""A new button driver or LED board is one file: it is found by its name."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.integrations import buttons, leds
from wyoming_rosie_satellite.integrations.buttons import drivers
from wyoming_rosie_satellite.integrations.leds import boards

DRIVER = """
def load(address):
    return "button at", address
"""
BOARD = """
def load(brightness):
    return "board with brightness", brightness
"""


@pytest.fixture
def new_files(tmp_path: Path) -> Iterator[None]:
    """A driver `door_bell` and a board `desk_lamp`, in folders that belong to the packages during the test."""
    files = {(drivers, "door_bell"): DRIVER, (boards, "desk_lamp"): BOARD}
    for (package, name), text in files.items():
        _folder(package, tmp_path).mkdir()
        (_folder(package, tmp_path) / f"{name}.py").write_text(text)
        package.__path__.append(str(_folder(package, tmp_path)))
    yield
    for package, name in files:
        package.__path__.remove(str(_folder(package, tmp_path)))
        sys.modules.pop(f"{package.__name__}.{name}", None)


def _folder(package: ModuleType, tmp_path: Path) -> Path:
    return tmp_path / package.__name__.rpartition(".")[2]


@pytest.mark.usefixtures("new_files")
def test_a_button_driver_is_one_file() -> None:
    assert "door-bell" in buttons.driver_names()
    loaded: object = buttons.load("door-bell:front")
    assert loaded == ("button at", "front")


@pytest.mark.usefixtures("new_files")
def test_an_led_board_is_one_file() -> None:
    assert "desk-lamp" in leds.board_names()
    loaded: object = leds.load("desk-lamp", 8)
    assert loaded == ("board with brightness", 8)


def test_an_unknown_driver_is_refused_with_the_closest_name() -> None:
    with pytest.raises(ConfigError, match=r"no driver is named 'gpiozer'; did you mean gpiozero"):
        buttons.load("gpiozer:17")
    with pytest.raises(ConfigError, match=r"no board is named 'respeaker-9'; did you mean respeaker-"):
        leds.load("respeaker-9", 8)
