"""The hub's sentences: every language has the same keys and placeholders."""

import string

import pytest

from wyoming_rosie.text import sentences
from wyoming_rosie_hub.messages import Failure


def test_the_languages_are_those_of_a_satellites_own_words() -> None:
    assert sentences.languages() == {"de", "en", "es", "fr", "it", "nl"}


@pytest.mark.parametrize("language", sorted(sentences.languages()))
def test_every_language_has_every_sentence_with_the_same_placeholders(language: str) -> None:
    english = sentences._TABLES["en"]
    own = sentences._TABLES[language]
    for table, entries in english.items():
        assert own[table].keys() == entries.keys(), table
        for key, text in entries.items():
            if isinstance(text, str) and key not in {"by_length", "started_for"}:
                assert blanks(own[table][key]) == blanks(text), (table, key)


def blanks(text: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(text)} - {None}


def test_every_failure_has_words() -> None:
    assert all(sentences.format_sentence(f"failures.{failure}", "de") for failure in Failure)


def test_a_language_without_sentences_is_answered_in_english() -> None:
    assert sentences.format_sentence("answers.cannot", "sv-SE") == "Sorry, nothing here can do that."
