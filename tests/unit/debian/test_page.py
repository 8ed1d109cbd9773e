"""The commands of the page about the Raspberry Pi can be found and compared, so that scripts/test-deb can run them."""

from pathlib import Path

from scripts.deb_page import PageCommand, commands_to_run, find_missing_lines

PAGE = Path(__file__).parents[3] / "docs" / "raspberry-pi.md"
TEXT = """\
```console
$ uname -m
aarch64
$ true
```

Not run: needs a microphone.

```console
$ arecord -l
```

```
$ of another language
```
"""


def test_commands_have_the_output_that_follows_and_blocks_with_a_reason_are_left_out() -> None:
    assert list(commands_to_run(TEXT)) == [PageCommand("uname -m", ("aarch64",)), PageCommand("true", ())]


def test_shown_lines_may_differ_in_numbers_and_spaces_only() -> None:
    output = "ready after 12.5 s\nlight:   on\nmore\n"
    assert find_missing_lines(["ready after 1.4 s", "...", "light: on"], output) == []
    assert find_missing_lines(["ready after 1.4 ms", "light: off"], output) == ["ready after 1.4 ms", "light: off"]


def test_all_commands_of_the_page_are_in_blocks_that_are_run_or_say_why_not() -> None:
    text = PAGE.read_text("utf-8")
    assert any("apt install" in found.command for found in commands_to_run(text))
    assert "```\n$ " not in text
