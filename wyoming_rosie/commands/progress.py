"""What a command says beside its result: lines, and the progress of a download as a bar or a line every few seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

LINE_SECONDS = 10.0
MEGABYTE = 1_000_000
RESUMABLE = "the part that was fetched is kept; the same command resumes it"
NOT_RESUMABLE = "nothing was kept; the same command fetches it again"


class ProgressCallback(Protocol):
    """Reports the bytes of a file that are downloaded, their total, and a problem that delays the download."""

    def __call__(self, name: str, done: int, total: int | None, problem: str = "") -> None: ...


def print_line(text: str) -> None:
    """Print a line to standard error, where it does not mix with the result."""
    _create_console().print(text, markup=False)


@contextmanager
def show_progress(*, is_resumable: bool = True) -> Iterator[ProgressCallback]:
    """Show a download during the block; if it is interrupted, print whether it can be resumed."""
    console = _create_console()
    lines = _ProgressLines(console)
    try:
        if console.is_terminal:
            with _progress_bar(console) as bar:
                yield bar
        else:
            yield lines
    except BaseException as err:
        if not isinstance(err, Exception) and not isinstance(err, GeneratorExit):
            console.print(RESUMABLE if is_resumable else NOT_RESUMABLE, markup=False)
        raise


def _create_console() -> Console:
    return Console(stderr=True, soft_wrap=True, highlight=False)


@contextmanager
def _progress_bar(console: Console) -> Iterator[ProgressCallback]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("fetching", total=None)

        def show(name: str, done: int, total: int | None, problem: str = "") -> None:
            description = f"{name} ({problem})" if problem else name
            progress.update(bar, description=description, completed=done, total=total)

        yield show


class _ProgressLines:
    """Prints a line at the start, every LINE_SECONDS, and for each new file or problem."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0
        self._seen = ("", "")

    def __call__(self, name: str, done: int, total: int | None, problem: str = "") -> None:
        if time.monotonic() < self._next and self._seen == (name, problem):
            return
        self._next, self._seen = time.monotonic() + LINE_SECONDS, (name, problem)
        of = f" of {total / MEGABYTE:.0f}" if total else ""
        self._console.print(f"fetching {name}: {done / MEGABYTE:.0f}{of} MB {problem}".rstrip(), markup=False)
