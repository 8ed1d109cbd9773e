"""Lines of the journal and of the hub's own log."""

import json

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.logging import MAX_DETAIL_CHARACTERS, RecentLines
from wyoming_rosie_hub.web.log_reader import parse_journal


def entry(message: str, **fields: str) -> str:
    return json.dumps({"MESSAGE": message, "__REALTIME_TIMESTAMP": "1764000000000000", "PRIORITY": "6", **fields})


def test_lines_of_our_programs_are_told_with_level_and_details() -> None:
    written = json.dumps(
        {"role": "asr", "level": "warning", "event": "model is away", "timestamp": "x", "model": "tiny"}
    )
    (line,) = parse_journal(entry(written))
    assert (line.at, line.level, line.program, line.event) == (1_764_000_000.0, "warning", "asr", "model is away")
    assert line.details == {"model": "tiny"}


def test_what_people_say_is_left_out() -> None:
    said = json.dumps({"role": "asr", "level": "debug", "event": "transcript", "text": "my secret"})
    assert not list(parse_journal(f"{entry(said)}\n{entry('my secret', PRIORITY='7')}"))
    recent = RecentLines()
    recent(None, "debug", {"level": "debug", "event": "transcript", "text": "my secret"})
    assert not recent.after(0)


def test_other_lines_have_the_level_of_their_priority_and_the_program_of_their_unit() -> None:
    (line,) = parse_journal(entry("Main process exited", PRIORITY="4", UNIT="wyoming-rosie-tts.service"))
    assert (line.level, line.program, line.event) == ("warning", "tts", "Main process exited")


@given(st.text() | st.binary().map(repr))
def test_no_output_of_the_journal_is_too_odd(output: str) -> None:
    list(parse_journal(output))
    list(parse_journal(entry(output, PRIORITY=output, __REALTIME_TIMESTAMP=output)))
    list(parse_journal(f"[{output}]\nnull\n{{}}"))


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 60))
def test_the_last_lines_are_kept_in_order(numbers: list[int], seen: int) -> None:
    recent = RecentLines(10)
    for number in numbers:
        recent(None, "info", {"level": "info", "event": str(number)})
    assert recent.count == len(numbers)
    assert [line.event for line in recent.after(seen)] == [str(number) for number in numbers[seen:]][-10:]


def test_long_details_are_cut() -> None:
    recent = RecentLines()
    recent(None, "info", {"level": "info", "event": "request refused", "path": "/" * 10_000})
    assert recent.after(0)[0].details == {"path": "/" * MAX_DETAIL_CHARACTERS}
