"""`wyoming-rosie pair`, `join` and `--join` as people type them."""

import asyncio
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.brokers import free_port
from tests.conftest import StartDaemon
from tests.daemons import Daemon, command
from tests.pairing import connected, create_exchange, get_welcome, pairing
from wyoming_rosie.errors import RosieError
from wyoming_rosie.trust.identity import IdentityFiles, load_identity, load_service_uri
from wyoming_rosie.trust.members import Registry, load_registry
from wyoming_rosie.trust.pairing import client
from wyoming_rosie.trust.pairing.code import Invitation, PairingCode
from wyoming_rosie.trust.pairing.exchange import RefusedError
from wyoming_rosie.trust.scopes import Scope

HERE = ("--host", "127.0.0.1", "--port", "0")
NOBODY = 65_534
DEVICES = ("--mic-command", "sleep 600", "--snd-command", "cat")


def registry(house: Path) -> Registry:
    return load_registry(house / "tls" / "members.json")


def run(*arguments: str, given: str | None = None, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, command("wyoming-rosie"), *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def text(invitation: Invitation) -> str:
    return f"{invitation.code}@{invitation.host}:{invitation.port}"


def wrong(invitation: Invitation) -> Invitation:
    secret = f"{(int(invitation.code.secret) + 1) % 10**8:08}"
    return Invitation(PairingCode(invitation.code.nameplate, secret), invitation.host, invitation.port)


async def test_a_satellite_joins_by_a_code_in_its_environment_and_serves(
    daemon: StartDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = 'Dr. Müllers "מטבח"'
    house, identity = tmp_path / "hub", tmp_path / "identity"
    scopes = ("--scope", "audio", "--scope", "text")
    async with pairing(house, name, "--room", "Küche.1", *scopes, *HERE) as pair:
        invitation = await pair.invitation()
        monkeypatch.setenv("WYOMING_ROSIE_SATELLITE_JOIN", text(invitation))
        satellite = await daemon("satellite", *DEVICES, "--identity", str(identity))
        joined = await satellite.wait_for_line("joined the house")
        assert (joined["name"], joined["room"]) == (name, "Küche.1")
        event = await pair.event()
        assert (event["event"], event["name"], event["address"]) == ("joined", name, "127.0.0.1")
        assert (await pair.end())[0] == 0
    own = await asyncio.to_thread(load_identity, identity)
    assert own is not None
    assert own.certificate.member.name == name
    assert stat.S_IMODE((identity / "member.pem").stat().st_mode) == 0o600
    assert await asyncio.to_thread(load_service_uri, identity) == "tls://127.0.0.1:10900"
    member = (await asyncio.to_thread(registry, house)).get(name)
    assert (member.role, member.room, member.scopes) == ("satellite", "Küche.1", frozenset({Scope.AUDIO, Scope.TEXT}))

    again = await daemon("satellite", *DEVICES, "--identity", str(identity))
    line = await again.wait_for_line("this program belongs to a house already, so that the code is not used")
    assert str(identity) in line["next"]


async def test_a_code_in_a_credential_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pairing(tmp_path / "hub", "nas", "--role", "vad", *HERE) as pair:
        (tmp_path / "rosie_wyoming-rosie-vad-join").write_text(f"{text(await pair.invitation())}\n")
        (tmp_path / "rosie_wyoming-rosie-vad-join").chmod(0o600)
        vad = await Daemon.start(
            "vad", "--identity", str(tmp_path / "vad"), env={"CREDENTIALS_DIRECTORY": str(tmp_path)}
        )
        assert vad.lines("joined the house")
        assert await vad.stop() == 0


async def test_a_wrong_code_ends_the_program_with_a_status_after_which_systemd_does_not_try_again(
    tmp_path: Path,
) -> None:
    async with pairing(tmp_path / "hub", "nas", "--role", "vad", *HERE) as pair:
        given = text(wrong(await pair.invitation()))
        ended = await asyncio.to_thread(
            subprocess.run, [command("wyoming-rosie-vad"), "--join", given], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 2
        assert "the code is wrong" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
        assert (await pair.event()) == {"event": "wrong-try", "address": "127.0.0.1"}


async def test_ten_wrong_codes_end_the_code_and_the_command_says_why(tmp_path: Path) -> None:
    async with pairing(tmp_path / "hub", "kitchen", *HERE) as pair:
        invitation = await pair.invitation()
        outcomes: list[str] = []
        for _ in range(10):
            try:
                async with connected(wrong(invitation)) as stream:
                    await get_welcome(stream, create_exchange(wrong(invitation)))
            except RefusedError as err:
                outcomes.append(str(err.refused.reason))
            except (OSError, RosieError) as err:  # the command has ended
                outcomes.append(type(err).__name__)
        assert outcomes[:3] == ["wrong-code"] * 3
        assert "wrong-code" not in outcomes[3:]
        assert [(await pair.event())["event"] for _ in range(3)] == ["wrong-try"] * 3
        status, said = await pair.end()
        assert status == 1
        assert "tried wrong 3 times" in said
    assert [member.name for member in (await asyncio.to_thread(registry, tmp_path / "hub")).members] == []


async def test_a_program_that_stores_nothing_is_no_member(tmp_path: Path) -> None:
    house = tmp_path / "hub"
    async with pairing(house, "kitchen", *HERE) as pair:
        invitation = await pair.invitation()
        async with connected(invitation) as stream:
            await get_welcome(stream, create_exchange(invitation))
        status, said = await pair.end()
        assert status == 1
        assert "revoked" in said
    assert [member.name for member in (await asyncio.to_thread(registry, house)).members] == []
    assert len((await asyncio.to_thread(registry, house)).revoked) == 1


async def test_silent_connections_of_an_address_are_few_and_who_knows_the_code_waits_for_them(tmp_path: Path) -> None:
    async with pairing(tmp_path / "hub", "kitchen", *HERE) as pair:
        invitation = await pair.invitation()
        async with connected(invitation), connected(invitation) as half:
            await half.write([create_exchange(invitation).start()])
            await half.read()
            joining = asyncio.create_task(client.join(invitation, "satellite", tmp_path / "identity"))
            async with connected(invitation) as third:
                assert await third.read() == b"Ebusy"
        assert (await joining).name == "kitchen"
        assert (await pair.event())["event"] == "joined"


def test_a_program_of_this_machine_joins_without_a_code(tmp_path: Path) -> None:
    house = tmp_path / "hub"
    ran = run("pair", "hall", "--local", "asr", "--data-dir", str(house))
    assert (ran.returncode, ran.stdout) == (0, "hall (asr) of this machine belongs to the house now.\n")
    own = load_identity(Path(os.environ["XDG_STATE_HOME"]) / "wyoming-rosie" / "asr" / "identity")
    assert own is not None
    assert own.certificate.member.id == registry(house).get("hall").id
    again = run("pair", "attic", "--local", "asr", "--data-dir", str(house))
    assert again.returncode == 1
    assert "belongs to a house already, as hall (asr)" in again.stderr


async def test_join_writes_into_the_state_folder_of_a_service_as_its_owner(tmp_path: Path) -> None:
    state = tmp_path / "satellite"
    state.mkdir()
    if os.geteuid() == 0:
        os.chown(state, NOBODY, NOBODY)
    async with pairing(tmp_path / "hub", "kitchen", *HERE) as pair:
        given = f"{text(await pair.invitation())}\n"
        arguments = ("join", "--program", "satellite", "--state", str(state))
        ran = await asyncio.to_thread(run, *arguments, given=given)
        assert ran.stdout == "kitchen (satellite) belongs to the house of the hub at 127.0.0.1 now.\n"
        assert "restart wyoming-rosie-satellite" in ran.stderr
    files = IdentityFiles(state / "identity")
    owners = {path.stat().st_uid for path in (files.folder, files.member, files.house, files.roster)}
    assert owners == {state.stat().st_uid}
    again = await asyncio.to_thread(run, *arguments, given=given)
    assert again.returncode == 1
    assert "belongs to a house already" in again.stderr


def test_a_user_who_may_not_write_is_told_so_before_a_code_is_shown(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere without setpriv (apt install util-linux)")
    without_rights = ("setpriv", "--inh-caps=-all", "--bounding-set=-all") if os.geteuid() == 0 else ()
    ran = run("pair", "kitchen", "--data-dir", str(tmp_path / "hub"), prefix=without_rights)
    tmp_path.chmod(0o700)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"this user may not write in {tmp_path}/hub" in ran.stderr


def test_nothing_listens_where_the_code_says(tmp_path: Path) -> None:
    where = f"47-1234-5678@127.0.0.1:{free_port()}"
    ran = run("join", where, "--program", "satellite", "--state", str(tmp_path))
    assert ran.returncode == 1
    assert "nothing answers at 127.0.0.1" in ran.stderr
    assert "1234" not in ran.stderr


async def test_lines_tell_what_to_type_where_there_is_no_terminal(tmp_path: Path) -> None:
    arguments = ("pair", "kitchen", *HERE, "--data-dir", str(tmp_path))
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = b""
    async with asyncio.timeout(60):
        while b"If it does not find" not in said:
            said += await process.stderr.readline()
    given = said.split()[-1].decode()
    assert f"wyoming-rosie-satellite --join {given.partition('@')[0]}".encode() in said
    joined = await asyncio.to_thread(run, "join", given, "--program", "satellite", "--state", str(tmp_path / "s"))
    assert joined.returncode == 0, joined.stderr
    out, _ = await process.communicate()
    assert out.decode() == "kitchen (satellite, 127.0.0.1) belongs to the house now.\n"
    assert json.loads((tmp_path / "tls" / "members.json").read_text())["number"] == 1
