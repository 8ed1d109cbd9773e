"""Accounts of persons from the settings of a plugin."""

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.plugins.accounts import PersonAccounts, list_account_settings, parse_token_account

HOUSE = {"url": "https://house", "token": "of the house"}


def test_the_settings_of_a_person_lie_over_those_of_the_household() -> None:
    found = list_account_settings({**HOUSE, "persons": {"Ada": {"token": "of Ada"}}}, "token")
    assert found == {"": HOUSE, "Ada": {"url": "https://house", "token": "of Ada"}}


@pytest.mark.parametrize(("may_share", "persons"), [(True, ["", "Ada"]), (False, [""])])
def test_a_person_without_an_account_of_her_own_may_share_that_of_the_household(may_share: bool, persons: list[str]) -> None:  # fmt: skip
    found = list_account_settings({**HOUSE, "persons": {"Ada": {"view": "work"}}}, "token", may_share=may_share)
    assert list(found) == persons


def test_without_a_token_there_is_no_account() -> None:
    assert list_account_settings({"url": "https://house", "persons": {"Ada": {}}}, "token", may_share=True) == {}


def test_a_person_is_found_in_any_case_and_a_guest_has_the_household() -> None:
    accounts = PersonAccounts({"": "house", "Ada": "own"})
    assert [accounts.find(name) for name in ("ADA", "ada", "Eve", None)] == ["own", "own", "house", "house"]
    assert [accounts.find_own(name) for name in ("ADA", "Eve", "", None)] == ["own", None, None, None]
    assert (accounts.household, PersonAccounts[str]().household, len(accounts)) == ("house", None, 2)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"token": "x"}, "Chat needs url"),
        ({"url": "https://host"}, "Chat needs url"),
        ({"url": "https://host", "token": " "}, "secret_file"),
        ({"url": "http://example.org", "token": "x"}, "https"),
        ({**HOUSE, "seconds": 0}, "such as 20"),
        ({**HOUSE, "seconds": "20"}, "such as 20"),
        ({**HOUSE, "seconds": True}, "such as 20"),
    ],
)
def test_settings_that_are_wrong_say_what_to_write(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_token_account("Chat", settings)
