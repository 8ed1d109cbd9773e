"""Context of a plugin's command: time zone of the home, and the key that is the same for each attempt."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wyoming_rosie_intent.plugins.match import PluginMatch
from wyoming_rosie_intent.plugins.plugin import CommandContext

_SYSTEM_ZONE = Path("/etc/localtime")
_ZONE_FOLDER = "zoneinfo/"


def find_time_zone() -> tzinfo | None:
    """Return the time zone of this machine with its name, from TZ or the system; None if it has no name."""
    name = os.environ.get("TZ", "").removeprefix(":") or os.path.realpath(_SYSTEM_ZONE).rpartition(_ZONE_FOLDER)[2]
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def complete(context: CommandContext | None, match: PluginMatch, zone: tzinfo | None) -> CommandContext:
    """Return the context of a command in the home's time zone; its key is that of the turn and the command."""
    context = context or CommandContext(datetime.now().astimezone())
    return replace(
        context,
        moment=context.moment.astimezone(zone),
        language=match.language,
        text=match.text,
        key=match.key or _create_key(context.key, match),
        is_confirmed=match.is_confirmed,
    )


def _create_key(turn_id: str, match: PluginMatch) -> str:
    """Return a key that another attempt at the same command in the same turn has, too."""
    if not turn_id:
        return uuid4().hex
    command = (turn_id, match.plugin, match.intent, _sorted(match.entities))
    return hashlib.sha256(repr(command).encode()).hexdigest()[:32]


def _sorted(entities: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(entities.items())
