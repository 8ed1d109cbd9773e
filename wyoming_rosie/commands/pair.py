"""`wyoming-rosie pair` and `join`: make a program of another machine, or of this one, a member of the house."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from wyoming_rosie import config
from wyoming_rosie.commands.progress import print_line
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import loader
from wyoming_rosie.trust import identity, joining, state_folders
from wyoming_rosie.trust.members import Member, check_name, new_id
from wyoming_rosie.trust.scopes import ScopeName, parse_scopes

Role = Literal["wake", "vad", "asr", "intent", "tts", "hub", "bridge", "satellite"]
AsJson = Annotated[bool, Parameter(name="--json", negative=())]


async def pair(
    name: str,
    *,
    role: Annotated[Role, Parameter(help="which program joins")] = "satellite",
    room: Annotated[str | None, Parameter(help="the room that it is in, as the home file names it")] = None,
    scope: Annotated[
        tuple[ScopeName, ...], Parameter(help="what it may do; may be given again; talk is audio, text and act")
    ] = ("talk",),
    local: Annotated[Role | None, Parameter(help="make this program of this machine a member, without a code")] = None,
    host: Annotated[str | None, Parameter(help="address of this machine to listen at [default: all]")] = None,
    port: Annotated[int, Parameter(help="port to listen at")] = 10901,
    data_dir: Annotated[Path | None, Parameter(help="the hub's data folder, as its --data-dir")] = None,
    json: Annotated[AsJson, Parameter(help="print a line of JSON for each event")] = False,
) -> None:
    """Show a code with which a program of another machine becomes a member of this house. Run it where the hub runs.

    The code is for one program, counts for two minutes, and ends after three wrong tries.
    """
    await asyncio.to_thread(joining.check_libraries)
    from wyoming_rosie.commands.pairing_display import JsonDisplay, LineDisplay
    from wyoming_rosie.commands.pairing_offer import offer
    from wyoming_rosie.trust.pairing.house import FolderHouse

    member = Member(new_id(), name, local or role, room, parse_scopes(scope))
    await asyncio.to_thread(_check_member, member)
    state = await asyncio.to_thread(state_folders.find_hub_folder, data_dir)
    house = FolderHouse(state, member)
    await asyncio.to_thread(house.prepare)
    display = JsonDisplay() if json else LineDisplay()
    about = {"id": member.id, "name": name, "role": member.role, "room": room}
    if local is None:
        joined = await offer(house, member, host, port, display)
        display.show_result(about | joined, f"{name} ({role}, {joined['address']}) belongs to the house now.")
    else:
        folder = await asyncio.to_thread(state_folders.choose_state_folder, local)
        await asyncio.to_thread(house.admit_local, folder)
        display.show_result(about, f"{member} of this machine belongs to the house now.")
        print_line(f"To use it, {state_folders.restart_command(local, folder)}")


async def join(
    code: Annotated[
        str | None, Parameter(help="the code, CODE@HOST or the address in its QR code; else asked for")
    ] = None,
    *,
    program: Annotated[Role, Parameter(help="which program of this machine joins")],
    state: Annotated[
        Path | None, Parameter(help="its state folder [default: that of its service, else the user's]")
    ] = None,
) -> None:
    """Make a program of this machine a member of the house whose hub shows a code; it need not run meanwhile.

    A program that you start yourself joins by its --join, too.
    """
    await asyncio.to_thread(joining.check_libraries)
    folder = await asyncio.to_thread(state_folders.choose_state_folder, program) if state is None else state
    await asyncio.to_thread(_check_joinable, folder)
    given = await asyncio.to_thread(_read_code) if code is None else code
    joined = await joining.join(program, folder / identity.FOLDER, given)
    await asyncio.to_thread(state_folders.give_to_owner, folder / identity.FOLDER, folder)
    sys.stdout.write(f"{joined.name} ({program}) belongs to the house of the hub at {joined.hub} now.\n")
    print_line(f"To use it, {state_folders.restart_command(program, folder)}")


def _check_member(member: Member) -> None:
    """Raise ConfigError for a name or room that cannot be used; warn of a room that the home does not have."""
    check_name(member.name)
    if member.room is None:
        return
    check_name(member.room)
    given = config.read_setting("intent", "home")
    try:
        if given is not None and loader.load_home(Path(given)).get_area(member.room) is None:
            print_line(f"The home file {given} has no room '{member.room}'; look at how it is written there.")
    except ConfigError as err:
        print_line(f"Whether the home has the room is unknown: {err}")


def _check_joinable(folder: Path) -> None:
    state_folders.check_writable(folder)
    if (own := joining.load_usable(folder / identity.FOLDER)) is not None:
        raise ConfigError(
            f"this program belongs to a house already, as {own.certificate.member}; to join anew, delete"
            f" {folder / identity.FOLDER}"
        )


def _read_code() -> str:
    if sys.stdin.isatty():
        print_line("The code that `wyoming-rosie pair NAME` shows:")
    return sys.stdin.readline().strip()
