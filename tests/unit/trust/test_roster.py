"""The signed roster."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError, UntrustedPeerError
from wyoming_rosie.trust.authority import Authority, create_authority
from wyoming_rosie.trust.members import Member, Registry
from wyoming_rosie.trust.roster import (
    Roster,
    SignedRoster,
    check_newer,
    load_roster,
    parse_signed,
    parse_text,
    save_roster,
    verify,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
KITCHEN = Member("00000000000000aa", "Küche", "satellite", "Kitchen")
GONE = Member("00000000000000bb", "gone", "asr")
REGISTRY = Registry().add(KITCHEN).add(GONE).revoke("gone", NOW.timestamp())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create_authority(tmp_path_factory.mktemp("tls"), ["hubpi"], NOW)


def test_what_the_authority_signed_is_the_roster(authority: Authority) -> None:
    signed = parse_signed(authority.sign_roster(REGISTRY, NOW).document)
    assert verify(signed, authority.pem) == Roster(3, int(NOW.timestamp()), {KITCHEN.id: KITCHEN}, frozenset({GONE.id}))


def test_a_changed_text_and_a_foreign_signature_are_refused(authority: Authority, tmp_path: Path) -> None:
    signed = authority.sign_roster(REGISTRY, NOW)
    foreign = create_authority(tmp_path, ["hubpi"], NOW).sign_roster(REGISTRY, NOW)
    for forged in (SignedRoster(signed.text.replace("Kitchen", "Bedroom"), signed.signature), foreign):
        with pytest.raises(UntrustedPeerError, match="not signed by the authority"):
            verify(forged, authority.pem)


def test_a_signature_of_a_certificate_is_none_of_a_roster(authority: Authority) -> None:
    certificate = authority.certificate
    forged = SignedRoster(certificate.tbs_certificate_bytes.decode("latin-1"), certificate.signature)
    with pytest.raises(UntrustedPeerError):
        verify(forged, authority.pem)


def test_a_roster_never_goes_backwards() -> None:
    assert check_newer(Roster(4), Roster(5))
    assert not check_newer(Roster(5), Roster(5))
    with pytest.raises(UntrustedPeerError, match="roster 4 is older than 5"):
        check_newer(Roster(5), Roster(4))


def test_the_stored_roster_is_read_again(authority: Authority, tmp_path: Path) -> None:
    path = tmp_path / "roster.json"
    assert load_roster(path) == Roster()
    signed = authority.sign_roster(REGISTRY, NOW)
    save_roster(path, signed)
    assert load_roster(path) == parse_text(signed.text)
    path.write_text(path.read_text()[:50])
    with pytest.raises(ConfigError, match="delete that file: the hub sends it again"):
        load_roster(path)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"roster": 5, "signature": ""},
        {"roster": "{}", "signature": "ä"},
        {"roster": "x" * 500_001, "signature": ""},
    ],
    ids=["null", "a list", "nothing", "a number", "no base64", "too long"],
)
def test_what_is_no_roster_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="roster"):
        parse_signed(document)


@given(
    st.text(max_size=40) | st.just("[" * 100_000) | st.sampled_from(['{"number": 1}', '{"number": "x"}', "[]", "null"])
)
def test_any_text_is_a_roster_or_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        parse_text(text)


def test_keys_of_later_versions_are_ignored() -> None:
    assert parse_text('{"number": 1, "issued_at": 2, "members": [], "revoked": [], "weather": "fine"}') == Roster(1, 2)
