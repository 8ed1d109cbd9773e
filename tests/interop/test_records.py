"""The comparison of records, without Home Assistant."""

from pathlib import Path

import pytest
from wyoming.event import Event

from tests.interop import record
from tests.interop.relay import FROM_DAEMON, TO_DAEMON, Connection
from wyoming_rosie.protocol.wire import encode

DETECT, CHUNK, PING = Event("detect"), Event("audio-chunk", {"timestamp": 5}, b"\0\0"), Event("ping")
FOUND = Event("detection", {"name": "okay_nabu", "timestamp": 1234, "context": {"turn_id": "t1", "score": 0.9}})
STOP = Event("audio-stop")
HEARD = [(TO_DAEMON, DETECT), (TO_DAEMON, CHUNK), (TO_DAEMON, CHUNK), (FROM_DAEMON, FOUND), (TO_DAEMON, STOP)]


@pytest.fixture(autouse=True)
def _nothing_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WYOMING_ROSIE_RECORD", raising=False)


def section(heard: list[tuple[str, Event]], role: str = "wake") -> record.Section:
    connection = Connection()
    for direction, event in heard:
        connection.add(direction, encode(event))
    (made,) = record.of_connections(role, [connection])
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the record of what was heard."""
    monkeypatch.setenv("WYOMING_ROSIE_RECORD", "1")
    record.check("turn", "versions", [section(HEARD)], tmp_path)
    monkeypatch.delenv("WYOMING_ROSIE_RECORD")
    return tmp_path


def test_times_ids_pings_and_the_number_of_chunks_are_not_recorded(folder: Path) -> None:
    text = (folder / "turn.txt").read_text()
    context = '{"context": {"score": "*", "turn_id": "*"}, "name": "okay_nabu"}'
    assert text == f"# versions\n\n[wake]\n> detect\n> audio-chunk\n< detection {context}\n> audio-stop\n"
    record.check("turn", "others", [section([*HEARD[:2], (TO_DAEMON, PING), *HEARD[1:]])], folder)


def test_it_does_not_matter_which_side_spoke_first(folder: Path) -> None:
    record.check("turn", "versions", [section([*HEARD[:3], HEARD[4], HEARD[3]])], folder)


OTHER = Event("detection", {"name": "alexa"})


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param([HEARD[1], HEARD[0], *HEARD[2:]], id="another order"),
        pytest.param(HEARD[:4], id="an event is missing"),
        pytest.param([*HEARD, (FROM_DAEMON, Event("error"))], id="an event more"),
        pytest.param([*HEARD[:3], (FROM_DAEMON, OTHER), HEARD[4]], id="another field"),
    ],
)
def test_what_differs_is_refused(folder: Path, heard: list[tuple[str, Event]]) -> None:
    with pytest.raises(AssertionError, match="recorded"):
        record.check("turn", "versions", [section(heard)], folder)


def test_another_number_of_connections_is_refused(folder: Path) -> None:
    with pytest.raises(AssertionError):
        record.check("turn", "versions", [section(HEARD), section(HEARD)], folder)
    with pytest.raises(AssertionError):
        record.check("turn", "versions", [], folder)


def test_a_record_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="WYOMING_ROSIE_RECORD"):
        record.check("turn", "versions", [section(HEARD)], tmp_path)


def test_only_the_first_of_competing_ends_of_speech_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = [(FROM_DAEMON, FOUND), (TO_DAEMON, Event("transcript"))]
    monkeypatch.setenv("WYOMING_ROSIE_RECORD", "1")
    record.check("turn", "versions", [section(turn, "satellite")], tmp_path)
    monkeypatch.delenv("WYOMING_ROSIE_RECORD")
    record.check("turn", "versions", [section([turn[0], (FROM_DAEMON, STOP), turn[1]], "satellite")], tmp_path)
