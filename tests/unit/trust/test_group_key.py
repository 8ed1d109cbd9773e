"""The group key of a house's satellites: when it changes, who stores it, and what does not show it."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.houses import House
from wyoming_rosie.trust.group_key import (
    SECRET_BYTES,
    GroupKey,
    create_group_key,
    decode_group_key,
    encode_group_key,
    load_group_key,
)
from wyoming_rosie.trust.members import Member, Registry
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie_hub.trust.group_key_store import load_issued, renew_if_revoked, save_issued

MEMBERS = [Member(f"{number:016x}", f"satellite {number}", "satellite") for number in range(4)]


@given(st.lists(st.sampled_from(MEMBERS), unique=True), st.data())
def test_each_revocation_brings_another_key_with_a_higher_number(revoked: list[Member], data: st.DataObject) -> None:
    registry = Registry(len(MEMBERS), tuple(MEMBERS))
    issued = renew_if_revoked(None, registry)
    for member in revoked:
        registry = registry.revoke(member.id, data.draw(st.integers(0, 200)) * 86_400)
        renewed = renew_if_revoked(issued, registry)
        assert renewed.key.number > issued.key.number
        assert renewed.key.secret != issued.key.secret
        assert renew_if_revoked(renewed, registry) is renewed
        issued = renewed


def test_other_changes_keep_the_key() -> None:
    registry = Registry(1, (MEMBERS[0],))
    issued = renew_if_revoked(None, registry)
    assert renew_if_revoked(issued, registry.add(MEMBERS[1])) is issued
    assert renew_if_revoked(issued, registry.request_rotation(MEMBERS[0].id)) is issued
    assert renew_if_revoked(issued, registry.rotate(MEMBERS[0].id, MEMBERS[2].id, 0)) is not issued


def test_a_restored_backup_gives_a_revoked_satellite_no_key_again() -> None:
    """The registry takes over from a member who was revoked; the key of the backup is older than that."""
    registry = Registry(2, tuple(MEMBERS[:2]))
    backup = renew_if_revoked(None, registry)
    registry = registry.revoke(MEMBERS[0].id, 0)
    present = renew_if_revoked(backup, registry)
    restored = renew_if_revoked(backup, registry)
    assert restored.key.number >= present.key.number
    assert restored.key.secret not in (backup.key.secret, present.key.secret)


def test_the_hubs_key_survives_a_restart_in_a_file_of_its_own(tmp_path: Path) -> None:
    issued = renew_if_revoked(None, Registry(3, (), {MEMBERS[0].id: 5}))
    file = tmp_path / "group-key.json"
    save_issued(file, issued)
    assert load_issued(file) == issued
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"number": 1, "secret": 5}', '{"number": 1, "secret": "xx"}'])
def test_a_damaged_key_is_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "group-key.json"
    file.write_text(content)
    assert load_group_key(file) is None
    assert load_issued(file) is None


@given(st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES), st.integers(0))
def test_a_key_survives_the_way_and_is_not_shown(secret: bytes, number: int) -> None:
    key = GroupKey(number, secret)
    assert decode_group_key(encode_group_key(key)) == key
    assert repr(secret) not in repr(key)
    assert secret.hex() not in repr(key)


def test_an_error_does_not_show_the_secret() -> None:
    secret = "z" * 2 * SECRET_BYTES
    with pytest.raises(ValueError, match="hexadecimal") as caught:
        decode_group_key({"number": 1, "secret": secret})
    assert secret not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_satellite_uses_and_keeps_each_new_key(tmp_path: Path) -> None:
    member = await asyncio.to_thread(House(tmp_path).member, "satellite", "kitchen")
    seen: list[GroupKey] = []
    member.on_group_key = seen.append
    first, second = create_group_key(1), create_group_key(2)
    for key in (first, first, second):
        await member.update_group_key(key)
    assert seen == [first, second]
    file = member.identity.files.group_key
    assert file.stat().st_mode & 0o777 == 0o600
    again = await asyncio.to_thread(Membership.load, file.parent)
    assert again is not None
    assert again.group_key == second
