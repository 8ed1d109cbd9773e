"""Sign-in at Google by OAuth 2.0: in a browser on this machine (PKCE), with a code on another device, and renewal of tokens."""

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlencode, urlsplit

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.plugins.http_client import HttpClient, HttpError, HttpFailure

SCOPES = (
    "https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.calendarlist.readonly"
)
LOGIN_COMMAND = "wyoming-rosie calendar login"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER_SECONDS = 5.0
_MAX_INTERVAL_SECONDS = 60.0
_MAX_FILE_BYTES = 100_000
_REASONS = {
    "invalid_grant": f"Google no longer accepts the sign-in: it was revoked or has expired; run {LOGIN_COMMAND} again. "
    "Sign-ins of a project whose publishing status is Testing end after 7 days: set it to In production",
    "invalid_client": f"Google does not know the client; download its file again and run {LOGIN_COMMAND}",
    "deleted_client": f"the client was deleted in Google's console; create another one and run {LOGIN_COMMAND}",
    "unauthorized_client": "Google does not allow this kind of sign-in for the client; create one of the type Desktop app",
    "access_denied": "the sign-in was refused in the browser",
    "expired_token": "nobody has entered the code in time; begin again",
    "invalid_scope": "Google allows no calendars with this way of signing in; use another --way",
    "org_internal": "the client is for people of its organization only",
}


@dataclass(frozen=True)
class OAuthClient:
    """The client of a project in Google's console, of the type Desktop app or TVs and Limited Input devices."""

    id: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class OAuthEndpoints:
    authorize: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    device: str = "https://oauth2.googleapis.com/device/code"


@dataclass(frozen=True)
class OAuthTokens:
    """What Google grants; `refresh_token` is empty if the one before stays."""

    access_token: str = field(repr=False)
    seconds: float
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class DeviceCode:
    """What a person enters on another device, and how long and how often to ask whether they have."""

    code: str = field(repr=False)
    user_code: str
    url: str
    seconds: float
    interval: float


def load_client(file: Path) -> OAuthClient:
    """Read the client file of Google's console. Blocks; raises ConfigError."""
    try:
        with file.open("rb") as opened:
            document = json.loads(opened.read(_MAX_FILE_BYTES))
    except OSError as err:
        raise ConfigError(f"cannot read {file}: {err.strerror}") from err
    except ValueError as err:
        raise ConfigError(f"{file} is not the JSON file of an OAuth client; download it from Google's console") from err
    table = document.get("installed") if isinstance(document, dict) else None
    if not isinstance(table, dict) or not table.get("client_id"):
        raise ConfigError(f"{file} is not the file of a client of the type Desktop app; create one in Google's console")
    return OAuthClient(str(table["client_id"]), str(table.get("client_secret", "")))


@dataclass(frozen=True)
class LoopbackSignIn:
    """A sign-in in a browser that ends at an address of this machine."""

    redirect: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64), repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    def create_url(self, client: OAuthClient, endpoints: OAuthEndpoints = OAuthEndpoints()) -> str:
        """Return the address to open in the browser."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": client.id, "redirect_uri": self.redirect, "response_type": "code", "scope": SCOPES,
            "state": self.state, "access_type": "offline", "prompt": "consent", "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        }  # fmt: skip
        return f"{endpoints.authorize}?{urlencode(query)}"

    def parse_redirect(self, address: str) -> str:
        """Return the code in the address at which the browser ended. Raises ConfigError."""
        values = {name: found[0] for name, found in parse_qs(urlsplit(address.strip()).query).items()}
        if not secrets.compare_digest(values.get("state", "").encode(), self.state.encode()):
            raise ConfigError("this address belongs to another sign-in; use the one that the browser has just ended at")
        if "error" in values:
            raise ConfigError(_REASONS.get(values["error"], f"Google refuses the sign-in: {values['error'][:80]}"))
        if not values.get("code"):
            raise ConfigError("this address has no code; copy all of it")
        return values["code"]


class OAuthService:
    """Google's OAuth service for one client; connects at the first request."""

    def __init__(self, client: OAuthClient, endpoints: OAuthEndpoints | None = None) -> None:
        self._client = client
        self._endpoints = endpoints or OAuthEndpoints()
        parts = urlsplit(self._endpoints.token)
        self._http = HttpClient(f"{parts.scheme}://{parts.netloc}")

    async def exchange_code(self, code: str, sign_in: LoopbackSignIn) -> OAuthTokens:
        """Return the tokens for a code. Raises HttpError."""
        return await self._get_tokens(
            grant_type="authorization_code", code=code, redirect_uri=sign_in.redirect, code_verifier=sign_in.verifier
        )

    async def refresh(self, refresh_token: str) -> OAuthTokens:
        """Return a new access token. Raises HttpError, whose text says what to do."""
        return await self._get_tokens(grant_type="refresh_token", refresh_token=refresh_token)

    async def request_device_code(self) -> DeviceCode:
        """Return a code to enter on another device. Raises HttpError."""
        answer = await self._post(self._endpoints.device, {"scope": SCOPES}, has_secret=False)
        try:
            return DeviceCode(
                str(answer["device_code"]),
                str(answer["user_code"]),
                str(answer.get("verification_url") or answer["verification_uri"]),
                float(answer["expires_in"]),
                float(answer.get("interval", _SLOWER_SECONDS)),
            )
        except (KeyError, TypeError, ValueError) as err:
            raise HttpError(HttpFailure.INVALID, "Google's answer has no code for a device") from err

    async def wait_for_device(self, device: DeviceCode) -> OAuthTokens:
        """Return the tokens when the code was entered. Raises HttpError when it was refused, or not in time."""
        interval = device.interval
        try:
            async with asyncio.timeout(device.seconds):
                while True:
                    await asyncio.sleep(interval)
                    try:
                        return await self._get_tokens(grant_type=_DEVICE_GRANT, device_code=device.code)
                    except HttpError as err:
                        interval = _next_interval(err, interval)
        except TimeoutError as err:
            raise HttpError(HttpFailure.TIMEOUT, _REASONS["expired_token"]) from err

    async def close(self) -> None:
        await self._http.close()

    async def _get_tokens(self, **values: str) -> OAuthTokens:
        answer = await self._post(self._endpoints.token, values, has_secret=True)
        try:
            return OAuthTokens(
                str(answer["access_token"]), float(answer["expires_in"]), str(answer.get("refresh_token") or "")
            )
        except (KeyError, TypeError, ValueError) as err:
            raise HttpError(HttpFailure.INVALID, "Google's answer has no token") from err

    async def _post(self, address: str, values: Mapping[str, str], *, has_secret: bool) -> Any:
        """Send a form; repeating one has no effect but another token."""
        form = {"client_id": self._client.id, **values}
        if has_secret and self._client.secret:
            form["client_secret"] = self._client.secret
        try:
            answer = await self._http.request(
                "POST", address, body=urlencode(form).encode(), headers=_FORM, can_repeat=True
            )
        except HttpError as err:
            _raise_with_reason(err)
        return answer.json()


def find_error(err: HttpError) -> str:
    """Return the error code in Google's answer; empty without one."""
    try:
        document = json.loads(err.body)
    except ValueError:
        return ""
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, str) else ""


def _raise_with_reason(err: HttpError) -> NoReturn:
    """Raise the error with what to do about it."""
    reason = _REASONS.get(find_error(err))
    if reason is None:
        raise err
    raise HttpError(HttpFailure.UNAUTHORIZED, reason, err.status, err.body) from err


def _next_interval(err: HttpError, interval: float) -> float:
    """Return the seconds until the next question whether a code was entered. Raises the error if it ends the wait."""
    match find_error(err):
        case "authorization_pending":
            return interval
        case "slow_down":
            return min(interval + _SLOWER_SECONDS, _MAX_INTERVAL_SECONDS)
        case _:
            raise err
