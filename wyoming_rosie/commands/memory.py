"""`wyoming-rosie memory`: list, search, fill and empty the memory of the intent daemon."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from wyoming.user_event import UserEvent

from wyoming_rosie.audio.files import STDIN
from wyoming_rosie.commands.ask import find_intent_service
from wyoming_rosie.commands.progress import print_line
from wyoming_rosie.errors import ConfigError, RosieError, UnreachableError, UsageError
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.text.documents.reader import DocumentError, find_documents, read_document
from wyoming_rosie.text.documents.sections import DocumentSection

NAME = "memory"
"""Of the user-event that asks the daemon."""
ANSWER_SECONDS = 120.0
PAGE = 100
SOURCE_CHARACTERS = 60

memory = App(name="memory", help="What the house remembers: list, search, add documents, forget, export and import.")
Uri = Annotated[str | None, Parameter(help="the intent daemon [default: this machine's]")]
AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="print one line of JSON for each")]


@Parameter(name="*")
@dataclass(frozen=True)
class Conditions:
    """Which memories are meant."""

    kind: Annotated[str | None, Parameter(help="conversation, document or fact")] = None
    person: Annotated[str | None, Parameter(help="whose they are")] = None
    room: Annotated[str | None, Parameter(help="where it was said, by the area's id")] = None
    tag: Annotated[str | None, Parameter(help="a tag that they have")] = None
    source: Annotated[str | None, Parameter(help="the file that documents are from")] = None

    def to_data(self) -> dict[str, Any]:
        """Return the conditions of a request."""
        return {name: value for name, value in vars(self).items() if value is not None}


NO_CONDITIONS = Conditions()


@memory.command(name="list")
async def list_memories(
    *,
    where: Conditions = NO_CONDITIONS,
    limit: Annotated[int, Parameter(help="how many, the newest first")] = 50,
    as_json: AsJson = False,
    uri: Uri = None,
) -> None:
    """List memories, the newest first."""
    async with open_memory(uri) as daemon:
        count = 0
        async for record in _list_all(daemon, where.to_data()):
            if count >= limit:
                break
            count += 1
            _print_record(record, as_json=as_json)


@memory.command
async def search(
    text: str,
    *,
    where: Conditions = NO_CONDITIONS,
    limit: Annotated[int, Parameter(help="how many, the best first")] = 10,
    as_json: AsJson = False,
    uri: Uri = None,
) -> None:
    """Search by words, and by meaning where an embedding model is set up; the best come first.

    `+` marks those that the house would tell without a doubt.
    """
    async with open_memory(uri) as daemon:
        answer = await daemon.ask("search", text=text, limit=limit, **where.to_data())
    for found in answer["found"]:
        if as_json:
            _write(json.dumps(found, ensure_ascii=False))
        else:
            _print_record(found["record"], as_json=False, mark="+" if found["is_sure"] else " ")


@memory.command
async def add(
    *paths: Path,
    fact: Annotated[str | None, Parameter(help="a sentence to remember, instead of files")] = None,
    person: Annotated[str | None, Parameter(help="who alone may read it")] = None,
    room: Annotated[str | None, Parameter(help="the room where it belongs")] = None,
    tag: Annotated[tuple[str, ...], Parameter(help="a tag; may be given again")] = (),
    language: Annotated[str | None, Parameter(help="of the texts, such as de")] = None,
    as_json: AsJson = False,
    uri: Uri = None,
) -> None:
    """Add documents: files, or folders with all that is in them. Text, Markdown, HTML and PDF.

    A file that was added before replaces what it left then. With --fact, a sentence is remembered instead.
    """
    fields = {"person": person, "room": room, "tags": list(tag), "language": language}
    if bool(paths) == (fact is not None):
        raise UsageError("name files or folders, or give a sentence with --fact")
    async with open_memory(uri) as daemon:
        if fact is not None:
            answer = await daemon.ask("add", records=[{"kind": "fact", "text": fact, **fields}])
            if answer["refused"]:
                raise UsageError("this looks like a code or a PIN, which is never stored")
            return
        files = await asyncio.to_thread(lambda: list(_find_files(paths)))
        failed = 0
        for number, path in enumerate(files, 1):
            failed += not await _add_file(daemon, path, fields, f"{number}/{len(files)}", as_json=as_json)
    if failed or not files:
        raise DocumentError(
            f"{failed} of {len(files)} documents could not be added" if files else "there are no documents"
        )


@memory.command(name="tag")
async def tag_memories(
    *ids: str,
    where: Conditions = NO_CONDITIONS,
    add: Annotated[tuple[str, ...], Parameter(help="a tag to add; may be given again")] = (),
    remove: Annotated[tuple[str, ...], Parameter(help="a tag to remove; may be given again")] = (),
    uri: Uri = None,
) -> None:
    """Add and remove tags of the memories with these ids, or of those that meet the conditions."""
    async with open_memory(uri) as daemon:
        answer = await daemon.ask("tag", ids=list(ids), add=list(add), remove=list(remove), **where.to_data())
    print_line(_count(answer["count"]))


@memory.command
async def forget(
    *ids: str,
    where: Conditions = NO_CONDITIONS,
    everything: Annotated[bool, Parameter(name="--all", negative=(), help="forget everything")] = False,
    yes: Annotated[bool, Parameter(negative=(), help="do not ask")] = False,
    uri: Uri = None,
) -> None:
    """Forget the memories with these ids, or those that meet the conditions, without a trace in the file."""
    chosen: dict[str, Any] = {
        "ids": list(ids),
        **where.to_data(),
        "all": "yes" if everything else None,
        "replaced": "too",
    }
    if not (ids or where != NO_CONDITIONS or everything):
        raise UsageError("name ids or conditions, or --all")
    if not (yes or await asyncio.to_thread(_is_certain)):
        return
    async with open_memory(uri) as daemon:
        answer = await daemon.ask("forget", **chosen)
    print_line(f"{_count(answer['count'])} forgotten")


@memory.command
async def export(file: Path, /, *, uri: Uri = None) -> None:
    """Write all memories to a new file as JSON lines, or to the standard output (-); its owner alone may read it."""
    transfer = _load_transfer()
    async with open_memory(uri) as daemon:
        records = [record async for record in _list_all(daemon, {"replaced": "too"})]
    header = json.dumps({"format": transfer.FORMAT, "version": transfer.VERSION})
    lines = [header, *(json.dumps(record, ensure_ascii=False) for record in reversed(records))]
    await asyncio.to_thread(_write_lines, file, lines)
    print_line(_count(len(records)))


@memory.command(name="import")
async def import_file(file: Path, /, *, uri: Uri = None) -> None:
    """Read memories from an export; those that are there already stay as they are. A wrong line imports nothing."""
    transfer = _load_transfer()
    records = await asyncio.to_thread(transfer.read_file, file)
    stored = refused = 0
    async with open_memory(uri) as daemon:
        for batch in _batches([transfer.to_line(record) for record in records]):
            answer = await daemon.ask("import", lines=batch)
            stored, refused = stored + answer["count"], refused + answer["refused"]
    print_line(_count(stored) + (f"; not stored: {refused}, since codes and PINs never are" if refused else ""))


@memory.command
async def stats(*, as_json: AsJson = False, uri: Uri = None) -> None:
    """Say how much is remembered, how it is found, and what is wrong."""
    async with open_memory(uri) as daemon:
        answer = await daemon.ask("stats")
    if as_json:
        _write(json.dumps(answer, ensure_ascii=False))
        return
    for kind, count in sorted(answer["counts"].items()):
        _write(f"{kind:<16}{count}")
    _write(f"{'file':<16}{answer['size'] / 1e6:.1f} MB")
    model = answer["model"]
    found = (
        f"by meaning ({model}): {answer['vectors']} ready, {answer['pending_vectors']} to do" if model else "by words"
    )
    _write(f"{'found':<16}{found}")
    for problem in filter(None, (answer["problem"], answer["embedding_problem"])):
        _write(f"{'problem':<16}{problem}")


class MemoryClient:
    """A connection to the memory of an intent daemon."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(self, action: str, **data: Any) -> Mapping[str, Any]:
        """Return the answer to a request. Raises PeerError, UnreachableError."""
        given = {key: value for key, value in data.items() if value is not None}
        await self._client.send(UserEvent(NAME, {"action": action, **given}).event())
        answer = await self._client.wait_for("user-event", seconds=ANSWER_SECONDS)
        return answer.data.get("data") or {}


@asynccontextmanager
async def open_memory(uri: str | None) -> AsyncIterator[MemoryClient]:
    """Connect to the memory of the daemon at `uri`, else of this machine's. Raises UnreachableError."""
    found = uri or await find_intent_service()
    if found is None:
        raise UnreachableError("no intent daemon is running here; start it, or name one with --uri")
    async with connect(found, role="intent") as client:
        yield MemoryClient(client)


async def _list_all(daemon: MemoryClient, where: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
    """Yield all records that meet the conditions, the newest first, page by page."""
    before: str | None = None
    has_more = True
    while has_more:
        answer = await daemon.ask("list", limit=PAGE, before=before, **where)
        for record in answer["records"]:
            yield record
        has_more = answer["has_more"]
        before = answer["records"][-1]["id"] if answer["records"] else None


def _find_files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from find_documents(path.resolve())
        else:
            yield path.resolve()


async def _add_file(daemon: MemoryClient, path: Path, fields: Mapping[str, Any], place: str, *, as_json: bool) -> bool:
    """Add one document in place of what it left before; return whether that worked."""
    source = str(path)
    try:
        records = [_create_record(part, source, fields) for part in await read_document(path)]
        await daemon.ask("forget", source=source, replaced="too")
        for batch in _batches(records):
            await daemon.ask("add", records=batch)
    except UnreachableError:
        raise
    except RosieError as err:
        print_line(f"{place} {err}")
        return False
    if as_json:
        _write(json.dumps({"file": source, "parts": len(records)}, ensure_ascii=False))
    else:
        print_line(f"{place} {path}: {_count(len(records), 'part', 'parts')}")
    return True


def _create_record(part: DocumentSection, source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    text = f"{part.heading}\n{part.text}" if part.heading else part.text
    given = {key: value for key, value in fields.items() if value}
    return {"kind": "document", "text": text.replace("\0", ""), "source": source, **given}


def _count(number: int, one: str = "memory", many: str = "memories") -> str:
    return f"{number} {one if number == 1 else many}"


def _batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, PAGE)):
        yield batch


def _print_record(record: Mapping[str, Any], *, as_json: bool, mark: str = "") -> None:
    if as_json:
        _write(json.dumps(record, ensure_ascii=False))
        return
    moment = datetime.fromtimestamp(record["at"]).astimezone().strftime("%Y-%m-%d %H:%M")
    about = " ".join(filter(None, (record["kind"], record["person"], record["room"], *record["tags"])))
    source = f" [{record['source'][-SOURCE_CHARACTERS:]}]" if record["source"] else ""
    _write(f"{mark}{record['id']}  {moment}  {about}{source}  {' '.join(record['text'].split())}")


def _write_lines(file: Path, lines: Sequence[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    if str(file) in {STDIN, "-"}:
        sys.stdout.write(text)
        return
    try:
        file.touch(0o600, exist_ok=False)
        file.write_text(text, "utf-8")
    except OSError as err:
        raise ConfigError(f"{file} cannot be written: {err.strerror}") from err


def _is_certain() -> bool:
    """Ask on a terminal; elsewhere --yes is needed."""
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here; add --yes")
    return input("Forget these for good? [y/N] ").strip().lower() in {"y", "yes"}


def _load_transfer() -> Any:
    """Return the module of the intent daemon, which may not be installed."""
    try:
        return import_module("wyoming_rosie_intent.memory.transfer")
    except ImportError as err:
        raise ConfigError(f"{err.name} is not installed; run: {install_command(['intent'])}") from err


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
