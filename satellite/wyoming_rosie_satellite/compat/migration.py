"""Migration of a command line of wyoming-satellite or linux-voice-assistant to a configuration file."""

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.compat import unit_files, voice_assistant
from wyoming_rosie_satellite.config import SatelliteConfig

FLAG = "--migrate"
MISSING = (
    f"write what starts wyoming-satellite: {FLAG} 'script/run --name Kitchen ...', or its systemd unit: "
    f"{FLAG} /etc/systemd/system/wyoming-satellite.service"
)
HEADING = "# for rosie.toml in ~/.config/wyoming-rosie or /etc/wyoming-rosie\n[satellite]\n"


class ValueKind(Enum):
    """Kind of the value that follows a flag."""

    NOTHING = 0
    TEXT = 1
    WHOLE = 2
    NUMBER = 3
    WORD = 4  # a wake word, and perhaps a pipeline
    REPEAT = 5  # a count and a pause


@dataclass(frozen=True)
class OldFlag:
    """A flag and its values."""

    name: str
    values: tuple[str, ...]


EVENTS = (
    "startup", "detect", "detection", "transcript", "stt-start", "stt-stop", "synthesize", "tts-start", "tts-stop",
    "tts-played", "streaming-start", "streaming-stop", "error", "connected", "disconnected", "timer-started",
    "timer-updated", "timer-cancelled", "timer-finished",
)  # fmt: skip
VALUE_KINDS: dict[str, ValueKind] = (
    dict.fromkeys(
        (
            "mic-no-mute-during-awake-wav", "vad", "no-zeroconf", "debug", "version",
        ), ValueKind.NOTHING,
    )
    | dict.fromkeys(
        (
            "mic-uri", "mic-command", "snd-uri", "snd-command", "wake-uri", "wake-command", "event-uri", "awake-wav",
            "done-wav", "timer-finished-wav", "uri", "name", "area", "zeroconf-name", "zeroconf-host",
            "debug-recording-dir", "log-format", *(f"{event}-command" for event in EVENTS),
        ), ValueKind.TEXT,
    )
    | dict.fromkeys(
        (
            "mic-noise-suppression", "mic-auto-gain", "mic-channel-index", "mic-command-samples-per-chunk",
            "snd-command-samples-per-chunk", "vad-trigger-level",
            *(f"{part}-command-{setting}" for part in ("mic", "snd", "wake") for setting in ("rate", "width", "channels")),
        ), ValueKind.WHOLE,
    )
    | dict.fromkeys(
        (
            "mic-volume-multiplier", "snd-volume-multiplier", "mic-seconds-to-mute-after-awake-wav", "vad-threshold",
            "vad-buffer-seconds", "vad-wake-word-timeout", "wake-refractory-seconds",
        ), ValueKind.NUMBER,
    )
    | {"wake-word-name": ValueKind.WORD, "timer-finished-wav-repeat": ValueKind.REPEAT}
)  # fmt: skip
REASONS = {"version": "it is no setting"}
PIPELINE = "--wake-word-pipeline"
LISTS = frozenset({"mic-channel-index"})
SETTINGS = frozenset(setting.name for setting in fields(SatelliteConfig))


def migrate(words: Sequence[str]) -> str:
    """Return a configuration file that does what the command did; a flag without a counterpart is a comment.

    Raises ConfigError.
    """
    command = _split_command(words)
    if any(map(voice_assistant.is_voice_assistant, command)):
        return HEADING + "".join(f"{_format_setting(line)}\n" for line in voice_assistant.convert(command))
    flags = list(_parse_flags(command))
    if not flags:
        raise ConfigError(f"there is no flag after {FLAG}; {MISSING}")
    names = [_format_text(flag.values[0]) for flag in flags if flag.name == "wake-word-name"]
    lines = [_format_line(flag) for flag in flags if flag.name != "wake-word-name"]
    lines += [f"wake_word_name = [{', '.join(names)}]"] if names else []
    pipelines = [f"{_format_text(name)} = {_format_text(pipeline)}" for name, pipeline in _find_pipelines(flags)]
    lines += [f"wake_word_pipeline = {{ {', '.join(pipelines)} }}"] if pipelines else []
    return HEADING + "\n".join(lines) + "\n"


def _split_command(words: Sequence[str]) -> list[str]:
    """Return the command's arguments; it may be in a file, or be the text of one. Raises ConfigError."""
    if not "".join(words).strip():
        raise ConfigError(f"{FLAG} needs the old command; {MISSING}")
    if len(words) > 1:
        return list(words)
    text, name = words[0], "the command"
    try:
        if os.path.isfile(text):  # noqa: PTH113 - Path fails for a command that is too long for a name
            text, name = Path(text).read_text("utf-8"), text
            if not unit_files.is_unit(text) and (flags := voice_assistant.parse_variables(text)):
                return [voice_assistant.NAME, *flags]
            return unit_files.find_command(text, name)
        return unit_files.find_command(text, name) if unit_files.is_unit(text) else shlex.split(text)
    except (OSError, ValueError) as err:
        raise ConfigError(f"{FLAG} cannot read {name}: {err}") from err


def translate_arguments(arguments: Sequence[str]) -> list[str]:
    """Return arguments with wyoming-satellite's `--wake-word-name NAME PIPELINE` as two flags."""
    translated, remaining, pipelines = [], list(arguments), {}
    while remaining:
        translated.append(remaining.pop(0))
        if translated[-1] == "--wake-word-name" and remaining:
            translated.append(remaining.pop(0))
        elif not translated[-1].startswith("--wake-word-name="):
            continue
        if remaining and not remaining[0].startswith("-"):
            pipelines[translated[-1].removeprefix("--wake-word-name=")] = remaining.pop(0)
    return [*translated, PIPELINE, json.dumps(pipelines)] if pipelines else translated


def _parse_flags(words: Sequence[str]) -> Iterator[OldFlag]:
    """Yield the flags after the program and its own arguments. Raises ConfigError for an unknown one."""
    remaining = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while remaining and not remaining[0].startswith("--"):
        remaining.pop(0)
    while remaining:
        name = remaining.pop(0).removeprefix("--")
        if name not in VALUE_KINDS:
            raise ConfigError(f"wyoming-satellite has no flag '--{name}'; write its whole command after {FLAG}")
        yield OldFlag(name, tuple(_take_values(name, remaining)))


def _take_values(name: str, remaining: list[str]) -> Iterator[str]:
    """Yield a flag's values, taken off `remaining`. Raises ConfigError when there are too few."""
    count = {ValueKind.NOTHING: 0, ValueKind.WORD: 1, ValueKind.REPEAT: 2}.get(VALUE_KINDS[name], 1)
    if len(remaining) < count:
        raise ConfigError(f"'--{name}' needs {count} value{'s' if count > 1 else ''}")
    for _ in range(count):
        yield remaining.pop(0)
    if VALUE_KINDS[name] is ValueKind.WORD and remaining and not remaining[0].startswith("--"):
        yield remaining.pop(0)


def _format_setting(line: voice_assistant.MigratedSetting | str) -> str:
    if isinstance(line, str):
        return _format_comment(line)
    values = line.value if isinstance(line.value, list) else [line.value]
    written = [_format_text(value) if isinstance(value, str) else str(value).lower() for value in values]
    return f"{line.key} = [{', '.join(written)}]" if isinstance(line.value, list) else f"{line.key} = {written[0]}"


def _format_line(flag: OldFlag) -> str:
    if flag.name == "no-zeroconf":
        return "zeroconf = false"
    key = flag.name.replace("-", "_")
    if key not in SETTINGS:
        family = next((name for name in REASONS if flag.name.startswith(name)), None)
        line = " ".join((f"--{flag.name}", *flag.values))
        return _format_comment(f"{line}: {REASONS[family] if family else 'there is no such setting'}")
    return f"{key} = {_format_value(flag)}"


def _format_comment(text: str) -> str:
    """Return a comment; TOML allows no control characters in it."""
    return "# " + "".join(character if character.isprintable() else " " for character in text)


def _format_value(flag: OldFlag) -> str:
    match VALUE_KINDS[flag.name]:
        case ValueKind.NOTHING:
            return "true"
        case ValueKind.WHOLE:
            number = str(_parse_number(flag, flag.values[0], int))
            return f"[{number}]" if flag.name in LISTS else number
        case ValueKind.NUMBER:
            return str(_parse_number(flag, flag.values[0], float))
        case ValueKind.REPEAT:
            return f"[{_parse_number(flag, flag.values[0], int)}, {_parse_number(flag, flag.values[1], float)}]"
    return _format_text(flag.values[0])


def _format_text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML wants DEL escaped


def _parse_number(flag: OldFlag, value: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(value)
    except ValueError as err:
        raise ConfigError(f"'--{flag.name}' needs a number, not '{value}'") from err


def _find_pipelines(flags: Sequence[OldFlag]) -> Iterator[tuple[str, str]]:
    for flag in flags:
        match flag:
            case OldFlag("wake-word-name", (name, pipeline)):
                yield name, pipeline
