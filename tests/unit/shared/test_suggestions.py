import pytest

from wyoming_rosie.text.suggestions import describe_unknown_name, find_close_names

NAMES = ["tiny", "tiny.en", "base", "large-v3", "hey_jarvis_v0.1"]


@pytest.mark.parametrize(
    ("given", "first"),
    [("tinny.en", "tiny.en"), ("TINY.EN", "tiny.en"), ("jarvis", "hey_jarvis_v0.1"), ("large v3", "large-v3")],
)
def test_the_closest_name_comes_first(given: str, first: str) -> None:
    assert find_close_names(given, NAMES)[0] == first


def test_without_a_close_name_some_that_exist_are_listed() -> None:
    assert find_close_names("zzzz", NAMES) == []
    assert describe_unknown_name("model", "zzzz", NAMES) == f"no model is named 'zzzz'; there are: {', '.join(NAMES)}"
    assert "there are 10, such as 0, 1, 2" in describe_unknown_name("model", "zzzz", map(str, range(10)), "list")


@pytest.mark.parametrize("given", ["jabra", "Jabara"])
def test_a_word_of_a_long_name_is_enough(given: str) -> None:
    devices = ["Built-in Audio: Analog (hw:0,0)", "Jabra SPEAK 410 USB: Audio (hw:1,0)", "default"]
    assert find_close_names(given, devices)[0] == devices[1]
