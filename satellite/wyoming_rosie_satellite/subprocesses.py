"""Commands of the operator, such as arecord and aplay, as subprocesses."""

import asyncio
import shlex
import shutil
import signal
from contextlib import suppress

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.child_processes import send_signal

END_SECONDS = 5.0


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


async def end_process(process: asyncio.subprocess.Process) -> None:
    """Kill a command that still runs, and wait for its end. A cancellation takes effect after that."""
    kill_process(process)
    ending = asyncio.create_task(_wait_for_end(process))
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        await ending
        raise


async def _wait_for_end(process: asyncio.subprocess.Process) -> None:
    """Read the rest of its output, too: asyncio reports no exit while output is unread."""
    with suppress(TimeoutError):  # a child of the command may keep the output open
        async with asyncio.timeout(END_SECONDS):
            if process.stdout is not None:
                while await process.stdout.read(65_536):
                    pass
            await process.wait()
