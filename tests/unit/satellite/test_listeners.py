"""The ports and names under which conductors find a satellite."""

import pytest

from tests.unit.satellite.fakes import RecordingSpeaker
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.protocol.discovery import MAX_NAME_BYTES
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.factory import resolve_wake_words
from wyoming_rosie_satellite.info import service_name
from wyoming_rosie_satellite.listeners import ConductorListeners
from wyoming_rosie_satellite.satellite import Satellite


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
        ConductorListeners(settings, Satellite(RecordingSpeaker()), Metrics())


@pytest.mark.parametrize("whole", ["Kitchen", "K" * 60, "ü" * 60, None], ids=["short", "long", "not ASCII", "usual"])
def test_a_word_is_part_of_the_name_whatever_the_satellites_is(whole: str | None) -> None:
    found = service_name(SatelliteConfig(name=whole), "hey_jarvis")
    assert found.endswith(" hey_jarvis")
    assert len(found.encode()) <= MAX_NAME_BYTES


def test_words_of_any_name_are_the_models_own() -> None:
    settings = resolve_wake_words(
        SatelliteConfig(
            wake_word_name=("ok_nabu_v0.1", "Hey Jarvis"),
            stop_word=("alexa_v0.1",),
            wake_word_port={"hey_mycroft_v0.1": 1},
            wake_word_pipeline={"ok_nabu": "Kitchen"},
            wake_word_threshold={"OK Nabu": 0.5},
        )
    )
    assert settings.wake_word_name == ("okay_nabu", "hey_jarvis")
    assert (settings.stop_word, settings.wake_word_port) == (("alexa",), {"hey_mycroft": 1})
    assert (settings.wake_word_pipeline, settings.wake_word_threshold) == ({"okay_nabu": "Kitchen"}, {"okay_nabu": 0.5})


def test_words_for_another_wake_daemon_keep_their_names() -> None:
    settings = SatelliteConfig(wake_uri="tcp://wake:10400", wake_word_name=("ok_nabu_v0.1",))
    assert resolve_wake_words(settings) == settings
