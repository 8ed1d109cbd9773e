"""The registry of members, as a value and as a file."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.trust.members import (
    MAX_MEMBERS,
    Member,
    Registry,
    decode_members,
    encode_members,
    load_registry,
    new_id,
    save_registry,
)
from wyoming_rosie.trust.scopes import Scope

KITCHEN = Member("00000000000000aa", "Küche.Süd", "satellite", "Kitchen")
ASR = Member("00000000000000bb", "asr", "asr")
NOW = 1_800_000_000
DAY = 86_400


def test_a_member_is_found_by_id_and_by_name() -> None:
    registry = Registry().add(KITCHEN).add(ASR)
    assert registry.number == 2
    assert registry.get("KÜCHE.süd") == registry.get(KITCHEN.id) == KITCHEN
    with pytest.raises(ConfigError, match=r"there are: Küche\.Süd, asr"):
        registry.get("bathroom")


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Member("cc", "küche.süd", "satellite"), "already"),
        (Member("cc", "two", "toaster"), "no role"),
        (Member("cc", "", "asr"), "no name"),
        (Member("cc", " a", "asr"), "no name"),
        (Member("cc", "a" * 65, "asr"), "no name"),
        (Member("cc", "a\nb", "asr"), "no name"),
    ],
    ids=["the same name", "an unknown role", "no name", "a space around it", "too long", "two lines"],
)
def test_a_member_that_cannot_be_is_refused(member: Member, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        Registry().add(KITCHEN).add(member)


def test_a_full_registry_says_what_to_do() -> None:
    registry = Registry(members=tuple(Member(new_id(), f"m{number}", "asr") for number in range(MAX_MEMBERS)))
    with pytest.raises(ConfigError, match="revoke one"):
        registry.add(KITCHEN)
    assert registry.revoke("m7", NOW).add(KITCHEN).find(KITCHEN.id) == KITCHEN


def test_a_revoked_member_is_gone_and_remembered_until_its_certificate_has_expired() -> None:
    revoked = Registry().add(KITCHEN).add(ASR).revoke("küche.süd", NOW)
    assert (revoked.members, revoked.revoked) == ((ASR,), {KITCHEN.id: NOW})
    later = revoked.add(KITCHEN).revoke("asr", NOW + 92 * DAY)
    assert later.revoked == {ASR.id: NOW + 92 * DAY}


def test_a_rotated_member_has_another_id_and_the_same_rights() -> None:
    rotated = Registry().add(KITCHEN).rotate("Küche.Süd", "00000000000000cc", NOW)
    assert rotated.members == (Member("00000000000000cc", "Küche.Süd", "satellite", "Kitchen"),)
    assert KITCHEN.id in rotated.revoked
    assert rotated.number == 2


def test_a_change_keeps_the_id() -> None:
    changed = (
        Registry().add(KITCHEN).change(Member(KITCHEN.id, "kitchen", "satellite", "Hall", frozenset({Scope.AUDIO})))
    )
    assert changed.get("kitchen").room == "Hall"
    assert (changed.number, len(changed.members)) == (2, 1)


def test_the_file_is_its_owners_and_has_everything(tmp_path: Path) -> None:
    path = tmp_path / "tls" / "members.json"
    registry = Registry().add(KITCHEN).add(ASR).revoke("asr", NOW)
    save_registry(path, registry)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_registry(path) == registry
    assert load_registry(tmp_path / "absent.json") == Registry()


@pytest.mark.parametrize(
    "content",
    ['{"number": 1, "mem', "[]", "{}", '{"number": 1, "members": [{"id": 5}], "revoked": {}}', "[" * 100_000],
    ids=["half-written", "a list", "empty", "a number for an id", "deep"],
)
def test_a_broken_file_names_itself_and_the_next_step(tmp_path: Path, content: str) -> None:
    path = tmp_path / "members.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"members\.json.*backup"):
        load_registry(path)


NAMES = st.text(min_size=1, max_size=64)
MEMBERS = st.builds(
    Member,
    st.text("0123456789abcdef", min_size=16, max_size=16),
    NAMES,
    st.sampled_from(["asr", "satellite", "hub"]),
    st.none() | NAMES,
    st.frozensets(st.sampled_from(Scope)),
)


@given(st.lists(MEMBERS, max_size=5))
def test_members_survive_json(members: list[Member]) -> None:
    assert decode_members(encode_members(members)) == tuple(members)


def test_scopes_of_later_versions_are_left_out() -> None:
    [member] = decode_members([{"id": "a", "name": "b", "role": "asr", "room": None, "scopes": ["audio", "fly", 7]}])
    assert member.scopes == {Scope.AUDIO}


IDS = st.text("0123456789abcdef", min_size=16, max_size=16)


@given(st.integers(0, 5), st.integers(0, 5), st.dictionaries(IDS, st.integers(0, NOW)), st.frozensets(IDS))
def test_a_restored_registry_never_goes_back_and_forgets_no_revocation(
    number: int, known: int, revoked: dict[str, int], told: frozenset[str]
) -> None:
    recovered = Registry(number, (ASR,), revoked).recovered(known, (KITCHEN,), told, NOW, None)
    assert recovered.number == max(number, known)
    if known >= number:
        assert recovered.members == (KITCHEN,)
        assert set(recovered.revoked) == told


def test_a_rotation_is_remembered_until_it_is_done() -> None:
    asked = Registry().add(KITCHEN).request_rotation("küche.süd")
    assert asked.rotating == {KITCHEN.id}
    assert asked.rotate(KITCHEN.id, "00000000000000cc", NOW).rotating == frozenset()
    assert asked.revoke(KITCHEN.id, NOW).rotating == frozenset()


def test_a_registry_of_a_later_version_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "members.json"
    path.write_text('{"version": 2, "number": 1, "members": [], "revoked": {}}')
    with pytest.raises(ConfigError, match="update this one"):
        load_registry(path)
