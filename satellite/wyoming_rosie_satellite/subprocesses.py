"""Commands of the operator, such as arecord and aplay, as subprocesses."""

import asyncio
import shlex
import shutil
import signal

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.child_processes import send_signal


def split_command(flag: str, line: str) -> list[str]:
    """Split a flag's command line into arguments. Raises ConfigError when its program does not exist."""
    try:
        words = shlex.split(line)
    except ValueError as err:
        raise ConfigError(f"{flag}: '{line}' is not a command line: {err}") from err
    if not words or shutil.which(words[0]) is None:
        raise ConfigError(
            f"{flag}: there is no program '{words[0] if words else line}' here; install it or name another"
        )
    return words


async def start_process(words: list[str], stdin: int, stdout: int) -> asyncio.subprocess.Process:
    """Start a command; it shares our standard error."""
    return await asyncio.create_subprocess_exec(*words, stdin=stdin, stdout=stdout)


def kill_process(process: asyncio.subprocess.Process) -> None:
    """Kill a command that still runs."""
    send_signal(process, signal.SIGKILL)
