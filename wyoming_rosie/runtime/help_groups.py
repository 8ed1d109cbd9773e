"""Groups of settings in `--help`, assigned by the setting's name."""

import re
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Annotated, Any, TypeVar, get_type_hints

from cyclopts import Group, Parameter

C = TypeVar("C")
_KINDS = (
    ("Logging and files", r"debug|config|log_format|data_dir|audit_file|debug_recording_dir"),
    ("Lights, buttons and API", r"api_\w+|leds?|led_\w+|button|push_to_talk"),
    ("Programs for events", r"event_uri|(?!mic|snd|wake|duck|unduck)\w+_command"),
    ("Microphone", r"mic|mic_\w+|echo_cancellation|profile"),
    ("Speaker", r"snd|snd_\w+|duck_command|unduck_command"),
    (
        "Wake words",
        r"wake_(?!uri$)\w+|vad_\w+|vad|stop_word|spoken_stop|word_\w+|threshold|trigger_level|refractory_seconds|capture",
    ),
    ("Sounds and phrases", r"\w+_wav|\w+_wav_repeat|failure_phrases|timer_\w+"),
    (
        "Network",
        r"uri|\w+_uri|name|zeroconf|zeroconf_\w+|allow|peers|peers_per_address|client_\w+|idle_seconds|http_\w+|satellite|adopt\w*|tls_port|plain|identity|join",
    ),
    ("Models and engines", r"engine|model|custom_model_dir|workers|preload|keep_alive|waiting"),
)
_ORDER = ("General", *(title for title, _ in reversed(_KINDS)))


def with_groups(config: type[C]) -> type[C]:
    """Return a subclass of the settings whose fields are grouped in `--help`."""
    hints = get_type_hints(config, include_extras=True)
    annotations = {setting.name: _in_group(setting, hints[setting.name]) for setting in fields(config)}  # type: ignore[arg-type]
    values = {setting.name: _copy(setting) for setting in fields(config)}  # type: ignore[arg-type]
    members = {**values, "__annotations__": annotations, "__doc__": config.__doc__, "__module__": config.__module__}
    return dataclass(frozen=True)(type(config.__name__, (config,), members))


def without_groups(settings: C, config: type[C]) -> C:
    """Convert grouped settings back to the settings' own class."""
    return config(**{setting.name: getattr(settings, setting.name) for setting in fields(config)})  # type: ignore[arg-type]


def group_of(name: str, kind: Any) -> str:
    """Return the title of a setting's group."""
    if is_dataclass(kind):
        return name.replace("_", " ").capitalize()
    return next((title for title, pattern in _KINDS if re.fullmatch(pattern, name)), "General")


def _in_group(setting: "Field[Any]", hint: Any) -> Any:
    title = group_of(setting.name, hint)
    rank = _ORDER.index(title) if title in _ORDER else len(_ORDER)
    return Annotated[hint, Parameter(group=Group(title, sort_key=rank))]


def _copy(setting: "Field[Any]") -> Any:
    if setting.default_factory is not MISSING:
        return field(default_factory=setting.default_factory, metadata=setting.metadata)
    return field(default=setting.default, metadata=setting.metadata)
