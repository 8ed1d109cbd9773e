from pathlib import Path

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.llm import mcp_config, mcp_tools
from wyoming_rosie_intent.llm.mcp_config import McpServer


def test_servers_are_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTES_KEY", "secret")
    file = tmp_path / "mcp.toml"
    file.write_text(
        '[weather]\nurl = "http://127.0.0.1:1/mcp"\ntools = ["get"]\nkey_variable = "NOTES_KEY"\n'
        '[notes]\ncommand = ["run", "it"]\ntools = ["a"]\nenvironment = ["NOTES_KEY"]\nseconds = 3\n'
    )
    weather, notes = mcp_config.load(file)
    assert list(mcp_tools.load(file).list_tools()) == []
    assert weather.key == "secret"
    assert notes == McpServer("notes", ("a",), ("run", "it"), environment=("NOTES_KEY",), seconds=3.0)
    assert "secret" not in repr(weather)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = 1", r"\[a\] must be a table"),
        ("[a]\ntools = ['x']", "needs either 'command' or 'url'"),
        ("[a]\ncommand = ['x']\nurl = 'http://x'\ntools = ['x']", "needs either 'command' or 'url'"),
        ("[a]\ncommand = ['x']", "name the tools that are allowed"),
        ("[a]\ncommand = 'x'\ntools = ['x']", "'command' must be a list of texts"),
        ("[a]\nurl = 'ftp://x'\ntools = ['x']", "must begin with http"),
        ("[a]\nurl = 'http://x'\ntools = ['x']\nseconds = 100", "'seconds' must be a number up to 60"),
        ("[a]\nurl = 'http://x'\ntools = ['x']\nkey = 'y'", "unknown key 'key'; there are: command, environment"),
        ("[a]\nurl = 'http://x'\ntools = ['x']\nkey_variable = 'NO_SUCH_ONE'", "NO_SUCH_ONE is not set"),
        ("['a b']\nurl = 'http://x'\ntools = ['x']", "up to 20 letters"),
    ],
)
def test_a_wrong_file_of_servers_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "mcp.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        mcp_config.load(file)
