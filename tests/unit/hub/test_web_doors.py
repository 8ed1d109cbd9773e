"""Doors of the web server, without a server: limits, names, origins and credentials."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.http.access import ADMINISTRATOR, LOCAL_PROGRAM, Access, Caller
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.trust.scopes import Scope
from wyoming_rosie_hub.web.doors import (
    ADDRESS_RATE,
    CALLER_RATE,
    SESSION_COOKIE,
    Doors,
    RequestFacts,
    TooManyRequestsError,
    parse_authorization,
    require,
)

NOW = 1_000.0
LOCAL = RequestFacts("GET", "127.0.0.1", {"host": "127.0.0.1:8000"})
KEYS, SECRET = Access().add_key("tablet", (Scope.TEXT,), "Kitchen")
TABLET = Caller("tablet", frozenset({Scope.TEXT}), "Kitchen")


def with_headers(request: RequestFacts = LOCAL, **headers: str) -> RequestFacts:
    return replace(request, headers={**request.headers, **headers})


async def test_this_machines_programs_may_do_all_while_nothing_is_set() -> None:
    assert await Doors(Access()).admit(LOCAL, NOW, NOW) == LOCAL_PROGRAM
    assert await Doors(KEYS).admit(LOCAL, NOW, NOW) is None


async def test_the_files_of_a_page_do_not_count_for_the_key_that_loads_it() -> None:
    request = with_headers(authorization=f"Bearer {SECRET}")
    doors = Doors(KEYS)
    for _ in range(2 * CALLER_RATE.burst):
        assert await doors.admit(replace(request, is_page=True), NOW, NOW) == TABLET
    for _ in range(CALLER_RATE.burst):
        assert await doors.admit(request, NOW, NOW) == TABLET
    with pytest.raises(TooManyRequestsError):
        await doors.admit(request, NOW, NOW)


async def test_a_key_says_who_calls_and_for_which_room() -> None:
    request = with_headers(authorization=f"Bearer {SECRET}")
    assert await Doors(KEYS).admit(request, NOW, NOW) == TABLET
    basic = base64.b64encode(f"anybody:{SECRET}".encode()).decode()
    assert await Doors(KEYS).admit(with_headers(authorization=f"Basic {basic}"), NOW, NOW) == TABLET


@pytest.mark.parametrize(
    "host", ["evil.example", "", "localhost.evil.example", "127.0.0.1.evil.example", "[::1", "rosie.local.evil.example"]
)
async def test_a_name_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(ApiRequestError) as refused:
        await Doors(Access(), frozenset({"rosie.local"})).admit(with_headers(host=host), NOW, NOW)
    assert refused.value.code == "host"


@pytest.mark.parametrize("host", ["rosie.local", "ROSIE.local:8000", "rosie.local.", "192.168.1.7:8000", "[::1]:8000"])
async def test_names_and_addresses_of_this_machine_are_admitted(host: str) -> None:
    doors = Doors(Access(), frozenset({"rosie.local"}))
    assert await doors.admit(with_headers(host=host), NOW, NOW) == LOCAL_PROGRAM


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8001", "", "http://"])
async def test_a_page_of_another_site_is_refused(origin: str) -> None:
    with pytest.raises(ApiRequestError) as refused:
        await Doors(Access()).admit(with_headers(origin=origin), NOW, NOW)
    assert refused.value.code == "origin"


async def test_a_cookie_changes_nothing_without_an_origin() -> None:
    cookie = KEYS.create_session(TABLET, NOW + 10)
    with_cookie = replace(LOCAL, cookies={SESSION_COOKIE: cookie})
    assert await Doors(KEYS).admit(with_cookie, NOW, NOW) == TABLET
    with pytest.raises(ApiRequestError):
        await Doors(KEYS).admit(replace(with_cookie, method="POST"), NOW, NOW)
    own = with_headers(replace(with_cookie, method="POST"), origin="http://127.0.0.1:8000")
    assert await Doors(KEYS).admit(own, NOW, NOW) == TABLET


async def test_an_address_that_floods_waits_as_told() -> None:
    doors = Doors(Access())
    for _ in range(ADDRESS_RATE.burst):
        await doors.admit(LOCAL, NOW, NOW)
    with pytest.raises(TooManyRequestsError) as refused:
        await doors.admit(LOCAL, NOW, NOW)
    assert await doors.admit(replace(LOCAL, address="127.0.0.2"), NOW, NOW) == LOCAL_PROGRAM
    assert await doors.admit(LOCAL, NOW + refused.value.retry_after, NOW) == LOCAL_PROGRAM


async def test_wrong_passwords_lock_out_guesses_and_no_keys() -> None:
    async def refuse(_access: Access, _password: str) -> bool:
        return False

    doors, refusals = Doors(KEYS, verify_password=refuse), []
    for _ in range(8):
        with pytest.raises(ApiRequestError) as refused:
            await doors.log_in("10.0.0.1", "guess", NOW, NOW)
        refusals.append(refused.value.code)
    assert refusals == ["credentials"] * 5 + ["rate"] * 3
    assert await doors.log_in("10.0.0.1", SECRET, NOW, NOW) == TABLET


async def test_right_passwords_are_never_too_many() -> None:
    async def accept(_access: Access, _password: str) -> bool:
        return True

    doors = Doors(KEYS, verify_password=accept)
    assert [await doors.log_in("10.0.0.1", "right", NOW, NOW) for _ in range(50)] == [ADMINISTRATOR] * 50


def test_an_administrator_may_do_all_and_others_what_their_key_says() -> None:
    assert require(ADMINISTRATOR, Scope.TEXT) == ADMINISTRATOR
    assert require(TABLET, Scope.TEXT) == TABLET
    with pytest.raises(ApiRequestError, match="lacks the scope 'read'"):
        require(TABLET, Scope.READ)
    with pytest.raises(ApiRequestError, match="log in"):
        require(None, Scope.READ)


@given(st.text())
def test_any_header_is_credentials_or_refused(value: str) -> None:
    try:
        assert isinstance(parse_authorization(value), str)
    except ApiRequestError as err:
        assert err.status == 401
