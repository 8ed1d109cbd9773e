"""Settings of a linux-voice-assistant, which speaks ESPHome's API as well, as settings of a satellite."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wyoming_rosie.errors import ConfigError

NAME = "linux-voice-assistant"
PROGRAM = re.compile(r"linux[-_]voice[-_]assistant")
SETTING = re.compile(r"^\s*([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
"""A line of the file that sets the variables of its container."""
DEFAULT_PORT = 6053
RING_SECONDS = 4
"""A chime and the pause after it."""
MAX_RINGS = 1000
OWN_SOUND = "the satellite has a sound of its own"
NO_SETTING = "it is no setting"
LOCAL_API = "the local API does this: set api_port, and a token to open it to other machines"


@dataclass(frozen=True)
class MigratedSetting:
    """A setting of the satellite."""

    key: str
    value: str | int | float | bool | list[str]


Line: TypeAlias = MigratedSetting | str
"""A setting, or the reason why there is none."""


def _text(key: str) -> Callable[[str], Line]:
    return lambda value: MigratedSetting(key, value)


def _number(key: str, scale: float = 1.0) -> Callable[[str], Line]:
    return lambda value: MigratedSetting(key, round(float(value) * scale, 4))


def _whole(key: str) -> Callable[[str], Line]:
    return lambda value: MigratedSetting(key, int(value))


def _wav(key: str) -> Callable[[str], Line]:
    def convert(value: str) -> Line:
        return MigratedSetting(key, value) if value.endswith(".wav") else f"convert the sound to WAV, and set {key}"

    return convert


def _device(key: str) -> Callable[[str], Line]:
    def convert(value: str) -> Line:
        is_part_of_name = not value.isdecimal() and "/" not in value
        return (
            MigratedSetting(key, value) if is_part_of_name else f"set {key} to a part of the device's name; see doctor"
        )

    return convert


def _comment(reason: str) -> Callable[[str], Line]:
    return lambda _: reason


def _stop_word(value: str) -> Line:
    return (
        "the satellite understands 'stop' without a model" if value == "stop" else MigratedSetting("stop_word", [value])
    )


def _rings(value: str) -> Line:
    return MigratedSetting("timer_rings", min(max(round(float(value) / RING_SECONDS), 1), MAX_RINGS))


WITH_VALUE: Mapping[str, Callable[[str], Line]] = {
    "name": _text("name"),
    "audio-input-device": _device("mic"),
    "audio-output-device": _device("snd"),
    "music-output-device": _comment("music and speech have one speaker, so that music can be turned down"),
    "audio-input-block-size": _comment(NO_SETTING),
    "audio-input-channels": _comment("all channels are mixed; mic_channel_index chooses some"),
    "mic-volume": _number("mic_volume_multiplier", 0.01),
    "mic-auto-gain": _whole("mic_auto_gain"),
    "mic-noise-suppression": _whole("mic_noise_suppression"),
    "wake-word-dir": lambda value: MigratedSetting("custom_model_dir", [value]),
    "wake-model": lambda value: MigratedSetting("wake_word_name", [value]),
    "stop-model": _stop_word,
    "download-dir": _comment("models are not downloaded; custom_model_dir names a folder of them"),
    "refractory-seconds": _number("wake_refractory_seconds"),
    "continue-conversation-delay": _comment("the satellite listens as soon as it has spoken, without its own echo"),
    "wakeup-sound": _wav("awake_wav"),
    "timer-finished-sound": _wav("timer_finished_wav"),
    "processing-sound": _comment("done_wav is played when the command is over"),
    "start-listening-sound": _comment("awake_wav is played for buttons, too"),
    "mute-sound": _comment(OWN_SOUND),
    "unmute-sound": _comment(OWN_SOUND),
    "button-double-press-sound": _comment("buttons have one press, short or long"),
    "button-triple-press-sound": _comment("buttons have one press, short or long"),
    "button-long-press-sound": _comment(OWN_SOUND),
    "preferences-file": _comment("volume, mute and wake words are kept in data_dir, and begin anew"),
    "network-interface": _comment("esphome_uri names an address instead"),
    "peripheral-host": _comment(LOCAL_API),
    "peripheral-port": _comment(LOCAL_API),
    "peripheral-volume-step": _comment(LOCAL_API),
    "peripheral-startup-wait": _comment(LOCAL_API),
    "timer-max-ring-seconds": _rings,
}
WITHOUT_VALUE: Mapping[str, Line] = {
    "list-input-devices": NO_SETTING,
    "list-output-devices": NO_SETTING,
    "enable-thinking-sound": 'done_wav = "chime" plays a sound when the command is over',
    "disable-peripheral-api": "there is no local API unless api_port is set",
    "listen-during-wake-sound": MigratedSetting("mic_no_mute_during_awake_wav", True),
    "debug": MigratedSetting("debug", True),
    "colored-debug": MigratedSetting("debug", True),
    "output-only": "a satellite without a microphone is not supported; mute it instead",
}
ADDRESS = ("host", "port")
VARIABLES = {"CLIENT_NAME": "name", "REFACTORY_SECONDS": "refractory-seconds"}
"""Variables whose names are not those of their flags."""
LISTS = ("custom_model_dir", "stop_word", "wake_word_name")


def is_voice_assistant(text: str) -> bool:
    """Return whether a command, or the text of a file, is one of linux-voice-assistant."""
    return PROGRAM.search(text) is not None


def parse_variables(text: str) -> list[str]:
    """Return the flags for the variables in the text of a container's .env file."""
    flags = []
    for name, written in SETTING.findall(text):
        value = " ".join(shlex.split(written, comments=True))
        flag = VARIABLES.get(name, name.removeprefix("ENABLE_").lower().replace("_", "-"))
        flag = "enable-thinking-sound" if flag == "thinking-sound" else flag
        if flag in WITHOUT_VALUE:
            flags += [f"--{flag}"] if value == "1" else []
        elif value and (flag in WITH_VALUE or flag in ADDRESS):
            flags += [f"--{flag}", value]
    return flags


def convert(words: Sequence[str]) -> list[MigratedSetting | str]:
    """Return the settings, and a comment for each flag without a counterpart. Raises ConfigError."""
    address = {"host": "0.0.0.0", "port": str(DEFAULT_PORT)}  # noqa: S104 - it listens on the network, too
    settings: dict[str, MigratedSetting] = {"esphome": MigratedSetting("esphome", True)}
    comments = []
    for flag, value in _parse(words):
        if flag in ADDRESS:
            address[flag] = value
            continue
        line = _convert(flag, value)
        if isinstance(line, str):
            comments.append(f"--{flag} {value}".strip() + f": {line}")
        elif line.key in LISTS and line.key in settings:
            settings[line.key] = MigratedSetting(line.key, [*_names(settings[line.key]), *_names(line)])
        else:
            settings[line.key] = line
    uri = MigratedSetting("esphome_uri", f"tcp://{address['host']}:{address['port']}")
    return [*settings.values(), uri, *comments]


def _names(setting: MigratedSetting) -> list[str]:
    return setting.value if isinstance(setting.value, list) else []


def _convert(flag: str, value: str) -> Line:
    if flag in WITHOUT_VALUE:
        return WITHOUT_VALUE[flag]
    try:
        return WITH_VALUE[flag](value)
    except ValueError as err:
        raise ConfigError(f"'--{flag}' needs a number, not '{value}'") from err


def _parse(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the flags with their values, after the program. Raises ConfigError for an unknown one."""
    remaining = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while remaining and not remaining[0].startswith("--"):
        remaining.pop(0)
    while remaining:
        flag = remaining.pop(0).removeprefix("--")
        if flag in WITHOUT_VALUE:
            yield flag, ""
        elif flag not in WITH_VALUE and flag not in ADDRESS:
            raise ConfigError(f"linux-voice-assistant has no flag '--{flag}'; write its whole command after --migrate")
        elif not remaining:
            raise ConfigError(f"'--{flag}' needs a value")
        else:
            yield flag, remaining.pop(0)
