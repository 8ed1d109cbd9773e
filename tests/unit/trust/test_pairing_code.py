"""Codes of pairing: how people write them, and how long and how often they count."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import UsageError
from wyoming_rosie.trust.pairing.code import (
    MAX_WRONG_TRIES,
    CodeEnd,
    Invitation,
    OfferedCode,
    PairingCode,
    create_code,
    parse_code,
    parse_invitation,
)

CODE = PairingCode("47", "12345678")


@pytest.mark.parametrize(
    "text", ["47-1234-5678", "4712345678", "47 1234 5678", " 47-1234-5678\n", "47 - 1234 - 5678", "4-7-1-2-3-4-5-6-7-8"]
)
def test_a_code_is_read_as_people_write_it(text: str) -> None:
    assert parse_invitation(text) == Invitation(CODE)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("47-1234-5678@hub.local", "hub.local", 10901),
        ("47-1234-5678@192.168.1.5:7000", "192.168.1.5", 7000),
        ("47-1234-5678@[fe80::1]:7000", "fe80::1", 7000),
        ("rosie://192.168.1.5:7000/join#47-1234-5678", "192.168.1.5", 7000),
        ("rosie://küche.local/join#47-1234-5678", "küche.local", 10901),
    ],
)
def test_an_invitation_says_where_the_hub_is(text: str, host: str, port: int) -> None:
    assert parse_invitation(text) == Invitation(CODE, host, port)


@pytest.mark.parametrize("host", ["192.168.1.5", "fe80::1", "hub.local"])
def test_the_address_in_a_qr_code_is_read_again(host: str) -> None:
    invitation = Invitation(CODE, host, 7000)
    assert parse_invitation(invitation.uri) == invitation


@pytest.mark.parametrize(
    "text",
    ["", "4827-1935", "47-1234-567x", "47-1234-56789", "٤٧-1234-5678", "47-1234-5678@", "47-1234-5678@host:0",
     "47-1234-5678@host:99999", "47-1234-5678@a b/c", "rosie://", "rosie://host#1234", "http://host/join#47-1234-5678",
     "47-1234-5678@x@y"],
)  # fmt: skip
def test_what_is_no_code_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match=r"ten digits|CODE@HOST"):
        parse_invitation(text)


def test_a_refused_code_is_not_repeated_in_the_error() -> None:
    with pytest.raises(UsageError) as failure:
        parse_code("47-1234-567")
    assert "1234-567" not in str(failure.value).replace("47-1234-5678", "")


@given(st.text(max_size=40))
def test_any_text_is_an_invitation_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_invitation(text).code.secret.isdecimal()


def test_random_codes_keep_their_leading_zeros_and_their_secret_out_of_the_log() -> None:
    for code in [create_code() for _ in range(500)]:
        assert parse_code(str(code)) == code
        assert code.secret not in repr(code)


def test_a_code_ends_at_its_deadline() -> None:
    offered = OfferedCode(CODE, deadline=120)
    assert offered.end(119.9) is None
    assert offered.end(120) is CodeEnd.EXPIRED
    assert offered.use(120) is CodeEnd.EXPIRED


def test_a_code_is_for_one_program() -> None:
    offered = OfferedCode(CODE, deadline=120)
    assert offered.use(1) is None
    assert offered.use(2) is CodeEnd.USED


def test_wrong_tries_end_a_code_for_all() -> None:
    offered = OfferedCode(CODE, deadline=120)
    for _ in range(MAX_WRONG_TRIES):
        assert offered.end(1) is None
        offered.note_wrong_try()
    assert offered.use(1) is CodeEnd.GUESSED
