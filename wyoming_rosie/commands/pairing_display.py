"""What `wyoming-rosie pair` shows while a code counts: on a terminal large and with a countdown, else lines or JSON."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from wyoming_rosie.text.qr_code import draw_text
from wyoming_rosie.trust.pairing.code import Invitation

TICK_SECONDS = 0.5
_ROWS = (
    ("┏━┓", "  ╻", " ━┓", " ━┓", "╻ ╻", "┏━ ", "┏━ ", " ━┓", "┏━┓", "┏━┓"),
    ("┃ ┃", "  ┃", "┏━┛", " ━┫", "┗━┫", "┗━┓", "┣━┓", "  ┃", "┣━┫", "┗━┫"),
    ("┗━┛", "  ╹", "┗━ ", " ━┛", "  ╹", " ━┛", "┗━┛", "  ╹", "┗━┛", " ━┛"),
)
"""The ten digits in three rows of characters."""


class PairingDisplay(Protocol):
    """Shows the progress of a pairing."""

    def show_code(self, invitation: Invitation, role: str, seconds: float) -> None:
        """Show the code, and what to type on the other machine."""
        ...

    async def count_down(self, seconds: float) -> None:
        """Show for so many seconds how many remain."""
        ...

    def show_wrong_try(self, address: str) -> None:
        """Tell that a machine has tried a wrong code."""
        ...

    def show_result(self, result: Mapping[str, Any], sentence: str) -> None:
        """Tell the result: JSON takes the values, a person the sentence."""
        ...


class LineDisplay:
    """Prints what to do on standard error, on a terminal with a QR code and a countdown, and the result on standard output."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)

    def show_code(self, invitation: Invitation, role: str, seconds: float) -> None:
        if self._console.is_terminal:
            self._print(f"{draw_text(invitation.uri)}\n{draw_digits(str(invitation.code))}\n")
        self._print(f"Type this on the other machine, within {seconds:g} seconds:\n")
        self._print(f"    wyoming-rosie-{role} --join {invitation.code}\n")
        self._print("or, if it runs there as a service of a Debian package, and give the code when asked:\n")
        self._print(f"    sudo wyoming-rosie join --program {role}\n")
        self._print(f"If it does not find this machine: {invitation.code}@{invitation.host}:{invitation.port}")

    async def count_down(self, seconds: float) -> None:
        if not self._console.is_terminal:
            return
        columns = (TextColumn("the code counts for"), BarColumn(), TextColumn("{task.fields[left]} s"))
        with Progress(*columns, console=self._console, transient=True) as progress:
            bar = progress.add_task("", total=seconds, left=f"{seconds:.0f}")
            now = asyncio.get_running_loop().time
            deadline = now() + seconds
            while (left := deadline - now()) > 0:
                progress.update(bar, completed=left, left=f"{left:.0f}")
                await asyncio.sleep(TICK_SECONDS)

    def show_wrong_try(self, address: str) -> None:
        self._print(f"{address} has tried a wrong code.")

    def show_result(self, result: Mapping[str, Any], sentence: str) -> None:
        sys.stdout.write(f"{sentence}\n")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False)


class JsonDisplay:
    """Prints a line of JSON for each event."""

    def show_code(self, invitation: Invitation, role: str, seconds: float) -> None:
        _print_json("code", code=str(invitation.code), uri=invitation.uri, role=role, seconds=seconds)

    async def count_down(self, seconds: float) -> None:
        return

    def show_wrong_try(self, address: str) -> None:
        _print_json("wrong-try", address=address)

    def show_result(self, result: Mapping[str, Any], sentence: str) -> None:
        _print_json("joined", **result)


def draw_digits(text: str) -> str:
    """Return digits and hyphens in large characters."""
    return "\n".join(" ".join(_draw(row, number, character) for character in text) for number, row in enumerate(_ROWS))


def _draw(row: tuple[str, ...], number: int, character: str) -> str:
    if character.isdecimal():
        return row[int(character)]
    return " ━ " if number == 1 else "   "


def _print_json(event: str, **values: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")
    sys.stdout.flush()
