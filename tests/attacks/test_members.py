"""Members that go beyond their rights, or whose key was stolen."""

import json

import pytest
from wyoming.event import Event

from tests.attacks.home import ATTACKER, TLS_PORTS, AttackedHouse, attack, attacking, outcome, run_near, sentence, tls
from tests.daemons import command
from tests.two_hosts import NEAR, NEAR_ADDRESS

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="session")]
MEMORY = Event("user-event", {"name": "memory", "data": {"action": "list"}})


async def test_a_satellite_that_claims_another_room_has_the_rights_of_its_own(home: AttackedHouse) -> None:
    await home.switch("bed", "off")
    claims = {"device_id": "x", "speaker": "ada", "caller": "hub", "confirmed": True}
    refused = await home.ask("küche.1", sentence("turn on the bed lamp", **claims))
    assert refused["type"] == "not-handled", refused
    assert (await home.states())["light.bed"] == "off"
    assert (await home.ask("küche.1", sentence("turn on the stove lamp")))["type"] == "handled"
    assert (await home.ask("hub", sentence("turn on the bed lamp")))["type"] == "handled"
    entry = (await home.audit())[-1]
    assert (entry["caller"], entry["room"], entry["speaker"]) == ("küche.1 (satellite)", "Kitchen", None)
    assert (entry["entities"], entry["outcome"]) == (["light.bed"], "refused")
    assert "turn on" not in json.dumps(entry)


async def test_a_member_is_held_to_its_scopes(home: AttackedHouse) -> None:
    for who, event in (
        ("microphone", sentence("turn on the stove lamp")),
        ("küche.1", MEMORY),
        ("asker", MEMORY),
    ):
        refused = await home.ask(who, event)
        assert (refused["type"], refused["code"]) == ("error", "forbidden"), refused
        assert "lacks the scope" in refused["text"]
    answered = await home.ask("asker", sentence("turn on the stove lamp"))
    assert answered["type"] in ("not-handled", "not-recognized"), answered


@pytest.mark.parametrize("who", ["listener", "küche.1", "bridge", "vad"])
async def test_no_member_but_the_hub_opens_a_microphone(who: str, home: AttackedHouse) -> None:
    refused = await home.ask(who, Event("run-satellite"), at=tls("satellite"))
    assert (refused["type"], refused["code"]) == ("error", "forbidden"), refused
    served = await home.ask("hub", Event("run-satellite"), Event("describe"), at=tls("satellite"))
    assert served["type"] != "error", served


async def test_a_program_of_the_same_machine_needs_no_key(home: AttackedHouse) -> None:
    """What these refusals are not."""
    answer = await home.ask(None, sentence("turn on the bed lamp"), at="tcp://127.0.0.1:10550", host=NEAR)
    assert answer["type"] == "handled", answer


async def test_a_revoked_key_is_cut_off_from_each_program_and_stays_out(home: AttackedHouse) -> None:
    key = home.certificate("thief")
    async with attacking("hold", NEAR_ADDRESS, ATTACKER, home.identity("thief"), *TLS_PORTS.values()) as thief:
        await run_near(command("wyoming-rosie"), "key", "revoke", "thief", "--data-dir", str(home.folder))
        ends = await outcome(thief)
    assert all("was revoked" in end for end in ends), ends
    await home.switch("stove", "off")
    received = await attack("probe", NEAR_ADDRESS, ATTACKER, key, "1.3", *TLS_PORTS.values())
    assert all("was revoked" in answer and '"info"' not in answer for answer in received.values()), received
    assert (await home.states())["light.stove"] == "off"
    assert (await home.ask("küche.1", sentence("turn on the stove lamp")))["type"] == "handled"
