"""`wyoming-rosie key`: keys for clients of the hub's HTTP API, and the administrator's password."""

import asyncio
import getpass
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from wyoming_rosie import config
from wyoming_rosie.commands.progress import print_line
from wyoming_rosie.http import access
from wyoming_rosie.http.access import Access
from wyoming_rosie.trust.scopes import ScopeName, parse_scopes

key = App(
    name="key", help="Keys for tablets and programs that use the hub's page and API, and the password for people."
)
DataDir = Annotated[Path | None, Parameter(help="the hub's data folder, as its --data-dir")]


@key.command
async def add(
    name: str,
    *,
    room: Annotated[str | None, Parameter(help="the room that this client speaks for")] = None,
    scope: Annotated[
        tuple[ScopeName, ...], Parameter(help="what it may do; may be given again; talk is audio, text and act")
    ] = (
        "talk",
        "read",
    ),
    data_dir: DataDir = None,
) -> None:
    """Make a key and show it, once: only its SHA-256 is kept.

    A program sends it as `Authorization: Bearer KEY`; on a tablet's page a person enters it once.
    """
    secret = await asyncio.to_thread(
        _change, data_dir, lambda old: old.add_key(name, parse_scopes(scope), room, time.time())
    )
    print_line(f"Key of {name}, shown only now:")
    sys.stdout.write(f"{secret}\n")


@key.command(name="list")
async def list_keys(*, data_dir: DataDir = None) -> None:
    """List the keys, without their secrets."""
    found = await asyncio.to_thread(access.load, _file(data_dir))
    for one in found.keys:
        sys.stdout.write(f"{one.name:<24}{','.join(sorted(one.scopes)):<28}{one.room or 'no room'}\n")
    print_line(f"password: {'set' if found.password_hash else 'not set'}; {len(found.keys)} keys")


@key.command
async def revoke(name: str, *, data_dir: DataDir = None) -> None:
    """Remove a key; the hub refuses it within a second."""
    await asyncio.to_thread(_change, data_dir, lambda old: (old.revoke_key(name), None))
    print_line(f"{name} is revoked.")


@key.command
async def password(*, data_dir: DataDir = None) -> None:
    """Set the administrator's password, from the terminal or the standard input; it ends all sessions."""
    given = await asyncio.to_thread(_read_password)
    await asyncio.to_thread(_change, data_dir, lambda old: (old.with_password(given), None))
    print_line("The password is set.")


def _change(data_dir: Path | None, change: Callable[[Access], tuple[Access, str | None]]) -> str | None:
    file = _file(data_dir)
    changed, secret = change(access.load(file))
    access.save(file, changed)
    return secret


def _file(data_dir: Path | None) -> Path:
    folder = data_dir or config.read_setting("hub", "data_dir") or config.state_folder("hub")
    return Path(folder) / access.FILE_NAME


def _read_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password for the house's page: ")
    return sys.stdin.readline().rstrip("\n")
