"""Reader of documents: text, Markdown, HTML and PDF files, within limits."""

import asyncio
import codecs
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from wyoming_rosie.errors import RosieError
from wyoming_rosie.text.documents.html_text import extract_html
from wyoming_rosie.text.documents.pdf_text import PdfError, extract_pdf
from wyoming_rosie.text.documents.sections import DocumentSection, split_markdown, split_parts

TEXT, MARKDOWN, HTML, PDF = (".txt", ".text"), (".md", ".markdown"), (".html", ".htm", ".xhtml"), (".pdf",)
SUFFIXES = (*TEXT, *MARKDOWN, *HTML, *PDF)
MAX_FILE_BYTES = 20_000_000
MAX_PARTS = 5000
MAX_FILES = 10_000
MAX_DEPTH = 20


class DocumentError(RosieError):
    """A file cannot be read as a document; the sentence says why."""

    code = "document"


async def read_document(path: Path) -> list[DocumentSection]:
    """Return the parts of a document, with their headings. Raises DocumentError."""
    suffix = path.suffix.lower()
    if not await asyncio.to_thread(path.exists):
        raise DocumentError(f"there is no {path}")
    if suffix not in SUFFIXES:
        raise DocumentError(f"{path} is none of the kinds that are read: {', '.join(SUFFIXES)}")
    content = await asyncio.to_thread(_read, path)
    if suffix in PDF:
        if not content.lstrip()[:5] == b"%PDF-":
            raise DocumentError(f"{path} is no PDF, whatever its name says")
        try:
            sections = await extract_pdf(path)
        except PdfError as err:
            raise DocumentError(f"{path}: {err}") from err
    else:
        sections = await asyncio.to_thread(_split_text, _decode(path, content), suffix)
    return _take_parts(path, sections)


def find_documents(folder: Path) -> Iterator[Path]:
    """Yield the documents in a folder and those below it, in order; nothing hidden, and no links. Blocks.

    Raises DocumentError if there are too many.
    """
    count = 0
    for root, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if len(Path(root).relative_to(folder).parts) >= MAX_DEPTH:
            folders.clear()
        for name in sorted(files):
            path = Path(root, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and not path.is_symlink():
                count += 1
                if count > MAX_FILES:
                    raise DocumentError(f"{folder} has more than {MAX_FILES} documents; give it folder by folder")
                yield path


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise DocumentError(f"{path} is no file")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as err:
        raise DocumentError(f"{path} cannot be read: {err.strerror}") from err
    if len(content) > MAX_FILE_BYTES:
        raise DocumentError(f"{path} is larger than {MAX_FILE_BYTES // 1_000_000} MB: split it")
    return content


def _decode(path: Path, content: bytes) -> str:
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as err:
        raise DocumentError(f"{path} is no UTF-8 text; convert it: iconv -f WINDOWS-1252 -t UTF-8") from err
    if "\0" in text:
        raise DocumentError(f"{path} has NUL bytes in it: it is no text")
    return text


def _split_text(text: str, suffix: str) -> Sequence[DocumentSection]:
    if suffix in HTML:
        return extract_html(text)
    if suffix in MARKDOWN:
        return list(split_markdown(text))
    return [DocumentSection("", text.replace("\r\n", "\n"))]


def _take_parts(path: Path, sections: Sequence[DocumentSection]) -> list[DocumentSection]:
    parts = []
    for part in split_parts(sections):
        parts.append(part)
        if len(parts) > MAX_PARTS:
            raise DocumentError(f"{path} has more than {MAX_PARTS} parts of text: split it")
    if not parts:
        raise DocumentError(f"{path} has no text in it; a scanned page is a picture")
    return parts
