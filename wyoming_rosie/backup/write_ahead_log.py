"""Write-ahead log of SQLite: its pages are written into a copy of the database, which may be encrypted.

The format is that of https://sqlite.org/fileformat2.html#the_write_ahead_log. Checksums are of the pages as they are stored, so
that an encrypted log needs no key.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BYTE_ORDERS = {0x377F0682: "<", 0x377F0683: ">"}
"""Byte order of the checksums by the first four bytes of a log."""
HEADER = struct.Struct(">8I")  # magic, format, bytes of a page, checkpoint, two salts, two checksums
FRAME = struct.Struct(">6I")  # page, pages of the database if it ends a transaction, two salts, two checksums
CHECKSUM_BYTES = 8
MIN_PAGE_BYTES, MAX_PAGE_BYTES = 512, 65_536


@dataclass(frozen=True)
class CommittedPages:
    """The newest offset in the log of each page that a whole transaction wrote, and the pages of the database then."""

    page_bytes: int
    count: int
    offsets: dict[int, int]


@dataclass(frozen=True)
class _Header:
    page_bytes: int
    order: str
    salts: list[int]
    sums: tuple[int, int]


def apply_log(log: Path, database: Path) -> None:
    """Write the committed pages of a log into its database, whose file no program uses. Raises OSError."""
    with log.open("rb") as source, database.open("r+b") as target:
        committed = find_committed_pages(source)
        if committed is None:
            return
        for number, offset in committed.offsets.items():
            source.seek(offset)
            target.seek((number - 1) * committed.page_bytes)
            target.write(source.read(committed.page_bytes))
        target.truncate(committed.count * committed.page_bytes)


def find_committed_pages(log: IO[bytes]) -> CommittedPages | None:
    """Return the pages of all whole transactions of a log; None without any. What follows a damaged frame is left out."""
    header = _read_header(log)
    if header is None:
        return None
    committed: CommittedPages | None = None
    offsets: dict[int, int] = {}
    for number, count, offset in _read_frames(log, header):
        offsets[number] = offset
        if count:
            known = {page: at for page, at in offsets.items() if page <= count}
            committed = CommittedPages(header.page_bytes, count, known)
    return committed


def _read_header(log: IO[bytes]) -> _Header | None:
    """Return the header of a log; None if it is empty or damaged."""
    content = log.read(HEADER.size)
    if len(content) < HEADER.size:
        return None
    magic, _, page_bytes, _, *salts, first, second = HEADER.unpack(content)
    order = BYTE_ORDERS.get(magic)
    if order is None or not MIN_PAGE_BYTES <= page_bytes <= MAX_PAGE_BYTES or page_bytes.bit_count() != 1:
        return None
    sums = _add_checksum((0, 0), content[:-CHECKSUM_BYTES], order)
    return _Header(page_bytes, order, salts, sums) if sums == (first, second) else None


def _read_frames(log: IO[bytes], header: _Header) -> Iterator[tuple[int, int, int]]:
    """Yield the page of each whole frame, the pages of the database if it ends a transaction, and its offset."""
    sums, length = header.sums, FRAME.size + header.page_bytes
    while len(frame := log.read(length)) == length:
        number, count, *salts, first, second = FRAME.unpack_from(frame)
        sums = _add_checksum(sums, frame[:CHECKSUM_BYTES] + frame[FRAME.size :], header.order)
        if number == 0 or salts != header.salts or sums != (first, second):
            return
        yield number, count, log.tell() - header.page_bytes


def _add_checksum(sums: tuple[int, int], content: bytes, order: str) -> tuple[int, int]:
    first, second = sums
    for one, two in struct.iter_unpack(f"{order}2I", content):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
