"""Exit statuses: each error ends a program with one line on stderr and a status that says why."""

import errno
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import structlog
from cyclopts import CycloptsError

from wyoming_rosie.errors import RosieError, UsageError
from wyoming_rosie.runtime.extras import install_command

_LOG = structlog.get_logger()
FAILED = RosieError.exit_status
INTERRUPTED = 130
BROKEN_PIPE = 141
"""The statuses that a shell reports after SIGINT and SIGPIPE."""
EXIT_SECONDS = 30.0


@contextmanager
def exit_on_error(program: str, extra: str) -> Iterator[None]:
    """Turn any exception of the block into a line on stderr and an exit status; `extra` is the extra to install for a missing module."""
    try:
        yield
        _flush()
    except RosieError as err:
        _exit(program, str(err), err.exit_status)
    except CycloptsError as err:
        _exit(program, str(err), UsageError.exit_status)
    except ImportError as err:
        _exit(program, f"{err.name} is not installed; run: {install_command([extra])}", FAILED)
    except BrokenPipeError:
        _exit_on_closed_output()
    except OSError as err:
        _discard_output()
        _exit(program, _message(err), FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemExit as err:
        if isinstance(err.__context__, BrokenPipeError):  # rich ends the program itself
            _exit_on_closed_output()
        raise


def _exit(program: str, sentence: str, status: int) -> NoReturn:
    with suppress(OSError):
        sys.stdout.flush()
    _discard_output()
    with suppress(OSError):
        sys.stderr.write(f"{program}: {' '.join(sentence.split())}\n")
        sys.stderr.flush()
    sys.exit(status)


def _flush() -> None:
    if sys.stdout is not None:  # None if the program was started without a stdout
        sys.stdout.flush()


def _exit_on_closed_output() -> NoReturn:
    """Exit without a message: the reader of the output is gone."""
    _discard_output()
    sys.exit(BROKEN_PIPE)


def _discard_output() -> None:
    """Redirect stdout to /dev/null, so that the interpreter's last flush cannot fail."""
    with suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(err: OSError) -> str:
    reason = err.strerror or str(err) or type(err).__name__
    if err.filename is not None:
        return f"{os.fsdecode(err.filename)}: {reason}"
    return f"cannot write the output: {reason}" if err.errno in (errno.ENOSPC, errno.EFBIG, errno.EIO) else reason


def start_exit_deadline(status: int) -> None:
    """End the process with `status` after EXIT_SECONDS, if it still runs then."""
    timer = threading.Timer(EXIT_SECONDS, _exit_now, [status])
    timer.daemon = True
    timer.start()


def _exit_now(status: int) -> None:
    names = sorted(thread.name for thread in threading.enumerate() if not thread.daemon)
    _LOG.warning("exit without waiting for threads that do not end", threads=names)
    os._exit(status)
