"""Daemons that a command is pointed at: who is there is known before anything is asked."""

from wyoming_rosie.commands.conformance.info import get_roles
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.protocol.client import fetch_info


async def check_role(uri: str, role: str) -> None:
    """Raise ConfigError when the program at an address has another role, UnreachableError when it is no Wyoming program."""
    offered = get_roles((await fetch_info(uri)).data)
    if role not in offered:
        raise ConfigError(
            f"{uri} is {' and '.join(offered) or 'nothing that it tells'}, not {role}, which is usually at "
            f"tcp://HOST:{BY_ROLE[role].port}; see: wyoming-rosie discover"
        )
