"""Other people's programs that record or play sound, such as arecord and aplay."""

import asyncio
import shlex
import shutil
import signal

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.child_processes import send_signal


def split_command(flag: str, line: str) -> list[str]:
    """Return a command line's words. Raises ConfigError when it names no program."""
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
    """Start a command; what it says on stderr goes to ours."""
    return await asyncio.create_subprocess_exec(*words, stdin=stdin, stdout=stdout)


def kill_process(process: asyncio.subprocess.Process) -> None:
    """End a command at once, if it has not ended."""
    send_signal(process, signal.SIGKILL)
