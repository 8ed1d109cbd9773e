"""The recordings that come with the command."""

import pytest

from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.commands import pipeline
from wyoming_rosie.commands.demo import COMMAND, RECORDING
from wyoming_rosie.wakeword import micro

MARGIN = 0.1


@pytest.mark.parametrize("ms", range(0, 81, 10))
def test_the_wake_word_is_far_above_its_threshold_wherever_it_begins(ms: int) -> None:
    word = micro.find_package_models()["okay_nabu"]
    network = micro.load_network(word)
    pcm = bytes(SPEECH.bytes_in(ms / 1000)) + read_wav(RECORDING)[1]
    scores = [network.score(features) for features in micro.MicroFeatures().extract(pcm)]
    assert max(score for score in scores if score is not None) > word.cutoff + MARGIN


def test_the_wake_word_ends_before_the_command_begins() -> None:
    found = pipeline.find_first(RECORDING)
    assert found is not None
    assert (found.name, 900 < found.milliseconds < 1300) == ("okay_nabu", True)
    assert pipeline.find_first(COMMAND) is None
