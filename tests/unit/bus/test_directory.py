"""The directory of names is whole, agrees with the code, and docs/bus.md is written from it."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from wyoming_rosie.bus import directory, messages, names
from wyoming_rosie.bus.nats_jetstream import STREAMS

ROOT = Path(__file__).parents[3]
MESSAGES = {
    thing for thing in vars(messages).values() if isinstance(thing, type) and thing.__module__ == messages.__name__
}


def test_the_page_is_up_to_date() -> None:
    words = [sys.executable, str(ROOT / "scripts" / "bus_docs.py"), "--check"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_message_has_a_place() -> None:
    placed = {one.message for one in directory.TOPICS} | {one.message for one in directory.JOB_STREAMS}
    placed = (placed | {one.message for one in directory.SUBJECTS}) - {None}
    assert placed | parts_of(placed) == MESSAGES


def parts_of(classes: set[Any]) -> set[type]:
    """Return the messages that are fields of others."""
    hints = [hint for cls in classes for hint in get_type_hints(cls).values()]
    found = {one for hint in hints for one in (hint, *get_args(hint)) if one in MESSAGES}
    return found | parts_of(found) if found - classes else found


def test_each_field_has_a_meaning() -> None:
    page = (ROOT / "docs" / "bus.md").read_text("utf-8")
    schemas = page[page.index("## Schemas") : page.index("<!-- scripts/bus-docs ends here -->")]
    rows = [line for line in schemas.splitlines() if line.startswith("| `")]
    assert len(rows) == sum(len(fields(cls)) for cls in MESSAGES)
    assert [row for row in rows if row.endswith("|  |")] == []


def test_each_stream_of_redis_is_listed_with_its_group() -> None:
    assert {one.name for one in directory.JOB_STREAMS if not one.name.startswith("dead:")} == set(names.GROUPS)


def test_each_stored_subject_is_in_one_stream_and_each_other_in_none() -> None:
    for subject in directory.SUBJECTS:
        streams = [
            one.name for one in STREAMS if any(names.matches_subject(name, subject.pattern) for name in one.subjects)
        ]
        assert len(streams) == subject.is_stored, subject.name


def test_the_functions_that_make_names_make_listed_ones() -> None:
    made = [
        names.intent_subject("light", "turn_on"), names.response_subject("s"), names.delta_subject("s"),
        names.result_subject("k"), names.vision_subject("person"), names.vision_subject("zone", "a", "entered"),
        *(names.route_subject(route) for route in names.ROUTES), names.AUDIO_EVENT_CLASSIFIED,
    ]  # fmt: skip
    patterns = [subject.pattern for subject in directory.SUBJECTS]
    assert [name for name in made if not any(names.matches_subject(pattern, name) for pattern in patterns)] == []
