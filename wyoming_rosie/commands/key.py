"""`wyoming-rosie key`: the members of the house, keys for clients of the hub's HTTP API, and the administrator's password."""

import asyncio
import getpass
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from json import dumps as dump_json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from cyclopts import App, Parameter

from wyoming_rosie.commands.progress import print_line
from wyoming_rosie.errors import ConfigError, UsageError
from wyoming_rosie.http import access
from wyoming_rosie.http.access import Access, describe_key
from wyoming_rosie.trust.member_directory import MemberDirectory
from wyoming_rosie.trust.scopes import ScopeName, parse_scopes
from wyoming_rosie.trust.state_folders import check_writable, find_hub_folder

key = App(
    name="key",
    help="Members of the house; keys for tablets and programs that use the hub's page and API; the password for people.",
)
Kind: TypeAlias = Literal["member", "key"]
MEMBER: Kind = "member"
KEY: Kind = "key"
KindOption = Annotated[Kind | None, Parameter(help="which one, if a member and a key have the same name")]
TIMES = (("last_used_at", "%Y-%m-%d %H:%M"), ("certificate_until", "%Y-%m-%d"))
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
async def list_keys(
    *, json: Annotated[bool, Parameter(help="print JSON lines", negative=())] = False, data_dir: DataDir = None
) -> None:
    """List the members of the house and the keys of the hub's API, without their secrets."""
    folder = _folder(data_dir)
    listed = await asyncio.to_thread(_list_all, folder)
    for line in map(dump_json, listed) if json else _format_lines(listed):
        sys.stdout.write(f"{line}\n")
    found = await asyncio.to_thread(access.load, folder / access.FILE_NAME)
    members = sum(one["kind"] == MEMBER for one in listed)
    is_set = "set" if found.password_hash else "not set"
    print_line(f"{members} members, {len(found.keys)} keys; password: {is_set}")


@key.command
async def revoke(name: str, *, kind: KindOption = None, data_dir: DataDir = None) -> None:
    """Revoke a member or a key: while the hub runs, it is cut off within a second."""
    folder = _folder(data_dir)
    if await asyncio.to_thread(_find_kind, folder, name, kind) == MEMBER:
        gone = await asyncio.to_thread(MemberDirectory(folder).revoke, name)
        print_line(f"{gone} is revoked. To let it in again: wyoming-rosie pair {shlex.quote(gone.name)}")
        return
    await asyncio.to_thread(_change, data_dir, lambda old: (old.revoke_key(name), None))
    print_line(f"{name} is revoked.")


@key.command
async def rotate(
    name: str | None = None,
    *,
    grace: Annotated[float, Parameter(help="seconds for which the former secret of a key still counts")] = 0.0,
    authority: Annotated[
        bool,
        Parameter(help="put another authority in the place of the house's; members need not join again", negative=()),
    ] = False,
    kind: KindOption = None,
    data_dir: DataDir = None,
) -> None:
    """Give a key another secret, which is shown once, or a member another certificate.

    If somebody else may have the secret of a member, revoke that member and pair it again.
    """
    folder = _folder(data_dir)
    if authority:
        count = await asyncio.to_thread(MemberDirectory(folder).rotate_authority)
        print_line(
            f"The house has another authority; {count} members get their certificates from the hub: key list shows them."
        )
        return
    if name is None:
        raise UsageError("say which: wyoming-rosie key rotate NAME, or --authority")
    if await asyncio.to_thread(_find_kind, folder, name, kind) == MEMBER:
        member = await asyncio.to_thread(MemberDirectory(folder).rotate, name)
        print_line(f"{member} gets another certificate from the hub, at once or when it is connected again.")
        return
    secret = await asyncio.to_thread(_change, data_dir, lambda old: old.rotate_key(name, time.time(), grace))
    print_line(f"Key of {name}, shown only now:")
    sys.stdout.write(f"{secret}\n")


@key.command
async def password(*, data_dir: DataDir = None) -> None:
    """Set the administrator's password, from the terminal or the standard input; it ends all sessions."""
    given = await asyncio.to_thread(_read_password)
    await asyncio.to_thread(_change, data_dir, lambda old: (old.with_password(given), None))
    print_line("The password is set.")


def _change(data_dir: Path | None, change: Callable[[Access], tuple[Access, str | None]]) -> str | None:
    file = _folder(data_dir) / access.FILE_NAME
    changed, secret = change(access.load(file))
    access.save(file, changed)
    return secret


def _folder(data_dir: Path | None) -> Path:
    """Return the hub's data folder. Raises ConfigError if this user may not use it."""
    folder = find_hub_folder(data_dir)
    check_writable(folder)
    return folder


def _list_all(folder: Path) -> list[dict[str, Any]]:
    """Return members and keys as JSON values, members first."""
    keys, used = access.load(folder / access.FILE_NAME).keys, access.load_last_used(folder)
    return [
        *(one.values for one in MemberDirectory(folder).list_members()),
        *({"kind": KEY, **describe_key(one, used.get(one.name))} for one in keys),
    ]


def _find_kind(folder: Path, name: str, wanted: Kind | None) -> Kind:
    """Return which of the two has a name. Raises ConfigError if none, or both, have it."""
    is_member = MemberDirectory(folder).find(name) is not None
    is_key = any(one.name == name for one in access.load(folder / access.FILE_NAME).keys)
    found: list[Kind] = [kind for kind, is_there in ((MEMBER, is_member), (KEY, is_key)) if is_there]
    if wanted is not None:
        found = [kind for kind in found if kind == wanted]
    if not found:
        raise ConfigError(f"there is no {wanted or 'member or key'} '{name}'; see: wyoming-rosie key list")
    if len(found) > 1:
        raise ConfigError(f"a member and a key are named '{name}'; say which: --kind {MEMBER}, or --kind {KEY}")
    return found[0]


def _format_lines(listed: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line for each member and key, in columns as wide as the longest name and room."""
    rows = [_format_cells(one) for one in listed]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _format_cells(one: dict[str, Any]) -> tuple[str, ...]:
    name = f"{one['name']} ({one['role']})" if one["kind"] == MEMBER else one["name"]
    seen, until = (_format_time(one.get(key), pattern) for key, pattern in TIMES)
    certificate = f"until {until}" if until else "not seen yet" if one["kind"] == MEMBER else ""
    if one.get("is_rotating"):
        certificate += ", to be renewed"
    return one["kind"], name, one["room"] or "no room", ",".join(one["scopes"]), seen or "never seen", certificate


def _format_time(seconds: float | None, pattern: str) -> str:
    return time.strftime(pattern, time.localtime(seconds)) if seconds else ""


def _read_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password for the house's page: ")
    return sys.stdin.readline().rstrip("\n")
