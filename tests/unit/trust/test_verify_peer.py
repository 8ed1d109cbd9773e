"""What a certificate proves: pure rules of dates, roster and role."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import UntrustedPeerError
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.peer import PeerKind, plain_peer
from wyoming_rosie.trust.roster import Roster
from wyoming_rosie.trust.tls import MemberCertificate, read_certificate, verify_peer

DAY = 86_400.0
T0 = 1_800_000_000.0
ID = "00000000000000aa"
SHOWN = MemberCertificate(Member(ID, "Küche", "satellite"), T0, T0 + 90 * DAY)
KNOWN = replace(SHOWN.member, room="Kitchen")
ROSTER = Roster(3, int(T0 + DAY), {ID: KNOWN})
WITHOUT = replace(ROSTER, members={})


def test_a_member_is_what_the_roster_says() -> None:
    assert verify_peer(SHOWN, ROSTER, T0 + 2 * DAY, "satellite") == KNOWN
    assert verify_peer(SHOWN, ROSTER, T0 + 2 * DAY) == KNOWN


def test_another_role_than_the_wanted_one_is_refused() -> None:
    with pytest.raises(UntrustedPeerError, match=r"Küche \(satellite\) is there, which is no asr"):
        verify_peer(SHOWN, ROSTER, T0, "asr")


def test_an_expired_certificate_names_both_dates() -> None:
    with pytest.raises(UntrustedPeerError, match=r"expired on 2027-04-15.*clock says 2036-.*set the clock"):
        verify_peer(SHOWN, ROSTER, 2_100_000_000)


def test_a_clock_of_1970_accepts_certificates_from_its_future() -> None:
    assert verify_peer(SHOWN, Roster(), 0.0) == SHOWN.member


def test_a_revoked_member_is_refused_whether_or_not_its_certificate_is_newer() -> None:
    for shown in (SHOWN, replace(SHOWN, not_before=T0 + 5 * DAY)):
        with pytest.raises(UntrustedPeerError, match="was revoked"):
            verify_peer(shown, replace(WITHOUT, revoked=frozenset({ID})), T0 + 6 * DAY)


def test_a_member_that_an_older_roster_lacks_is_accepted_and_one_that_a_newer_lacks_is_not() -> None:
    newer = replace(SHOWN, not_before=T0 + 2 * DAY)
    assert verify_peer(newer, WITHOUT, T0 + 3 * DAY) == newer.member
    with pytest.raises(UntrustedPeerError, match="no member of the house any more"):
        verify_peer(SHOWN, WITHOUT, T0 + 3 * DAY)


def test_a_role_that_the_roster_does_not_know_of_the_member_is_refused() -> None:
    with pytest.raises(UntrustedPeerError):
        verify_peer(SHOWN, replace(ROSTER, members={ID: replace(KNOWN, role="asr")}), T0 + DAY)


@given(
    st.floats(0, 4e9),
    st.integers(0, 4_000_000_000),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "satellite", "asr"]),
)
def test_nobody_expired_revoked_or_of_another_role_is_ever_accepted(
    now: float, issued_at: int, is_listed: bool, is_revoked: bool, role: str | None
) -> None:
    roster = Roster(1, issued_at, {ID: KNOWN} if is_listed else {}, frozenset({ID} if is_revoked else ()))
    try:
        verify_peer(SHOWN, roster, now, role)
    except UntrustedPeerError:
        return
    assert now <= SHOWN.not_after
    assert not is_revoked
    assert role != "asr"
    assert is_listed or SHOWN.not_before >= issued_at


def certificate(*names: tuple[str, str]) -> dict[str, Any]:
    return {
        "subject": ((("commonName", "Küche"),),),
        "subjectAltName": names,
        "notBefore": "Nov 30 12:00:00 2026 GMT",
        "notAfter": "Feb 28 12:00:00 2027 GMT",
    }


def test_a_certificate_is_read() -> None:
    shown = read_certificate(certificate(("DNS", f"{ID}.satellite.rosie.internal")))
    assert shown.member == Member(ID, "Küche", "satellite", scopes=frozenset())  # which the roster gives
    assert shown.not_after - shown.not_before == 90 * DAY


@pytest.mark.parametrize(
    "shown",
    [
        None,
        {},
        certificate(),
        certificate(("DNS", "hubpi")),
        certificate(("DNS", f"{ID}.toaster.rosie.internal")),
        certificate(("DNS", f"{ID}.asr.rosie.internal.evil.local")),
        certificate(("DNS", f"evil.{ID}.asr.rosie.internal")),
        certificate(("DNS", f"{ID}.asr.rosie.internal"), ("DNS", "hubpi")),
        certificate(("URI", f"{ID}.asr.rosie.internal")),
    ],
    ids=["none", "empty", "no names", "the page's", "an unknown role", "a suffix", "a prefix", "two names", "a URI"],
)
def test_other_certificates_are_none_of_a_program(shown: dict[str, Any] | None) -> None:
    with pytest.raises(UntrustedPeerError, match="certificate"):
        read_certificate(shown)


@pytest.mark.parametrize(
    ("host", "kind"), [("127.0.0.1", PeerKind.LOCAL), ("::1", PeerKind.LOCAL), ("192.168.1.9", PeerKind.PLAIN)]
)
def test_a_peer_without_tls_is_local_by_its_address_alone(host: str, kind: PeerKind) -> None:
    assert plain_peer(host).kind is kind
