"""What `wyoming-rosie pair` refuses or warns of before it shows a code, and how it shows one."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from wyoming_rosie.commands.__main__ import app
from wyoming_rosie.commands.pairing_display import draw_digits
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.trust import state_folders
from wyoming_rosie.trust.issuing import issue_local
from wyoming_rosie.trust.members import MAX_MEMBERS, Member, Registry, new_id, save_registry

HERE = ("--host", "127.0.0.1", "--port", "0")


async def pair(house: Path, *arguments: str) -> None:
    await app.run_async(["pair", *arguments, "--data-dir", str(house)], exit_on_error=False, print_error=False)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """The state folder of a hub with one member, named attic."""
    issue_local(tmp_path / "tls", "asr", "attic", tmp_path / "attic")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ATTIC", *HERE), "a member is named 'ATTIC' already"),
        (("", *HERE), "is no name"),
        (("x" * 65, *HERE), "is no name"),
        (("a\u202eb", *HERE), "is no name"),
        (("kitchen", "--room", "\n", *HERE), "is no name"),
        (("kitchen", "--host", "192.0.2.1"), "cannot listen"),
    ],
    ids=["taken", "empty", "long", "steers text", "room", "not our address"],
)
async def test_what_cannot_be_paired_is_a_sentence(house: Path, arguments: Sequence[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        await pair(house, *arguments)


async def test_a_port_in_use_is_a_sentence_with_the_next_step(house: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}: another program listens there.* --port chooses"):
            await pair(house, "kitchen", "--host", "127.0.0.1", "--port", str(port))


async def test_a_full_house_takes_no_more(house: Path) -> None:
    members = tuple(Member(new_id(), f"m{number}", "satellite") for number in range(MAX_MEMBERS))
    await asyncio.to_thread(save_registry, house / "tls" / "members.json", Registry(1, members))
    with pytest.raises(ConfigError, match="revoke one that is not used"):
        await pair(house, "kitchen", *HERE)


async def test_a_registry_that_cannot_be_read_is_not_replaced(house: Path) -> None:
    file = house / "tls" / "members.json"
    await asyncio.to_thread(file.write_text, "{half")
    with pytest.raises(ConfigError, match="restore it from a backup"):
        await pair(house, "kitchen", *HERE)
    assert await asyncio.to_thread(file.read_text) == "{half"


@pytest.mark.parametrize(
    ("home", "said"),
    [
        ('[[areas]]\nid = "kitchen"\nname = "Kitchen"\n', "has no room 'Kitchn'"),
        ('[[areas]]\nid = "kitchn"\nname = "Kitchn"\n', ""),
        ("[[", "is unknown"),
    ],
    ids=["another", "there", "broken file"],
)
async def test_a_room_that_the_home_does_not_have_is_warned_of(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: str, said: str
) -> None:
    await asyncio.to_thread((house / "home.toml").write_text, home)
    monkeypatch.setenv("WYOMING_ROSIE_INTENT_HOME", str(house / "home.toml"))
    await pair(house, "kitchen", "--local", "vad", "--room", "Kitchn")
    shown = capsys.readouterr()
    assert shown.out == "kitchen (vad) of this machine belongs to the house now.\n"
    assert ("room" in shown.err) is bool(said)
    assert said in shown.err


def test_a_service_is_found_by_its_state_folder_and_wants_sudo(tmp_path: Path) -> None:
    (tmp_path / "hub").symlink_to(tmp_path / "private" / "hub")  # as systemd does, and users may not look there
    assert state_folders.find_state_folder("hub", tmp_path) == tmp_path / "hub"
    assert state_folders.find_state_folder("asr", tmp_path) != tmp_path / "asr"
    folder = state_folders.SERVICES / "hub"
    assert state_folders.restart_command("hub", folder) == "run: sudo systemctl restart wyoming-rosie-hub"


def test_a_service_that_has_never_run_is_to_be_started_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    services, units = tmp_path / "services", tmp_path / "units"
    units.mkdir()
    users = state_folders.choose_state_folder("hub", services, units)
    (units / "wyoming-rosie-hub.service").touch()
    with pytest.raises(ConfigError, match="sudo systemctl start wyoming-rosie-hub"):
        state_folders.choose_state_folder("hub", services, units)
    users.mkdir(parents=True)  # the user runs a hub beside the package
    assert state_folders.choose_state_folder("hub", services, units) == users
    (services / "hub").mkdir(parents=True)
    assert state_folders.choose_state_folder("hub", services, units) == services / "hub"


def test_digits_are_drawn_large() -> None:
    assert draw_digits("47-1") == "\n".join(("╻ ╻  ━┓       ╻", "┗━┫   ┃  ━    ┃", "  ╹   ╹       ╹"))
    assert {len(line) for line in draw_digits("01-2345-6789").splitlines()} == {47}
