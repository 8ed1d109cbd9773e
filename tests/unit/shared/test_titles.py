"""Titles of daemons in their info."""

import socket
from collections.abc import Mapping
from typing import Any

import pytest
from wyoming.event import Event
from wyoming.info import Attribution, HandleProgram, Info, IntentProgram, Satellite, TtsProgram

from wyoming_rosie.protocol.titles import engine_name, title, with_title

CREDIT = Attribution("", "")
HOST = socket.gethostname().partition(".")[0]


@pytest.mark.parametrize(
    ("role", "name", "uri", "expected"),
    [
        ("asr", None, "tcp://0.0.0.0:10300", f"Rosie speech to text ({HOST})"),
        ("intent", None, "tcp://0.0.0.0:10550", f"Rosie conversation ({HOST})"),
        ("intent", None, "tcp://0.0.0.0:10551", f"Rosie conversation ({HOST}:10551)"),
        ("intent", "Attic", "tcp://0.0.0.0:10551", "Rosie conversation (Attic)"),
        ("tts", None, "unix:///run/tts", f"Rosie text to speech ({HOST})"),
        ("wake", None, "tcp://127.0.0.1:0", f"Rosie wake words ({HOST})"),
        ("satellite", "Kitchen", "tcp://0.0.0.0:10700", None),
        ("vad", None, "tcp://0.0.0.0:10450", None),
    ],
)
def test_a_title_tells_the_role_and_the_place(role: str, name: str | None, uri: str, expected: str | None) -> None:
    assert title(role, name, uri) == expected


def read(data: Mapping[str, Any]) -> Info:
    return Info.from_event(Event("info", dict(data)))


def info(*, name: str) -> dict[str, Any]:
    return dict(Info(tts=[TtsProgram(name, CREDIT, True, "A voice", "1", [])]).event().data)


def test_the_title_stays_when_the_engine_changes_and_the_engine_is_still_told() -> None:
    one, other = (read(with_title(info(name=name), "Rosie x")).tts[0] for name in ("espeak-ng", "piper"))
    assert (one.name, engine_name(one)) == ("Rosie x", "espeak-ng")
    assert (other.name, engine_name(other)) == ("Rosie x", "piper")


def test_all_programs_of_a_daemon_have_its_title() -> None:
    both = Info(
        intent=[IntentProgram("a", CREDIT, True, "rules", "1", [])],
        handle=[HandleProgram("a", CREDIT, True, "rules: more", "1", [])],
    )
    seen = read(with_title(both.event().data, "Rosie conversation (x)"))
    assert {one.name for one in (*seen.intent, *seen.handle)} == {"Rosie conversation (x)"}
    assert {engine_name(one) for one in (*seen.intent, *seen.handle)} == {"a"}


def test_a_satellite_keeps_its_name_and_a_daemon_without_a_title_its_own() -> None:
    satellite = Info(satellite=Satellite("Kitchen", CREDIT, True, "", "1")).event().data
    assert with_title(satellite, "Rosie x") is satellite
    assert with_title(info(name="espeak-ng"), None)["tts"][0]["name"] == "espeak-ng"


def test_another_projects_program_is_its_own_engine() -> None:
    assert engine_name(TtsProgram("piper", CREDIT, True, "Voices: many", "1", [])) == "piper"
