"""`wyoming-rosie-bridge dead`: list, show and replay messages that could not be handled."""

import asyncio
import json as json_format
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.table import Table

from wyoming_rosie import config, logging
from wyoming_rosie.bus.envelope import MAX_KEY_LENGTH, decode
from wyoming_rosie.bus.errors import BadMessageError, BusError
from wyoming_rosie.bus.interface import Buses, DeadLetter, DeadLetters
from wyoming_rosie.errors import ConfigError, UsageError
from wyoming_rosie.runtime import exit_status
from wyoming_rosie_bridge.buses import open_buses
from wyoming_rosie_bridge.config import BridgeConfig

CONNECT_SECONDS = 10.0
REPLAY_SECONDS = 30.0
"""Time that a replayed message with a deadline gets."""
MAX_LETTERS = 10_000
Flags = Annotated[str, Parameter(allow_leading_hyphen=True, help="the bridge's own flags, such as --broker.redis")]
Ids = Annotated[str, Parameter(help="IDs from `dead list`, then the bridge's own flags", allow_leading_hyphen=True)]

app = App(
    name="wyoming-rosie-bridge dead",
    help="Messages that could not be handled, in Redis and in NATS. The newest 10,000 of each stream are kept in Redis, and those of 14 days in NATS. Audio can be replayed for 15 minutes.",
    result_action="return_value",
    version_flags=(),
)


def main(arguments: Sequence[str]) -> None:
    """Run a subcommand. Errors become one line on stderr."""
    with exit_status.exit_on_error("wyoming-rosie-bridge", "bridge"):
        logging.configure("bridge", only_warnings=True)
        try:
            app(list(arguments), exit_on_error=False, print_error=False)
        except CycloptsError as err:
            raise UsageError(str(err).splitlines()[0]) from err


@app.command(name="list")
def list_letters(
    *flags: Flags,
    limit: Annotated[int, Parameter(help="how many, the newest first")] = 20,
    place: Annotated[str, Parameter(help="only those of a stream or subject that begins so")] = "",
    json: Annotated[bool, Parameter(help="print a line of JSON for each", negative=())] = False,
) -> None:
    """List dead letters with their reasons."""
    letters = asyncio.run(_read(flags, limit, place))
    if json:
        for letter in letters:
            print(json_format.dumps(_summary(letter)))  # noqa: T201 - the command's output
    else:
        Console().print(_table(letters) if letters else "There are no dead letters.")


@app.command
def show(letter_id: str, /, *flags: Flags) -> None:
    """Print one dead letter with its message, which may hold what people said."""

    async def find() -> DeadLetter:
        async with _open(flags) as buses:
            return (await _find(buses, [letter_id]))[0][1]

    letter = asyncio.run(find())
    try:
        message: Any = json_format.loads(letter.raw)
    except ValueError:
        message = letter.raw.decode(errors="replace")
    print(json_format.dumps({**_summary(letter), "message": message}, indent=2, ensure_ascii=False))  # noqa: T201


@app.command
def replay(
    *ids: Ids,
    every: Annotated[bool, Parameter(name="--all", help="replay all of --place", negative=())] = False,
    place: Annotated[str, Parameter(help="with --all: only those of a stream or subject that begins so")] = "",
) -> None:
    """Put messages back to where they were, with a new key and a new deadline: their first end stays what it is."""
    letter_ids = [word for word in ids if "/" in word and not word.startswith("-") and "://" not in word]
    flags = tuple(word for word in ids if word not in letter_ids)
    if bool(letter_ids) == every:
        raise UsageError("name the letters to replay, as `dead list` shows them, or give --all")
    for letter in asyncio.run(_replay(flags, letter_ids, place)):
        print(f"replayed {letter.id} to {letter.place}")  # noqa: T201


async def _read(flags: Sequence[str], limit: int, place: str) -> list[DeadLetter]:
    async with _open(flags) as buses:
        return [letter for _, letter in await _list(buses, limit, place)]


async def _replay(flags: Sequence[str], letter_ids: Sequence[str], place: str) -> list[DeadLetter]:
    async with _open(flags) as buses:
        chosen = await _find(buses, letter_ids) if letter_ids else await _list(buses, MAX_LETTERS, place)
        for bus, letter in chosen:
            await bus.replay(replace(letter, raw=renew(letter, time.time())))
        return [letter for _, letter in chosen]


@asynccontextmanager
async def _open(flags: Sequence[str]) -> AsyncIterator[Buses]:
    """Open Redis and NATS, those that the settings name. Raises ConfigError if there are none or they do not answer."""
    settings = config.read("bridge", BridgeConfig, flags)
    if settings is None or not (settings.broker.redis or settings.broker.nats):
        raise ConfigError(
            "dead letters are in Redis and NATS: give --broker.redis or --broker.nats, or set them in the [bridge] table"
        )
    async with open_buses(replace(settings.broker, mqtt=None), "wyoming-rosie-dead", subscribes=False) as (buses, _):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while buses.events.problem:  # noqa: ASYNC110 - no event tells of the first connection
                    await asyncio.sleep(0.05)
        except TimeoutError as err:
            raise ConfigError(f"{buses.events.problem}; is it running at {settings.broker.nats}?") from err
        yield buses


async def _list(buses: Buses, limit: int, place: str) -> list[tuple[DeadLetters, DeadLetter]]:
    found: list[tuple[DeadLetters, DeadLetter]] = []
    for bus in buses.dead_letters:
        try:
            letters = await bus.list(limit if not place else MAX_LETTERS)
        except BusError as err:
            raise ConfigError(f"{err}; is the broker running?") from err
        found += [(bus, letter) for letter in letters if letter.place.startswith(place)]
    return sorted(found, key=lambda pair: pair[1].buried_at, reverse=True)[:limit]


async def _find(buses: Buses, letter_ids: Sequence[str]) -> list[tuple[DeadLetters, DeadLetter]]:
    """Return the letters with these IDs. Raises UsageError for one that does not exist."""
    known = {letter.id: (bus, letter) for bus, letter in await _list(buses, MAX_LETTERS, "")}
    for letter_id in letter_ids:
        if letter_id not in known:
            raise UsageError(f"there is no dead letter '{letter_id}'; `wyoming-rosie-bridge dead list` shows them")
    return [known[letter_id] for letter_id in letter_ids]


def renew(letter: DeadLetter, now: float) -> bytes:
    """Return a letter's message with a new key and deadline. Raises UsageError for one that is not valid at all."""
    try:
        envelope = decode(letter.raw)
        suffix = f"+replay{round(now)}"
        key = envelope.key.split("+replay")[0][: MAX_KEY_LENGTH - len(suffix)] + suffix
        deadline = None if envelope.deadline is None else now + REPLAY_SECONDS
        data = {**envelope.data, **({"expires": deadline} if "expires" in envelope.data else {})}
        return replace(envelope, key=key, ts=now, deadline=deadline, data=data).encode()
    except BadMessageError as err:
        raise UsageError(f"{letter.id} cannot be replayed: {err}") from err


def _summary(letter: DeadLetter) -> dict[str, Any]:
    at = datetime.fromtimestamp(letter.buried_at).astimezone().isoformat(timespec="seconds")
    about = {"id": letter.id, "place": letter.place, "reason": letter.reason, "detail": letter.detail}
    return {**about, "attempts": letter.attempts, "at": at}


def _table(letters: Sequence[DeadLetter]) -> Table:
    table = Table("id", "reason", "detail", "attempts", "at", box=None)
    for letter in letters:
        about = _summary(letter)
        table.add_row(letter.id, letter.reason, letter.detail, str(letter.attempts), about["at"])
    return table
