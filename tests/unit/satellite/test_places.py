"""Where conductors find a satellite, and under which name."""

import pytest

from tests.unit.satellite.fakes import RecordingSpeaker
from wyoming_rosie.discovery import LONGEST_NAME
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_satellite.info import name
from wyoming_rosie_satellite.places import Places
from wyoming_rosie_satellite.satellite import Satellite
from wyoming_rosie_satellite.settings import SatelliteConfig


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (SatelliteConfig(name="K", wake_word_port={"alexa": 1}, stop_word=("alexa",)), "'alexa' is a stop word"),
        (SatelliteConfig(name="K", wake_word_port={"alexa": 1}, uri="unix:///tmp/r"), "needs --uri tcp://HOST:PORT"),
        (SatelliteConfig(name="K", wake_word_port={"alexa": 1}, uri="stdio://"), "needs --uri tcp://HOST:PORT"),
    ],
    ids=["stop word", "socket file", "pipe"],
)
async def test_a_port_that_nobody_could_use_is_refused(settings: SatelliteConfig, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Places(settings, Satellite(RecordingSpeaker()), Metrics())


@pytest.mark.parametrize("whole", ["Kitchen", "K" * 60, "ü" * 60, None], ids=["short", "long", "not ASCII", "usual"])
def test_a_word_is_part_of_the_name_whatever_the_satellites_is(whole: str | None) -> None:
    found = name(SatelliteConfig(name=whole), "hey_jarvis")
    assert found.endswith(" hey_jarvis")
    assert len(found.encode()) <= LONGEST_NAME
