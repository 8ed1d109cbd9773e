"""How our programs end: one line on stderr, and an exit status that says why."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from cyclopts import CycloptsError

from wyoming_rosie.errors import RosieError, UsageError
from wyoming_rosie.runtime.extras import how_to_get

FAILED = RosieError.exit_status
INTERRUPTED = 130
UNREAD = 141
"""The last two as a shell reports programs that SIGINT and SIGPIPE end."""


@contextmanager
def reported(program: str, extra: str) -> Iterator[None]:
    """End the program with a line and a status for whatever ends the block; `extra` installs what may be missing."""
    try:
        yield
        _flush()
    except RosieError as err:
        _end(program, str(err), err.exit_status)
    except CycloptsError as err:
        _end(program, str(err), UsageError.exit_status)
    except ImportError as err:
        _end(program, f"{err.name} is not installed; run: {how_to_get([extra])}", FAILED)
    except BrokenPipeError:
        _unread()
    except OSError as err:
        _leave_output()
        _end(program, _sentence(err), FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemExit as err:
        if isinstance(err.__context__, BrokenPipeError):  # rich ends the program itself
            _unread()
        raise


def _end(program: str, sentence: str, status: int) -> NoReturn:
    with suppress(OSError):
        sys.stdout.flush()
    _leave_output()
    with suppress(OSError):
        sys.stderr.write(f"{program}: {' '.join(sentence.split())}\n")
        sys.stderr.flush()
    sys.exit(status)


def _flush() -> None:
    if sys.stdout is not None:  # nothing, where the program was started without
        sys.stdout.flush()


def _unread() -> NoReturn:
    """End in silence: whoever read the output has gone."""
    _leave_output()
    sys.exit(UNREAD)


def _leave_output() -> None:
    """Let nothing more be written to where writing has failed, when the interpreter ends."""
    with suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sentence(err: OSError) -> str:
    reason = err.strerror or str(err) or type(err).__name__
    if err.filename is not None:
        return f"{os.fsdecode(err.filename)}: {reason}"
    return f"cannot write the output: {reason}" if err.errno in (errno.ENOSPC, errno.EFBIG, errno.EIO) else reason
