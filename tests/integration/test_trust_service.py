"""The hub's trust service: its members follow the roster, are cut off when they are revoked, and renew their certificates."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from wyoming.ping import Ping

from tests.brokers import free_port
from tests.conftest import StartDaemon
from tests.daemons import Daemon, command
from tests.fakes import FakeDaemon
from tests.houses import House
from tests.waiting import wait_until
from wyoming_rosie.errors import UntrustedPeerError
from wyoming_rosie.protocol.client import PeerError, connect
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie.trust import messages
from wyoming_rosie.trust.authority import create_request
from wyoming_rosie.trust.identity import save_service_uri
from wyoming_rosie.trust.issuing import Change, change_registry
from wyoming_rosie.trust.members import Registry, load_registry
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.messages import message
from wyoming_rosie.trust.roster_client import RosterClient

pytestmark = pytest.mark.long

SECONDS = 60.0
MICROPHONE = "while :; do head -c 3200 /dev/zero; sleep 0.1; done"


@dataclass
class RunningHouse:
    """A house whose hub runs; programs that it adds know where the trust service is."""

    house: House
    uri: str
    hub: Daemon

    async def add(self, role: str, name: str, now: datetime | None = None) -> tuple[str, str]:
        """Make a member, and return the flags of its program."""
        folder = await asyncio.to_thread(self.house.add, role, name, now)
        await asyncio.to_thread(save_service_uri, folder, self.uri)
        return "--identity", str(folder)

    async def member(self, role: str, name: str) -> Membership:
        return await load_member(await self.add(role, name))

    async def change(self, change: Change) -> Registry:
        return await asyncio.to_thread(change_registry, self.house.authority, change)

    async def key(self, *arguments: str) -> str:
        """Run `wyoming-rosie key` at the hub's folder, and return what it prints."""
        process = await asyncio.create_subprocess_exec(
            command("wyoming-rosie"), "key", *arguments, "--data-dir", str(self.house.folder),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        assert process.returncode == 0, out
        return out.decode()

    async def revoke(self, name: str) -> None:
        assert f"{name} (" in await self.key("revoke", name)

    async def registry(self) -> Registry:
        return await asyncio.to_thread(load_registry, self.registry_file)

    @property
    def registry_file(self) -> Path:
        return self.house.authority / "members.json"

    async def wait_for_registry(self, is_so: Callable[[Registry], object]) -> Registry:
        async with asyncio.timeout(SECONDS):
            while not is_so(found := await self.registry()):
                await asyncio.sleep(0.05)
        return found


async def load_member(flags: tuple[str, str]) -> Membership:
    member = await asyncio.to_thread(Membership.load, Path(flags[1]))
    assert member is not None
    return member


@pytest.fixture
async def running(daemon: StartDaemon, tmp_path: Path) -> RunningHouse:
    house, uri = House(tmp_path / "house"), f"tls://127.0.0.1:{free_port()}"
    await asyncio.to_thread(house.add, "satellite", "first")
    hub = await daemon("hub", "--data-dir", str(house.folder), "--trust-uri", uri, "--no-zeroconf")
    await hub.wait_for_line("trust service", uri=uri)
    return RunningHouse(house, uri, hub)


async def ping(uri: str, member: Membership) -> None:
    async with connect(uri, SECONDS, membership=member) as peer:
        await peer.send(Ping().event())
        await peer.wait_for("pong", seconds=SECONDS)


async def test_a_new_member_is_in_everybodys_roster_at_once(daemon: StartDaemon, running: RunningHouse) -> None:
    vad = await daemon("vad", "--uri", "tls://127.0.0.1:0", *await running.add("vad", "Küche.vad"))
    first = await vad.wait_for_line("roster")
    await running.add("asr", "asr")
    await vad.wait_for_line("roster", number=first["number"] + 1)


async def test_a_revoked_member_is_cut_off_from_every_member(daemon: StartDaemon, running: RunningHouse) -> None:
    vad = await daemon("vad", "--uri", "tls://127.0.0.1:0", *await running.add("vad", "vad"))
    kitchen, other = await running.member("satellite", "kitchen"), await running.member("hub", "other")
    await vad.wait_for_line("roster")
    async with connect(vad.uri, SECONDS, membership=kitchen) as peer, connect(vad.uri, membership=other) as kept:
        await running.revoke("kitchen")
        with pytest.raises(PeerError, match=r"kitchen \(satellite\) was revoked; it must join the house again"):
            await peer.wait_for("nothing", seconds=SECONDS)
        await kept.send(Ping().event())
        await kept.wait_for("pong", seconds=SECONDS)
    for uri in (vad.uri, running.uri):
        with pytest.raises(PeerError, match="was revoked"):
            await ping(uri, kitchen)


async def test_a_streaming_satellite_is_cut_off_and_says_what_to_do(daemon: StartDaemon, running: RunningHouse) -> None:
    """The wake daemon is a member in this process, which counts what arrives."""
    member = await running.member("wake", "wake")
    wake = FakeDaemon()
    async with run_beside(RosterClient(member, searches=False).run()), wake.serving(membership=member):
        satellite = await daemon(
            "satellite", "--uri", "tls://127.0.0.1:0", "--wake-uri", wake.uri, "--snd", "wav:/dev/null",
            "--mic-command", f"sh -c '{MICROPHONE}'", *await running.add("satellite", "kitchen"),
        )  # fmt: skip
        await satellite.wait_for_line("roster")
        await wait_until(lambda: len(wake.of_type("audio-chunk")) > 3)
        await running.revoke("kitchen")
        line = await satellite.wait_for_line("trust service is away", seconds=SECONDS)
        assert "pair it again: `wyoming-rosie pair" in line["problem"]
        await wait_until(lambda: "first" in str(member.roster.members) and "kitchen" not in str(member.roster.members))
        arrived = len(wake.of_type("audio-chunk"))
        await asyncio.sleep(1)  # ten chunks of a satellite that was not cut off
        assert len(wake.of_type("audio-chunk")) == arrived


async def test_satellites_alone_get_a_group_key_and_another_one_after_a_revocation(running: RunningHouse) -> None:
    kitchen, vad = await running.member("satellite", "kitchen"), await running.member("vad", "vad")
    clients = [RosterClient(one, searches=False).run() for one in (kitchen, vad)]
    async with run_beside(clients[0]), run_beside(clients[1]):
        await wait_until(lambda: kitchen.group_key is not None)
        first = kitchen.group_key
        await running.revoke("first")
        await wait_until(lambda: kitchen.group_key != first)
        await running.add("asr", "late")
        number = (await running.registry()).number
        await wait_until(lambda: vad.roster.number == number)
    second = kitchen.group_key
    assert first is not None
    assert second is not None
    assert second.number > first.number
    assert vad.group_key is None
    file = running.house.authority / "group-key.json"
    assert file.stat().st_mode & 0o777 == 0o600
    public = str(running.hub.log) + await asyncio.to_thread(kitchen.identity.files.roster.read_text)
    assert second.secret.hex() not in public


async def test_a_certificate_is_renewed_before_it_expires(daemon: StartDaemon, running: RunningHouse) -> None:
    issued = datetime.now(UTC) - timedelta(days=61)
    flags = await running.add("vad", "vad", issued)
    vad = await daemon("vad", "--uri", "tls://127.0.0.1:0", *flags)
    line = await vad.wait_for_line("certificate renewed")
    assert line["until"] > (datetime.now(UTC) + timedelta(days=80)).date().isoformat()
    await ping(vad.uri, await running.member("hub", "other"))
    assert (await load_member(flags)).identity.certificate.not_before > issued.timestamp()


async def test_a_rotated_member_gets_another_certificate_and_the_former_one_counts_no_longer(
    daemon: StartDaemon, running: RunningHouse
) -> None:
    flags = await running.add("vad", "vad")
    former = await load_member(flags)
    vad = await daemon("vad", "--uri", "tls://127.0.0.1:0", *flags)
    await vad.wait_for_line("roster")
    await running.key("rotate", "vad")
    await vad.wait_for_line("certificate renewed")
    registry = await running.wait_for_registry(lambda registry: not registry.rotating)
    assert registry.get("vad").id != former.own.id
    with pytest.raises(PeerError, match="was revoked"):
        await ping(running.uri, former)
    await ping(vad.uri, await running.member("hub", "other"))


async def test_the_hub_takes_over_what_its_members_know_after_an_old_backup(
    daemon: StartDaemon, running: RunningHouse
) -> None:
    vad = await daemon("vad", "--uri", "tls://127.0.0.1:0", *await running.add("vad", "vad"))
    await vad.wait_for_line("roster")
    backup = await asyncio.to_thread(running.registry_file.read_bytes)
    kitchen = await running.member("satellite", "kitchen")
    await running.revoke("kitchen")
    number = (await running.registry()).number
    await vad.wait_for_line("roster", number=number)
    await asyncio.to_thread(running.registry_file.write_bytes, backup)
    registry = await running.wait_for_registry(lambda registry: registry.number == number)
    assert kitchen.own.id in registry.revoked
    with pytest.raises(PeerError, match="was revoked"):
        await ping(running.uri, kitchen)


async def test_another_authority_takes_over_without_pairing_again(daemon: StartDaemon, running: RunningHouse) -> None:
    """The wake daemon is away while the authority changes, the satellite that was never connected is removed."""
    vad_flags, wake_flags = await running.add("vad", "vad"), await running.add("wake", "wake")
    vad = await daemon("vad", "--uri", "tls://127.0.0.1:0", *vad_flags)
    await vad.wait_for_line("roster")
    before = await load_member(vad_flags)
    await running.key("revoke", "first")
    await running.key("rotate", "--authority")
    await vad.wait_for_line("certificate renewed")
    during = await load_member(vad_flags)
    assert during.identity.certificate.issuer != before.identity.certificate.issuer
    assert during.identity.authorities.count(b"BEGIN CERTIFICATE") == 2
    assert during.house_id == before.house_id
    await ping(vad.uri, await running.member("hub", "other"))
    await running.key("revoke", "other")

    wake = await daemon("wake", "--uri", "tls://127.0.0.1:0", *wake_flags)
    await wake.wait_for_line("certificate renewed")
    await running.hub.wait_for_line("audit", action="authority replaced")
    number = (await running.registry()).number
    for member in (vad, wake):
        await member.wait_for_line("roster", number=number)
    after = await load_member(vad_flags)
    assert after.identity.authorities.count(b"BEGIN CERTIFICATE") == 1
    assert after.house_id == before.house_id
    late = await running.member("hub", "late")
    for uri in (vad.uri, wake.uri, running.uri):
        await ping(uri, late)
    with pytest.raises(UntrustedPeerError):
        await ping(running.uri, before)


async def test_a_hub_that_runs_already_serves_its_first_member(daemon: StartDaemon, tmp_path: Path) -> None:
    house, uri = House(tmp_path / "house"), f"tls://127.0.0.1:{free_port()}"
    hub = await daemon("hub", "--data-dir", str(house.folder), "--trust-uri", uri, "--no-zeroconf")
    running = RunningHouse(house, uri, hub)
    kitchen = await running.member("satellite", "kitchen")
    await hub.wait_for_line("trust service", uri=uri)
    await ping(uri, kitchen)


async def test_a_hub_starts_with_a_registry_that_cannot_be_read(daemon: StartDaemon, tmp_path: Path) -> None:
    house, uri = House(tmp_path / "house"), f"tls://127.0.0.1:{free_port()}"
    await asyncio.to_thread(house.add, "satellite", "kitchen")
    registry = house.authority / "members.json"
    whole = await asyncio.to_thread(registry.read_bytes)
    await asyncio.to_thread(registry.write_bytes, whole[:50])
    hub = await daemon("hub", "--data-dir", str(house.folder), "--trust-uri", uri, "--no-zeroconf")
    line = await hub.wait_for_line("no trust service")
    assert "members.json" in line["reason"]
    await asyncio.to_thread(registry.write_bytes, whole)
    await hub.wait_for_line("trust service", uri=uri)


async def test_the_hub_keeps_the_roster_while_the_registry_cannot_be_read(
    daemon: StartDaemon, running: RunningHouse
) -> None:
    vad = await daemon("vad", "--uri", "tls://127.0.0.1:0", *await running.add("vad", "vad"))
    kitchen = await running.member("satellite", "kitchen")
    await vad.wait_for_line("roster", number=(await running.registry()).number)
    whole = await asyncio.to_thread(running.registry_file.read_bytes)
    await asyncio.to_thread(running.registry_file.write_bytes, whole[:50])
    line = await running.hub.wait_for_line("members stay as they are")
    assert "members.json" in line["reason"]
    await ping(vad.uri, kitchen)
    await ping(running.uri, kitchen)
    await asyncio.to_thread(running.registry_file.unlink)
    assert (await running.wait_for_registry(lambda registry: registry.members)).find("kitchen")
    await running.revoke("kitchen")
    await vad.wait_for_line("roster", number=(await running.registry()).number)


async def test_a_second_hub_with_the_same_folder_says_that_the_port_is_taken(
    daemon: StartDaemon, running: RunningHouse
) -> None:
    second = await daemon("hub", "--data-dir", str(running.house.folder), "--trust-uri", running.uri, "--no-zeroconf")
    line = await second.wait_for_line("trust service cannot listen")
    assert "another program listens there" in line["reason"]
    names = [f"member {number}" for number in range(4)]
    await asyncio.gather(*(running.add("asr", name) for name in names))
    assert {one.name for one in (await running.registry()).members} >= set(names)


async def test_a_program_of_another_house_gets_no_roster(running: RunningHouse, tmp_path: Path) -> None:
    stranger = await asyncio.to_thread(House(tmp_path / "next door").member, "satellite", "kitchen")
    with pytest.raises(UntrustedPeerError, match="not from this house"):
        await ping(running.uri, stranger)


async def test_renewals_of_a_member_are_limited(running: RunningHouse) -> None:
    kitchen = await running.member("satellite", "kitchen")
    _, request = await asyncio.to_thread(create_request)
    async with connect(running.uri, SECONDS, role="hub", membership=kitchen) as peer:
        answers = []
        for _ in range(5):
            await peer.send(message(messages.RENEW, {"request": request.decode()}))
            answer = await peer.wait_for("user-event", seconds=SECONDS)
            answers.append(set(messages.data_of(answer)))
        assert answers == [{"certificate"}] * 3 + [{"problem"}] * 2


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (messages.ROSTER, {}),
        (messages.ROSTER, {"number": "many"}),
        (messages.ROSTER, {"roster": "{}", "signature": ""}),
        (messages.RENEW, {"request": 5}),
        (messages.RENEW, {"request": "x" * 5_000}),
    ],
    ids=["no number", "a text for a number", "no signature", "a number for a request", "a long request"],
)
async def test_what_is_no_message_is_refused_with_a_sentence(
    running: RunningHouse, name: str, data: dict[str, object]
) -> None:
    async with connect(running.uri, SECONDS, membership=await running.member("satellite", "kitchen")) as peer:
        await peer.send(message(name, data))
        with pytest.raises(PeerError, match=r"roster|request"):
            await peer.wait_for("pong", seconds=SECONDS)
        await peer.send(Ping().event())
        await peer.wait_for("pong", seconds=SECONDS)
