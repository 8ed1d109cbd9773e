from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.bus.connection import read_configured_broker
from wyoming_rosie.bus.messages import ResponseDelta
from wyoming_rosie.commands.prompt import AnswerText
from wyoming_rosie.errors import ConfigError

REDIS = "redis://127.0.0.1:6379"


def show(pieces: list[tuple[int, str]], final: str) -> str:
    text = AnswerText()
    return "".join([*(text.add(ResponseDelta(number, piece)) for number, piece in pieces), text.finish(final)])


def test_pieces_are_shown_as_they_come_and_the_rest_at_the_end() -> None:
    assert show([(0, "It is "), (1, "done")], "It is done.") == "It is done."


def test_after_a_missing_piece_the_final_answer_is_waited_for() -> None:
    assert show([(0, "It "), (2, "done")], "It is done.") == "It is done."


def test_an_answer_that_another_daemon_began_anew_is_shown_whole() -> None:
    assert show([(0, "It "), (0, "Well, "), (1, "yes.")], "Well, yes.") == "It \nWell, yes."


@given(st.lists(st.text(min_size=1), min_size=1), st.sets(st.integers(0, 20)))
def test_whatever_is_lost_the_whole_answer_is_shown(pieces: list[str], lost: set[int]) -> None:
    kept = [(number, piece) for number, piece in enumerate(pieces) if number not in lost]
    assert show(kept, "".join(pieces)) == "".join(pieces)


def test_brokers_come_from_the_flag_the_environment_the_file_or_are_local(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "wyoming-rosie" / "rosie.toml"
    assert read_configured_broker("redis", "--redis", None, REDIS).url == REDIS
    file.parent.mkdir()
    file.write_text('[bridge.broker]\nredis = "redis://127.0.0.1:1"\n')
    assert read_configured_broker("redis", "--redis", None, REDIS).url == "redis://127.0.0.1:1"
    monkeypatch.setenv("WYOMING_ROSIE_BRIDGE_BROKER_REDIS", "redis://127.0.0.1:2")
    assert read_configured_broker("redis", "--redis", None, REDIS).url == "redis://127.0.0.1:2"
    assert read_configured_broker("redis", "--redis", "redis://127.0.0.1:3", REDIS).url == "redis://127.0.0.1:3"


def test_brokers_of_other_machines_need_tls_unless_the_bridge_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"bus\.lan is another machine"):
        read_configured_broker("redis", "--redis", "redis://bus.lan:6379", REDIS)
    monkeypatch.setenv("WYOMING_ROSIE_BRIDGE_BROKER_PLAIN", "true")
    assert read_configured_broker("redis", "--redis", "redis://bus.lan:6379", REDIS).host == "bus.lan"
