"""Every flag of wyoming-satellite with a value, in commands as its users have them."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from wyoming_rosie_satellite.compat.migration import EVENTS

NOWHERE = "tcp://127.0.0.1:9"
FINDER = "import sys\nwhile sys.stdin.buffer.read(16000): print('okay_nabu', flush=True)"
"""A wake word detector that fires every half second."""
COMMON = ("--mic-command", "sleep 60", "--snd-command", "tee")


def commands(folder: Path, wav: Path) -> dict[str, Sequence[str]]:
    """Return the commands by topic; `wav` is a WAV file."""
    return {
        "sound": [
            *("--mic-command", "cat /dev/zero", "--mic-command-rate", "48000", "--mic-command-width", "2"),
            *("--mic-command-channels", "2", "--mic-command-samples-per-chunk", "1024", "--mic-channel-index", "1"),
            *("--mic-volume-multiplier", "1.5", "--mic-noise-suppression", "2", "--mic-auto-gain", "5"),
            *("--mic-seconds-to-mute-after-awake-wav", "0.3", "--snd-command", "tee", "--snd-command-rate", "48000"),
            *("--snd-command-width", "2", "--snd-command-channels", "2", "--snd-command-samples-per-chunk", "1024"),
            *("--snd-volume-multiplier", "0.5", "--awake-wav", str(wav), "--done-wav", str(wav)),
            *("--timer-finished-wav", str(wav), "--timer-finished-wav-repeat", "3", "0.75"),
        ],
        "services": [
            *("--mic-uri", NOWHERE, "--snd-uri", NOWHERE, "--wake-uri", NOWHERE, "--event-uri", NOWHERE),
            *("--wake-word-name", "ok_nabu_v0.1", "Kitchen", "--wake-word-name", "alexa"),
        ],
        "wake words": [
            *(*COMMON, "--wake-command", shlex.join([sys.executable, "-c", FINDER]), "--wake-command-rate", "16000"),
            *("--wake-command-width", "2", "--wake-command-channels", "1", "--wake-word-name", "okay_nabu", "Kitchen"),
            *("--wake-refractory-seconds", "5", "--vad", "--vad-threshold", "0.5", "--vad-trigger-level", "1"),
            *("--vad-buffer-seconds", "2", "--vad-wake-word-timeout", "5", "--mic-no-mute-during-awake-wav"),
        ],
        "events": [*COMMON, *(part for event in EVENTS for part in (f"--{event}-command", "tee"))],
        "network": [
            *(*COMMON, "--name", "Kitchen satellite", "--area", "Kitchen", "--uri", "tcp://127.0.0.1:0"),
            *("--no-zeroconf", "--zeroconf-name", "0242ac110002", "--debug", "--log-format", "json"),
            *("--debug-recording-dir", str(folder / "recordings")),
        ],
    }


def flag_names(command: Sequence[str]) -> set[str]:
    """Return the flags in a command, without their dashes."""
    return {word.removeprefix("--") for word in command if word.startswith("--")}
