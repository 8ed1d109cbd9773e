"""What a program says of itself: rules about its info, without a connection."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from wyoming.event import Event
from wyoming.info import Info

from wyoming_rosie.commands.conformance.outcome import Check, FaultError, FlawError, NotTriedError
from wyoming_rosie.commands.conformance.target import Target

SECTIONS = {
    "satellite": ("satellite",),
    "asr": ("asr",),
    "tts": ("tts",),
    "wake": ("wake",),
    "intent": ("intent", "handle"),
    "vad": ("vad",),
}
"""Of `info`, by role, in the order in which Home Assistant looks for a name."""
MODELS = {"asr": "models", "tts": "voices", "wake": "models", "intent": "models"}
Item: TypeAlias = dict[str, Any]
"""A program, model or voice, as it was sent."""


def roles(data: Item) -> list[str]:
    """Return the roles that an info names."""
    return [role for role in SECTIONS if programs(role, data)]


def programs(role: str, data: Item) -> list[Item]:
    """Return the programs of a role; what is no object is none."""
    found = [one for section in SECTIONS[role] for one in _list(data.get(section))]
    return [one for one in found if isinstance(one, dict)]


def models(role: str, data: Item) -> list[Item]:
    """Return the models or voices of a role."""
    found = [model for one in programs(role, data) for model in _list(one.get(MODELS.get(role, "")))]
    return [one for one in found if isinstance(one, dict)]


def names_what_it_is(target: Target) -> str:
    """Say what the program is, and who made it."""
    items = [*programs(target.role, target.data), *models(target.role, target.data)]
    for key in ("name", "attribution", "installed"):
        if nameless := [one for one in items if one.get(key) in (None, "")]:
            raise FaultError(f"{len(nameless)} of {len(items)} programs and models have no {key}")
    credits_ = [one["attribution"] for one in items]
    if not all(isinstance(one, dict) and one.get("name") and one.get("url") for one in credits_):
        raise FlawError("an attribution has no name or no url")
    return ", ".join(_title(one) for one in programs(target.role, target.data))


def has_versions(target: Target) -> str:
    """Say which versions the programs have."""
    versions = [one.get("version") for one in programs(target.role, target.data)]
    if not all(versions):
        raise FlawError("a program has no version")
    return ", ".join(map(str, versions))


def is_installed(target: Target) -> str:
    """Say how much is installed."""
    items = programs(target.role, target.data)
    if not any(one.get("installed") for one in items):
        raise FaultError("nothing is installed")
    if target.role == "asr" and not items[0].get("installed"):
        raise FaultError("the first program is not installed, and Home Assistant looks at no other")
    offered = models(target.role, target.data)
    if target.role in MODELS and not any(one.get("installed") for one in offered):
        raise FaultError("the program is installed, but no model of it is")
    return f"{sum(bool(one.get('installed')) for one in offered)} of {len(offered)} models" if offered else "yes"


def has_languages(target: Target) -> str:
    """Say which languages the models have."""
    if target.role not in ("asr", "tts", "intent"):
        raise NotTriedError(f"nobody asks a {target.role} for languages")
    offered = models(target.role, target.data)
    if not all(one.get("languages") for one in offered):
        raise FaultError("a model has no language")
    return _some(sorted({str(language) for one in offered for language in one["languages"]}))


def is_one_program(target: Target) -> str:
    """Say that nothing is hidden behind the port."""
    others = [role for role in roles(target.data) if role not in (target.role, "wake")]
    if target.role == "satellite" and others:
        raise FlawError(f"a satellite that is {', '.join(others)} too")
    most = max(len(_list(target.data.get(section))) for section in SECTIONS[target.role])
    if most > 1:
        raise FlawError(f"{most} programs of one kind behind one port")
    return "yes"


def _about(rule: Callable[[Target], str]) -> Callable[[Target], Awaitable[str]]:
    async def run(target: Target) -> str:
        return rule(target)

    return run


CHECKS = (
    Check(
        "info is complete",
        "Wyoming's own library cannot read it, or nobody sees whom to thank",
        _about(names_what_it_is),
    ),
    Check("info has versions", "a report of a problem does not say which version has it", _about(has_versions)),
    Check("something is installed", "Home Assistant says that there is nothing to add", _about(is_installed)),
    Check("models have languages", "Home Assistant offers it for no language", _about(has_languages)),
    Check("one program at a port", "Home Assistant uses the first one and ignores the others", _about(is_one_program)),
)


def parsed(data: Item) -> Info:
    """Return the info as Wyoming's library reads it. Raises FaultError."""
    try:
        return Info.from_event(Event("info", data))
    except (TypeError, KeyError, ValueError, AttributeError) as err:
        raise FaultError(f"Wyoming's library cannot read its info: {err}") from err


def _list(value: object) -> Sequence[Any]:
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


def _title(item: Item) -> str:
    return f"{item['name']} {item.get('version') or ''}".strip()


def _some(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
