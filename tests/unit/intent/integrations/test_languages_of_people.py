"""The languages of Monica and Mattermost: each has all that English has."""

import re
from pathlib import Path

import pytest

from wyoming_rosie.runtime import toml_file
from wyoming_rosie_intent.integrations.mattermost.plugin import Mattermost
from wyoming_rosie_intent.integrations.monica.plugin import Monica

_PLACE = re.compile(r"\{\{ ?(\w+)")


@pytest.mark.parametrize("folder", [Monica.languages, Mattermost.languages], ids=["monica", "mattermost"])
@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "nl"])
def test_a_language_has_the_answers_and_sentences_of_english(folder: Path, language: str) -> None:
    english, own = (toml_file.read(folder / f"{name}.toml", "texts") for name in ("en", language))
    assert own["sentences"].keys() == english["sentences"].keys()
    assert own["lists"].keys() == english["lists"].keys()
    assert own["answers"].keys() == english["answers"].keys()
    for key, text in english["answers"].items():
        if isinstance(text, str):
            assert set(_PLACE.findall(own["answers"][key])) == set(_PLACE.findall(text)), key
