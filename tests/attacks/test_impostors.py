"""Whoever is no member of the house gets nothing at any of its ports, and is taken for a member by none of its programs."""

import asyncio
import ssl
from pathlib import Path

import pytest
from wyoming.event import Event

from tests.attacks.home import ATTACKER, TLS_PORTS, AttackedHouse, attack, attacking, outcome, sentence, tls
from tests.daemons import Daemon
from tests.houses import House, write_self_signed
from tests.two_hosts import FAR_ADDRESS, NEAR, NEAR_ADDRESS, on_host
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.tls import member_host

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="session")]
RELAY_PORT = 11_999


async def certificate_of(kind: str, home: AttackedHouse, folder: Path) -> tuple[str, str]:
    """Return the file of an impostor's certificate and its version of TLS."""

    def create() -> tuple[str, str]:
        match kind:
            case "house next door":
                return str(House(folder / "next door").add("hub", "hub") / "member.pem"), "1.3"
            case "self-signed":
                own = Membership.load(home.identity("hub"))
                assert own is not None
                member = own.identity.certificate.member
                write_self_signed(folder / "impostor.pem", member.name, member_host(member.id, member.role))
                return str(folder / "impostor.pem"), "1.3"
            case "old TLS":  # with a genuine key
                return home.certificate("hub"), "1.2"
            case _:
                return "none", "1.3"

    return await asyncio.to_thread(create)


@pytest.mark.parametrize("kind", ["house next door", "self-signed", "old TLS", "no certificate"])
async def test_a_client_that_is_no_member_gets_nothing(kind: str, home: AttackedHouse, tmp_path: Path) -> None:
    await home.switch("stove", "off")
    certificate, version = await certificate_of(kind, home, tmp_path)
    received = await attack("probe", NEAR_ADDRESS, ATTACKER, certificate, version, *TLS_PORTS.values())
    assert received == {str(port): "" for port in TLS_PORTS.values()}
    assert (await home.states())["light.stove"] == "off"


async def test_a_client_without_tls_is_told_so_and_gets_nothing(home: AttackedHouse) -> None:
    await home.switch("stove", "off")
    secured = await attack("probe", NEAR_ADDRESS, ATTACKER, "plain", "1.3", *TLS_PORTS.values())
    assert all('"code":"tls"' in answer.replace(" ", "") for answer in secured.values()), secured
    plain = await attack("probe", NEAR_ADDRESS, ATTACKER, "plain", "1.3", 10550, 10300, 10700)
    assert all("see --plain" in answer and '"info"' not in answer for answer in plain.values()), plain
    assert (await home.states())["light.stove"] == "off"


@pytest.mark.parametrize(("named", "is_served"), [(NEAR_ADDRESS, False), (FAR_ADDRESS, True)], ids=["another", "it"])
async def test_a_client_without_tls_is_served_only_where_its_machine_is_named(
    named: str, is_served: bool, home: AttackedHouse
) -> None:
    place = ("--uri", "tcp://0.0.0.0:10560", "--no-zeroconf", "--home", str(home.folder / "home.toml"))
    identity = ("--identity", str(home.identity("thinker")), "--plain", named)
    intent = await Daemon.start("intent", *place, *identity, prefix=on_host(NEAR))
    where = f"tcp://{NEAR_ADDRESS}:10560"
    answer = await home.ask(None, sentence("turn on the bed lamp"), at=where)
    assert (answer["type"], answer.get("code")) == (("handled", None) if is_served else ("error", "tls")), answer
    memory = await home.ask(None, Event("user-event", {"name": "memory", "data": {"action": "list"}}), at=where)
    assert memory["code"] == ("forbidden" if is_served else "tls")
    assert await intent.stop() == 0


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("house next door", "not from this house"),
        ("self-signed", "not from this house"),
        ("old TLS", "closed the connection during the handshake"),
        ("satellite of the house", "which is no intent"),
    ],
)
async def test_a_man_in_the_middle_with_a_certificate_of_his_own_hears_nothing(
    kind: str, reason: str, home: AttackedHouse, tmp_path: Path
) -> None:
    """He stands between the hub and intent, ends TLS at both sides, and would pass everything on."""
    await home.switch("stove", "off")
    stolen = kind == "satellite of the house"
    own, version = (home.certificate("küche.1"), "1.3") if stolen else await certificate_of(kind, home, tmp_path)
    async with attacking("terminate", NEAR_ADDRESS, TLS_PORTS["intent"], RELAY_PORT, own, version) as middle:
        where = f"tls://{FAR_ADDRESS}:{RELAY_PORT}"
        refused = await home.ask("hub", sentence("turn on the stove lamp"), at=where, host=NEAR, role="intent")
        assert await outcome(middle, stops=True) == ""
    assert refused["type"] == "error", refused
    assert reason in refused["text"]
    assert (await home.states())["light.stove"] == "off"


async def test_the_house_itself_is_served(home: AttackedHouse) -> None:
    """What the attacks fail with is not what a member does."""
    received = await attack("probe", NEAR_ADDRESS, ATTACKER, home.certificate("microphone"), "1.3", TLS_PORTS["intent"])
    [answer] = received.values()
    assert '"info"' in answer
    assert "lacks the scope" in answer
    assert ssl.HAS_TLSv1_2
    assert (await home.ask("hub", sentence("turn on the stove lamp"), at=tls("intent"), role="intent"))[
        "type"
    ] == "handled"
