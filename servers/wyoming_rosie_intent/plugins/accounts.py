"""Accounts at a service, of the household and of its persons, from the settings of a plugin."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.plugins.http_client import HttpLimits
from wyoming_rosie_intent.plugins.plugin import person_settings
from wyoming_rosie_intent.plugins.service_url import check_url

REQUEST_SECONDS = 20.0
Account = TypeVar("Account")


class PersonAccounts(Generic[Account]):
    """Accounts by person, in whatever case the name is written; that of the household has no person."""

    def __init__(self, accounts: Mapping[str, Account] | None = None) -> None:
        self._accounts = {person.casefold(): account for person, account in (accounts or {}).items()}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def __len__(self) -> int:
        return len(self._accounts)

    @property
    def household(self) -> Account | None:
        return self._accounts.get("")

    def find_own(self, person: str | None) -> Account | None:
        """Return the account of a person; None for a guest."""
        return self._accounts.get(person.casefold()) if person else None

    def find(self, person: str | None) -> Account | None:
        """Return the account of a person, or else that of the household."""
        return self.find_own(person) or self.household


@dataclass(frozen=True)
class TokenAccount:
    """An account whose token is sent with each request."""

    url: str
    token: str = field(repr=False)
    limits: HttpLimits


def list_account_settings(
    config: Mapping[str, Any], setting: str, *, may_share: bool = False
) -> Mapping[str, Mapping[str, Any]]:
    """Return the settings of each account by person, "" for the household; those of a person lie over the household's.

    An account has the setting. With `may_share`, a person whose table lacks it has the household's account.
    """
    tables = {"": person_settings(config, None)} | {
        person: person_settings(config, person)
        for person, own in config.get("persons", {}).items()
        if may_share or setting in own
    }
    return {person: table for person, table in tables.items() if setting in table}


def parse_token_account(service: str, settings: Mapping[str, Any]) -> TokenAccount:
    """Parse `url`, `token` and `seconds` of an account. Raises ConfigError."""
    url, token = settings.get("url"), settings.get("token")
    if not isinstance(url, str) or not isinstance(token, str) or not token.strip():
        raise ConfigError(f'{service} needs url = "https://HOST" and token = {{ secret_file = "PATH" }}')
    check_url(url, has_secret=True)
    return TokenAccount(url, token.strip(), parse_limits(settings))


def parse_limits(settings: Mapping[str, Any]) -> HttpLimits:
    """Parse `seconds`, which a request may take with its repetitions. Raises ConfigError."""
    seconds = settings.get("seconds", REQUEST_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ConfigError("seconds: write how long a request may take, such as 20")
    return HttpLimits(total_seconds=float(seconds))
