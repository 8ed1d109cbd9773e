"""Log lines as wyoming-satellite writes them."""

import logging

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.compat.log_format import create_renderer


def test_a_line_has_the_form_that_is_wanted() -> None:
    render = create_renderer(logging.BASIC_FORMAT)
    event = {"event": "wake word", "level": "warning", "timestamp": "2026", "name": "okay_nabu", "score": 0.9}
    assert render(None, "", event) == "WARNING:wyoming_rosie_satellite:wake word name=okay_nabu score=0.9"


def test_percent_signs_in_an_event_are_text() -> None:
    assert create_renderer("%(message)s")(None, "", {"event": "100 % of %s"}) == "100 % of %s"


def test_an_exception_follows_its_line() -> None:
    assert (
        create_renderer("%(message)s")(None, "", {"event": "failed", "exception": "Traceback"}) == "failed\nTraceback"
    )


@pytest.mark.parametrize("form", ["plain", "%(nonsense)s", "%(message", "%(levelno)s%q"])
def test_what_is_no_format_is_refused_with_one_that_is(form: str) -> None:
    with pytest.raises(ConfigError, match="such as"):
        create_renderer(form)
