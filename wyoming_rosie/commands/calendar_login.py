"""`wyoming-rosie calendar`: the sign-in of calendars that need one."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from wyoming_rosie.commands.progress import print_line
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command

calendar = App(name="calendar", help="Sign-in of calendars.")
_MODULE = "wyoming_rosie_intent.integrations.google_calendar.login"


@calendar.command
async def login(
    client_file: Path,
    *,
    account: Annotated[str, Parameter(help="name of the account, as in the settings of the plugin")] = "house",
    way: Annotated[
        Literal["browser", "paste", "device"],
        Parameter(
            help="a browser on this machine, one elsewhere whose last address is pasted here, or a code for a phone"
        ),
    ] = "browser",
    data_dir: Annotated[
        Path | None, Parameter(help="the intent daemon's state folder, if it runs as a service")
    ] = None,
) -> None:
    """Sign in at Google Calendar with the client file of a project in Google's console.

    The sign-in is kept in a file that only its owner may read.
    """
    module = _load_module()
    file = await module.login(client_file, account, module.LoginWay(way), print_line, data_dir)
    print_line(f"Signed in. The intent daemon reads {file}")


def _load_module() -> Any:
    """Return the module of the intent daemon, which may not be installed."""
    try:
        return import_module(_MODULE)
    except ImportError as err:
        raise ConfigError(f"{err.name} is not installed; run: {install_command(['intent'])}") from err
