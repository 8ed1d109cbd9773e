"""Conformance checks of a program's info, which need no connection."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from wyoming.event import Event
from wyoming.info import Info

from wyoming_rosie.commands.conformance.checks import (
    Check,
    CheckFindingError,
    CheckSkippedError,
    ConformanceError,
)
from wyoming_rosie.commands.conformance.target import CheckTarget
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.protocol.client import fetch_info

SECTIONS = {
    "satellite": ("satellite",),
    "asr": ("asr",),
    "tts": ("tts",),
    "wake": ("wake",),
    "intent": ("intent", "handle"),
    "vad": ("vad",),
}
"""Sections of `info` by role, in the order in which Home Assistant looks for a name."""
MODELS = {"asr": "models", "tts": "voices", "wake": "models", "intent": "models"}
Item: TypeAlias = dict[str, Any]
"""A program, model or voice, as it was sent."""


def get_roles(data: Item) -> list[str]:
    """Return the roles that an info names."""
    return [role for role in SECTIONS if get_programs(role, data)]


def get_programs(role: str, data: Item) -> list[Item]:
    """Return the programs of a role, without entries that are not JSON objects."""
    found = [program for section in SECTIONS[role] for program in _to_list(data.get(section))]
    return [program for program in found if isinstance(program, dict)]


def get_models(role: str, data: Item) -> list[Item]:
    """Return the models or voices of a role."""
    found = [model for program in get_programs(role, data) for model in _to_list(program.get(MODELS.get(role, "")))]
    return [model for model in found if isinstance(model, dict)]


def check_complete(target: CheckTarget) -> str:
    """Expect name, attribution and `installed` of every program and model."""
    items = [*get_programs(target.role, target.data), *get_models(target.role, target.data)]
    for key in ("name", "attribution", "installed"):
        if nameless := [item for item in items if item.get(key) in (None, "")]:
            raise ConformanceError(f"{len(nameless)} of {len(items)} programs and models have no {key}")
    credits_ = [item["attribution"] for item in items]
    if not all(isinstance(item, dict) and item.get("name") and item.get("url") for item in credits_):
        raise CheckFindingError("an attribution has no name or no url")
    return ", ".join(_format_program(item) for item in get_programs(target.role, target.data))


def check_version(target: CheckTarget) -> str:
    """Expect a version of every program."""
    versions = [program.get("version") for program in get_programs(target.role, target.data)]
    if not all(versions):
        raise CheckFindingError("a program has no version")
    return ", ".join(map(str, versions))


def check_installed(target: CheckTarget) -> str:
    """Expect an installed program with an installed model."""
    items = get_programs(target.role, target.data)
    if not any(item.get("installed") for item in items):
        raise ConformanceError("nothing is installed")
    if target.role == "asr" and not items[0].get("installed"):
        raise ConformanceError("the first program is not installed, and Home Assistant looks at no other")
    offered = get_models(target.role, target.data)
    if target.role in MODELS and not any(item.get("installed") for item in offered):
        raise ConformanceError("the program is installed, but none of its models is")
    if not offered:
        return "yes"
    missing = [str(item.get("name")) for item in offered if not item.get("installed")]
    count = f"{len(offered) - len(missing)} of {len(offered)} models"
    return f"{count}; not yet: {_join_names(missing)}" if missing and target.role == "asr" else count


def check_languages(target: CheckTarget) -> str:
    """Expect languages of every model."""
    if target.role not in ("asr", "tts", "intent"):
        raise CheckSkippedError(f"the role {target.role} has no languages")
    offered = get_models(target.role, target.data)
    if not all(item.get("languages") for item in offered):
        raise ConformanceError("a model has no language")
    return _join_names(sorted({str(language) for item in offered for language in item["languages"]}))


def check_single_program(target: CheckTarget) -> str:
    """Expect one program of one role, so that Home Assistant ignores none."""
    others = [role for role in get_roles(target.data) if role not in (target.role, "wake")]
    if target.role == "satellite" and others:
        raise CheckFindingError(f"the satellite is also {', '.join(others)}")
    most = max(len(_to_list(target.data.get(section))) for section in SECTIONS[target.role])
    if most > 1:
        raise CheckFindingError(f"{most} programs of one kind behind one port")
    return "yes"


def _to_async(rule: Callable[[CheckTarget], str]) -> Callable[[CheckTarget], Awaitable[str]]:
    async def run(target: CheckTarget) -> str:
        return rule(target)

    return run


CHECKS = (
    Check(
        "info is complete",
        "the wyoming package cannot parse it, or its authors are not named",
        _to_async(check_complete),
    ),
    Check("info has versions", "bug reports do not say which version they are about", _to_async(check_version)),
    Check("something is installed", "Home Assistant finds nothing to add", _to_async(check_installed)),
    Check("models have languages", "Home Assistant offers it for no language", _to_async(check_languages)),
    Check(
        "one program at a port",
        "Home Assistant uses the first one and ignores the others",
        _to_async(check_single_program),
    ),
)


def parse_info(data: Item) -> Info:
    """Return the info as the wyoming package parses it. Raises ConformanceError."""
    try:
        return Info.from_event(Event("info", data))
    except (TypeError, KeyError, ValueError, AttributeError) as err:
        raise ConformanceError(f"the wyoming package cannot parse its info: {err}") from err


def _to_list(value: object) -> Sequence[Any]:
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


def _format_program(item: Item) -> str:
    return f"{item['name']} {item.get('version') or ''}".strip()


def _join_names(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


async def check_role(uri: str, role: str) -> None:
    """Raise ConfigError if the program at `uri` has another role, UnreachableError if it does not speak Wyoming."""
    offered = get_roles((await fetch_info(uri)).data)
    if role not in offered:
        raise ConfigError(
            f"{uri} is {' and '.join(offered) or 'a program without a role'}, not {role}, which usually listens at "
            f"tcp://HOST:{BY_ROLE[role].port}; see: wyoming-rosie discover"
        )
