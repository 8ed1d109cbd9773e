"""Role check of a daemon given by `--uri`, before a command uses it."""

from wyoming_rosie.commands.conformance.info import get_roles
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.protocol.client import fetch_info


async def check_role(uri: str, role: str) -> None:
    """Raise ConfigError if the program at `uri` has another role, UnreachableError if it does not speak Wyoming."""
    offered = get_roles((await fetch_info(uri)).data)
    if role not in offered:
        raise ConfigError(
            f"{uri} is {' and '.join(offered) or 'a program without a role'}, not {role}, which usually listens at "
            f"tcp://HOST:{BY_ROLE[role].port}; see: wyoming-rosie discover"
        )
