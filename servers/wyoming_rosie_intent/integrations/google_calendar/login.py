"""Sign-in of an account from a terminal: in a browser on this machine, with a pasted address, or on another device."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path

from aiohttp import web

from wyoming_rosie.config import state_folder
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.integrations.google_calendar import oauth, tokens
from wyoming_rosie_intent.integrations.google_calendar.oauth import (
    LoopbackSignIn,
    OAuthEndpoints,
    OAuthService,
    OAuthTokens,
)
from wyoming_rosie_intent.integrations.google_calendar.tokens import StoredSignIn

BROWSER_SECONDS = 600.0
"""Longest wait for a person who signs in."""
_PASTED_REDIRECT = "http://127.0.0.1:8400"
_DONE = "You are signed in. You may close this page."


class LoginWay(StrEnum):
    BROWSER = "browser"  # on this machine
    PASTE = "paste"  # the browser of another machine ends at an address that is pasted here
    DEVICE = "device"  # with a code on a phone


async def login(
    client_file: Path,
    account: str,
    way: LoginWay,
    show: Callable[[str], None],
    data_dir: Path | None = None,
    endpoints: OAuthEndpoints | None = None,
) -> Path:
    """Sign in and return the file of the account. Raises ConfigError and HttpError, which say what to do."""
    file = tokens.find_file(data_dir or state_folder("intent"), account)
    client = await asyncio.to_thread(oauth.load_client, client_file)
    service = OAuthService(client, endpoints)
    try:
        granted = await _get_tokens(service, client, way, show, endpoints or OAuthEndpoints())
    finally:
        await service.close()
    if not granted.refresh_token:
        raise ConfigError("Google grants no lasting sign-in; remove the program at myaccount.google.com and try again")
    await asyncio.to_thread(tokens.save, file, StoredSignIn(client, granted.refresh_token))
    return file


async def _get_tokens(
    service: OAuthService,
    client: oauth.OAuthClient,
    way: LoginWay,
    show: Callable[[str], None],
    endpoints: OAuthEndpoints,
) -> OAuthTokens:
    match way:
        case LoginWay.DEVICE:
            device = await service.request_device_code()
            show(f"Open {device.url} on any device and enter the code {device.user_code}")
            return await service.wait_for_device(device)
        case LoginWay.PASTE:
            sign_in = LoopbackSignIn(_PASTED_REDIRECT)
            show(f"Open this address in a browser:\n{sign_in.create_url(client, endpoints)}")
            show("The browser ends at a page that cannot be shown. Paste its address here:")
            address = await asyncio.to_thread(sys.stdin.readline)
            return await service.exchange_code(sign_in.parse_redirect(address), sign_in)
        case LoginWay.BROWSER:
            async with _listening() as (redirect, addresses):
                sign_in = LoopbackSignIn(redirect)
                show(f"Open this address in a browser on this machine:\n{sign_in.create_url(client, endpoints)}")
                return await service.exchange_code(await _wait_for_code(addresses, sign_in), sign_in)


async def _wait_for_code(addresses: "asyncio.Queue[str]", sign_in: LoopbackSignIn) -> str:
    try:
        async with asyncio.timeout(BROWSER_SECONDS):
            return sign_in.parse_redirect(await addresses.get())
    except TimeoutError as err:
        raise ConfigError("nobody has signed in within 10 minutes; run the command again") from err


@asynccontextmanager
async def _listening() -> AsyncIterator[tuple[str, "asyncio.Queue[str]"]]:
    """Receive the addresses at which the browser ends, on a port of this machine, during the block."""
    addresses: asyncio.Queue[str] = asyncio.Queue(1)

    async def receive(request: web.Request) -> web.Response:
        if ("code" in request.query or "error" in request.query) and not addresses.full():
            addresses.put_nowait(str(request.url))
        return web.Response(text=_DONE)

    app = web.Application()
    app.router.add_get("/", receive)
    runner = web.AppRunner(app, access_log=None)  # its lines would have the code
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", addresses
    finally:
        await runner.cleanup()
